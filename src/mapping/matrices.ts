/**
 * The slices of weight matrices that a core keeps: how many inputs and outputs, in what format, with which
 * scales. The one source of a slice's buffers, of the operations that multiply it (lowering/product.ts) and
 * of the numbers in it (lowering/stored.ts).
 */
import type { DataType } from '../numeric/types.js';
import type { FloatType } from '../numeric/types.js';
import { SCALE_TYPES, formatOf, isBlocked, transposedFormat } from '../model/formats.js';
import type { MatrixClass, WeightFormat } from '../model/formats.js';
import { copiesKeys } from '../model/attention-spec.js';
import type { DeltaSpec, GqaSpec } from '../model/attention-spec.js';
import { deltaOf, gqaOf, latentOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import type { ExpertsShape } from './experts.js';
import type { BufferShape } from './mapping.js';
import { projectedAt, type DeltaShape } from './delta.js';
import { blocksTouched, gcd, runsIn, type Runs } from './runs.js';
import { latentMatrices, latentRuns, type LatentMatrices } from './latent-matrices.js';
import type { GqaShape, LayerShape, TableShape } from './shapes.js';
import { streamRuns } from './stream.js';

/** What of a model says how its matrices are stored. */
type Stores = Pick<ModelSpec, 'dtype' | 'weightBits' | 'formats'>;

/** A core's slice of the matrices that multiply the same inputs: their outputs lie side by side. */
export interface MatrixSlice {
  /** Its buffer; `buffersOf` has the names of those that go with it. */
  name: string;
  inputs: number;
  outputs: number;
  /**
   * Outputs of each matrix in turn; `pairs` where those of two matrices alternate; `mixed` where they lie in no
   * such order, so that each output keeps a scale.
   */
  parts: readonly number[] | 'pairs' | 'mixed';
  /** In which its products are computed. */
  type: FloatType;
  format: WeightFormat;
  /** Of a format with blocks: how many of inputs and of outputs a core's slice is in at most. */
  blocks: { inputs: number; outputs: number };
  /** Such slices one after the other: one for each expert of the core's strip. */
  count: number;
}

/** Buffers of a slice: its codes or numbers, scales, and the number of the block that each input or output is in. */
export function buffersOf({ name }: Pick<MatrixSlice, 'name'>) {
  return {
    weights: name,
    scales: `${name}Scale`,
    inputBlocks: `${name}InputBlock`,
    outputBlocks: `${name}OutputBlock`,
  };
}

/**
 * Scales of one slice: of integers of 8 bits one for each matrix, or where these are mixed for each output; in
 * a format with blocks by blocks of inputs, and in each by blocks of outputs.
 */
export function scaleCount({ format, parts, outputs, blocks }: MatrixSlice): number {
  if (isBlocked(format)) return blocks.inputs * blocks.outputs;
  if (format.type !== 'i8') return 0;
  if (parts === 'mixed') return outputs;
  return parts === 'pairs' ? 2 : parts.length;
}

/** Integers of 8 bits are multiplied as they are, and their sums by the scale of the matrix. */
export function scalesSums({ format }: Pick<MatrixSlice, 'format'>): boolean {
  return format.type === 'i8';
}

/** Whether inputs or outputs say which block they are in: not if all are in one, or each is one. */
export function namesBlocks({ format, blocks }: MatrixSlice): {
  inputs: boolean;
  outputs: boolean;
} {
  if (!isBlocked(format)) return { inputs: false, outputs: false };
  return { inputs: blocks.inputs > 1, outputs: format.block[0] > 1 && blocks.outputs > 1 };
}

/** The buffers of a slice: slice after slice, then their scales and what says which block something is in. */
export function matrixBuffers({ dtype }: Pick<ModelSpec, 'dtype'>, of: MatrixSlice): BufferShape[] {
  const { format, inputs, outputs, count, blocks } = of;
  const names = buffersOf(of);
  const named = namesBlocks(of);
  const scaleType = isBlocked(format) ? SCALE_TYPES[format.type] : dtype;
  const buffer = (name: string, type: DataType, length: number): BufferShape[] =>
    length > 0 ? [{ name, type, length, preloaded: true }] : [];
  const numbers = (blocks: number): DataType => (blocks > MOST_IN_A_BYTE ? 'i32' : 'i8');
  return [
    { name: names.weights, type: format.type, length: count * inputs * outputs, preloaded: true },
    ...buffer(names.scales, scaleType, count * scaleCount(of)),
    ...buffer(names.inputBlocks, numbers(blocks.inputs), named.inputs ? inputs : 0),
    ...buffer(names.outputBlocks, numbers(blocks.outputs), named.outputs ? outputs : 0),
  ];
}

const MOST_IN_A_BYTE = 128;

/** All that attention projects from the stream; the output projection; gate and up; down. */
export interface LayerMatrices extends MlpMatrices {
  qkv: MatrixSlice;
  o: MatrixSlice;
  /** What latent attention multiplies between them. */
  latent?: LatentMatrices;
  /** Experts of one column of the router, on columns that have some. */
  router?: MatrixSlice;
  /** The expert that every token goes through. */
  shared?: MlpMatrices;
  /** The dense MLP next to the experts. */
  parallel?: MlpMatrices;
  /** What a token and a hidden state are projected to one by. */
  join?: MatrixSlice;
}

/** Of one gated MLP, or of all experts. */
export interface MlpMatrices {
  gateUp: MatrixSlice;
  down: MatrixSlice;
}

export function layerMatrices(model: ModelSpec, layer: LayerSpec, s: LayerShape): LayerMatrices {
  const { dims } = s;
  const sliceOf = slicesIn(model, 'attention');
  const stream = streamRuns(model, s);
  const { projected, attended, all, own } = projectedIn(layer, s);
  const qkv = { name: 'wQkv', inputs: dims, outputs: projected, parts: 'mixed' } as const;
  const o = { name: 'wO', inputs: attended, outputs: dims, parts: [dims] };
  // Field by field, as in shapes.ts.
  const mlp: ExpertMatrices = s.experts
    ? expertMatrices(model, layer, s, s.experts)
    : gated(model, 'rest', '', s, [s.inner, s.inner], layer.mlp.inner);
  const matrices: LayerMatrices = {
    qkv: sliceOf(qkv, stream, all),
    o: sliceOf(o, own, stream),
    gateUp: mlp.gateUp,
    down: mlp.down,
  };
  if (s.kind === 'latent') {
    const transposed = slicesIn(model, 'attention', true);
    matrices.latent = latentMatrices(latentOf(layer), s, { sliceOf, transposed, stream });
  }
  if (s.joined !== undefined) matrices.join = joinMatrix(model, s, s.joined);
  if (mlp.router) matrices.router = mlp.router;
  if (mlp.shared) matrices.shared = mlp.shared;
  if (mlp.parallel) matrices.parallel = mlp.parallel;
  return matrices;
}

/** A row's elements of the token, and then of the hidden state, by a column's of the projection. */
function joinMatrix(model: ModelSpec, s: LayerShape, joined: number): MatrixSlice {
  const { dim } = model;
  const { dims } = s;
  const stream = streamRuns(model, s);
  const { length, step = length } = stream;
  return slicesIn(model, 'rest')(
    { name: 'wJoin', inputs: 2 * dims, outputs: joined, parts: [joined] },
    { ...stream, of: 2 * dim, step: gcd(step, dim), runs: 2 },
    { length: joined, of: dim },
  );
}

function projectedIn(layer: LayerSpec, s: LayerShape): Projected {
  switch (s.kind) {
    case 'gqa':
      return headRuns(gqaOf(layer), s);
    case 'latent':
      return latentRuns(latentOf(layer), s);
    case 'delta':
      return deltaRuns(deltaOf(layer), s);
  }
}

type ExpertMatrices = MlpMatrices & Pick<LayerMatrices, 'router' | 'shared' | 'parallel'>;

function expertMatrices(
  model: ModelSpec,
  { mlp }: LayerSpec,
  s: LayerShape,
  { scores, sharedInner, parallelInner, held }: ExpertsShape,
): ExpertMatrices {
  if (mlp.kind === 'dense') throw new TypeError('expected experts, found a dense MLP');
  const { shared, parallel } = mlp;
  const scored = { name: 'wRouter', inputs: s.dims, outputs: scores, parts: [scores] };
  const router = slicesIn(model, 'router')(scored, streamRuns(model, s), NONE);
  // Scores are f32 from the product on.
  router.type = 'f32';
  const ofAll = (name: string, inner: number, of: number) =>
    gated(model, 'rest', name, { rows: s.rows, dims: s.dims, inner }, 'pairs', of);
  const { gateUp, down } = gated(model, 'experts', 'Expert', s, 'pairs', mlp.inner, held);
  const found: ExpertMatrices = { gateUp, down, router };
  if (shared && sharedInner > 0) found.shared = ofAll('Shared', sharedInner, shared.inner);
  if (parallel) found.parallel = ofAll('Parallel', parallelInner, parallel.inner);
  return found;
}

/** In place of the runs of outputs that are in no blocks: a router's weights are in none. */
const NONE: Runs = { length: 1, of: 1 };

/**
 * Gate and up, and down, of a gated MLP of `inner` units in all, or of several. Gate and up of an expert's units
 * alternate: one operation over the units of all chosen experts takes its gates, or its ups, by steps of two.
 */
function gated(
  model: ModelSpec,
  of: MatrixClass,
  name: string,
  shape: Pick<LayerShape, 'rows' | 'dims' | 'inner'>,
  parts: MatrixSlice['parts'],
  inner: number,
  count = 1,
): MlpMatrices {
  const { dims, inner: units } = shape;
  const sliceOf = slicesIn(model, of);
  const stream = streamRuns(model, shape);
  const own = { length: units, of: inner };
  const gateUp = { name: `w${name}GateUp`, inputs: dims, outputs: 2 * units, parts };
  const down = { name: `w${name}Down`, inputs: units, outputs: dims, parts: [dims] };
  return {
    gateUp: sliceOf(gateUp, stream, { length: units, of: inner, runs: 2 }, count),
    down: sliceOf(down, own, stream, count),
  };
}

/** What a column projects from the stream, and of that what it attends to: numbers of elements, and their runs. */
export interface Projected {
  projected: number;
  attended: number;
  all: Runs[];
  own: Runs;
}

/**
 * The elements of a column's heads among those of all: in each the first and the second elements of its pairs,
 * in a row each, or cut in two where a part of a head is turned by itself.
 */
function headRuns(attention: GqaSpec, s: GqaShape): Projected {
  const { heads, headDim, rope } = attention;
  const cut = rope !== undefined && rope.width < headDim;
  const length = cut ? 1 : s.pairs;
  const each = cut ? 2 * s.pairs : 2;
  const step = headDim % 2 === 0 ? gcd(length, headDim / 2) : 1;
  const of = heads * headDim;
  const queries = each * s.queryHeads;
  const values = (copiesKeys(attention) ? 1 : 2) * each * s.headsPerColumn;
  return {
    projected: s.projectedDims,
    attended: s.queryDims,
    own: { length, step, of, runs: queries },
    all: [{ length, step, of, runs: (attention.gate ? 2 : 1) * queries + values }],
  };
}

/** The same of a delta net: of each head a run of elements; and what the value heads of a column have one of. */
function deltaRuns(
  { keyHeads, valueHeads, keyDim, valueDim }: DeltaSpec,
  s: DeltaShape,
): Projected {
  const { keyElements, valueElements, headsPerColumn } = s;
  const keys = runsIn(keyElements, keyDim, keyHeads);
  const values = runsIn(valueElements, valueDim, valueHeads);
  const each = s.valueHeads / headsPerColumn;
  const once = runsIn(each, each, keyHeads);
  const own = { ...values, runs: s.valueHeads };
  return {
    projected: projectedAt(s).length,
    attended: valueElements * s.valueHeads,
    own,
    all: [
      { ...keys, runs: 2 * headsPerColumn },
      { ...own, runs: 2 * own.runs },
      { ...once, runs: 2 * headsPerColumn },
    ],
  };
}

/** The vocabulary's table: the entries of a column by the dimensions of a row. */
export function tableMatrix(model: ModelSpec, shape: TableShape): MatrixSlice {
  const { dims, entries } = shape;
  return slicesIn(model, 'tables')(
    { name: 'table', inputs: dims, outputs: entries, parts: [entries] },
    streamRuns(model, shape),
    { length: entries, of: model.vocab },
  );
}

const NO_BLOCKS: MatrixSlice['blocks'] = { inputs: 1, outputs: 1 };

/**
 * Slices of a model's matrices, whose inputs and outputs are such runs of the matrices'; `count` of them.
 * @param transposed inputs are the matrices' outputs, and outputs their inputs
 */
export function slicesIn(model: Stores, matrices: MatrixClass, transposed = false) {
  const stored = formatOf(model, matrices);
  const format = transposed ? transposedFormat(stored) : stored;
  const { dtype: type } = model;
  const blocksOf = (outputs: number, inputRuns: Runs, outputRuns: Runs | readonly Runs[]) => {
    if (!isBlocked(format)) return NO_BLOCKS;
    const [high, wide] = format.block;
    return {
      inputs: blocksTouched(inputRuns, wide),
      outputs:
        high === 1
          ? outputs
          : [outputRuns].flat().reduce((sum, runs) => sum + blocksTouched(runs, high), 0),
    };
  };
  // Field by field: sizes are chosen among thousands of shapes, and a spread takes most of the time.
  return (
    { name, inputs, outputs, parts }: Pick<MatrixSlice, 'name' | 'inputs' | 'outputs' | 'parts'>,
    inputRuns: Runs,
    outputRuns: Runs | readonly Runs[],
    count = 1,
  ): MatrixSlice => ({
    name,
    inputs,
    outputs,
    parts,
    type,
    format,
    blocks: blocksOf(outputs, inputRuns, outputRuns),
    count,
  });
}
