/**
 * Memory images of a layer's cores: its weights cut into the slices that shapes.ts describes, with zeros where
 * padded, and a cache filled with earlier tokens' keys and values.
 */
import { ROUND } from '../numeric/types.js';
import type { CostTable } from '../hardware/wafer.js';
import { copiesKeys } from '../model/attention-spec.js';
import type { GqaSpec } from '../model/attention-spec.js';
import { firstAttended, slotAt } from '../model/cache-slots.js';
import type {
  DenseWeights,
  GqaWeights,
  LayerWeights,
  Matrix,
  Vector,
} from '../model/model-weights.js';
import { deltaOf, gqaOf, latentOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import { rotaryPairs, type RotaryPair } from '../model/rope.js';
import type { Region } from '../placement/placement.js';
import { hasAttention, hasMlp, type Held, type LayerPart } from '../mapping/mapping.js';
import { layerMatrices, type LayerMatrices } from '../mapping/matrices.js';
import { layerBuffers } from '../mapping/buffers.js';
import { normsIn } from '../mapping/norms.js';
import { kvGroupsOf, layerShape } from '../mapping/shapes.js';
import type { NormName } from '../mapping/norms.js';
import type { GqaShape, LayerShape } from '../mapping/shapes.js';
import { layOut } from '../program/builder.js';
import { fillAngles } from './angles.js';
import { fillDelta } from './delta-images.js';
import { fillExperts, fillRouter } from './expert-images.js';
import { fillJoin } from './join.js';
import { latentFiller } from './latent-images.js';
import type { LayerCache } from './lowering.js';
import { routerPlaces } from './router-places.js';
import { consecutive, dimsOf, eachDim, fillSlice, normWeight, type Image } from './stored.js';
import { valueCache } from './values.js';

/** What a layer's cores keep, the column of the root of their rows, and the costs by which their code was written. */
export interface ImageSource {
  spec: LayerSpec;
  weights: LayerWeights;
  cache: LayerCache;
  rowRoot: number;
  costs: CostTable;
  /** Experts in the order in which they lie in the strips; by number, if not given. */
  expertOrder?: readonly number[] | undefined;
}

/** Images of the cores of a layer's region, row by row. `maxPositions` and `users` as in the placement. */
export function layerImages(
  model: ModelSpec,
  region: Pick<Region, 'width' | 'height'> & Pick<LayerPart, 'kind' | keyof Held>,
  maxPositions: number,
  { spec, weights, cache, rowRoot, costs, expertOrder }: ImageSource,
  users = 1,
  inFlight = 1,
): Float32Array[] {
  const { kind, width, height } = region;
  const shape = layerShape(model, spec, maxPositions, height, width, users, region, inFlight);
  const matrices = layerMatrices(model, spec, shape);
  const router =
    shape.experts && hasAttention(kind) ? routerPlaces(rowRoot, width, shape.experts) : undefined;
  const fillAttention = hasAttention(kind)
    ? attentionFiller(spec, shape, weights, cache, maxPositions)
    : undefined;
  const images: Float32Array[] = [];
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const heads = fillAttention !== undefined && column < shape.attentionColumns;
      const { buffers, at } = layOut(
        layerBuffers(model, spec, shape, kind, { heads, router: router?.part(column) }),
      );
      const last = buffers.at(-1)!;
      const image = new Float32Array(last.at + last.length);
      const core = { image, at, model, costs, shape, matrices, row, column, expertOrder };
      for (const name of normsIn(spec, kind)) fillNorm(core, name, normOf(weights, name)!);
      if (hasMlp(kind) && weights.scalar !== undefined)
        image[at.scalar] = ROUND[model.dtype](weights.scalar);
      if (hasMlp(kind)) fillMlp(core, spec, weights);
      if (hasAttention(kind) && weights.join) fillJoin(core, weights.join);
      const { mlp } = weights;
      if (router && spec.mlp.kind === 'experts' && mlp.kind === 'experts')
        fillRouter(core, spec.mlp, mlp, router);
      fillAttention?.(core, heads);
      images.push(image);
    }
  return images;
}

/** What fills the cores of columns with heads. `maxPositions` of the whole run. */
function attentionFiller(
  layer: LayerSpec,
  shape: LayerShape,
  { attention: weights }: LayerWeights,
  cache: LayerCache,
  maxPositions: number,
): (core: Filled, hasHeads: boolean) => void {
  if (shape.kind === 'delta' && weights.kind === 'delta')
    return (core, hasHeads) => {
      if (hasHeads) fillDelta({ ...core, spec: deltaOf(layer), shape, weights }, cache.state);
    };
  if (shape.kind === 'latent' && weights.kind === 'latent') {
    const filled = latentFiller({ spec: latentOf(layer), weights, cache, positions: maxPositions });
    return (core, hasHeads) => filled({ ...core, shape }, hasHeads);
  }
  if (shape.kind !== 'gqa' || weights.kind !== 'gqa')
    throw new TypeError(`expected weights of ${shape.kind}, found ${weights.kind}`);
  const spec = gqaOf(layer);
  const pairs = rotaryPairs(spec.headDim, spec.rope, maxPositions);
  return (of, hasHeads) => {
    if (!hasHeads) return;
    const core = { ...of, spec, shape, gqa: weights };
    const slice = attentionSlice(spec, shape, of.column, pairs);
    fillProjections(core, slice);
    fillHeadNorms(core, slice);
    fillSinks(core, slice);
    if (spec.rope) fillAngles(core, spec.rope, slice.pairs, cache.keys.length);
    fillCache(core, slice, cache);
  };
}

function fillMlp(core: Filled, { mlp: spec }: LayerSpec, { mlp: weights }: LayerWeights): void {
  if (spec.kind === 'dense' && weights.kind === 'dense') fillDense(core, weights, spec.inner);
  else if (spec.kind === 'experts' && weights.kind === 'experts') fillExperts(core, spec, weights);
  else throw new TypeError(`expected weights of ${spec.kind}, found ${weights.kind}`);
}

/** Which elements of which heads a column holds; -1 where padded. */
interface AttentionSlice {
  /** Global number of each KV head and query head. */
  kvHeads: number[];
  queryHeads: number[];
  /** The column's pairs of elements; undefined where padded. */
  pairs: (RotaryPair | undefined)[];
  /** Index inside a head of each of the column's elements: first ones of the pairs, then second ones. */
  elements: number[];
}

function attentionSlice(
  spec: GqaSpec,
  shape: GqaShape,
  column: number,
  rotary: readonly RotaryPair[],
): AttentionSlice {
  const all = kvGroupsOf(spec, shape);
  const perGroup = spec.heads / all;
  const first = Math.floor(column / shape.groupWidth) * shape.headsPerColumn;
  const firstPair = (column % shape.groupWidth) * shape.pairs;
  const groups = Array.from({ length: shape.headsPerColumn }, (_, i) =>
    first + i < all ? first + i : -1,
  );
  const kvHeads = groups.map((group) =>
    group < 0 ? -1 : Math.floor((group * spec.kvHeads) / all),
  );
  const queryHeads = groups.flatMap((group) =>
    Array.from({ length: perGroup }, (_, i) => (group < 0 ? -1 : group * perGroup + i)),
  );
  const pairs = Array.from({ length: shape.pairs }, (_, i) => rotary.at(firstPair + i));
  const elements = [
    ...pairs.map((pair) => pair?.first ?? -1),
    ...pairs.map((pair) => pair?.second ?? -1),
  ];
  return { kvHeads, queryHeads, pairs, elements };
}

/** Global row numbers of a head-by-head matrix for the order of `qkv`: element by element, head by head. */
function rowsOf({ headDim }: GqaSpec, heads: number[], elements: number[]): number[] {
  return elements.flatMap((element) =>
    heads.map((head) => (head < 0 || element < 0 ? -1 : head * headDim + element)),
  );
}

/** A core of a layer whose memory is being filled. */
export interface Filled extends Image {
  shape: LayerShape;
  matrices: LayerMatrices;
  row: number;
  column: number;
}

/** One of a layer with grouped queries. */
interface FilledGqa extends Filled {
  spec: GqaSpec;
  shape: GqaShape;
  gqa: GqaWeights;
}

function normOf({ mlp, ...weights }: LayerWeights, name: NormName): Vector | undefined {
  const beside = mlp.kind === 'experts' ? mlp.parallel : undefined;
  switch (name) {
    case 'expertsNorm':
      return beside?.expertsNorm;
    case 'parallelOutNorm':
      return beside?.outNorm;
    case 'expertsOutNorm':
      return beside?.expertsOutNorm;
    default:
      return weights[name];
  }
}

function fillNorm({ image, at, model, shape, row }: Filled, name: NormName, norm: Vector): void {
  eachDim(model, shape, row, (d, dim) => {
    image[at[name] + d] = normWeight(model, norm[dim]);
  });
}

function fillProjections(core: FilledGqa, { kvHeads, queryHeads, elements }: AttentionSlice): void {
  const { image, at, model, spec, shape, matrices, row, column, gqa } = core;
  const perElement = queryHeads.length + kvHeads.length;
  const firstValue = 2 * shape.pairs * perElement;
  const round = ROUND[model.dtype];
  const outputs = Array.from({ length: matrices.qkv.outputs }, () => ({ of: gqa.q, output: -1 }));
  const project = (of: Matrix, bias: Vector | undefined) => (out: number, output: number) => {
    outputs[out] = { of, output };
    // The column adds its rows' parts up, and one of them starts from the bias.
    if (bias && output >= 0 && row === 0) image[at.qkvBias + out] = round(bias[output]);
  };
  const query = project(gqa.q, gqa.qBias);
  const key = project(gqa.k, gqa.kBias);
  const value = project(gqa.v, spec.valueIsKey ? gqa.kBias : gqa.vBias);
  rowsOf(spec, queryHeads, elements).forEach((source, i) => {
    const element = Math.floor(i / queryHeads.length);
    const out = element * perElement + (i % queryHeads.length);
    query(out, source);
  });
  rowsOf(spec, kvHeads, elements).forEach((source, i) => {
    const element = Math.floor(i / kvHeads.length);
    const head = i % kvHeads.length;
    const out = element * perElement + queryHeads.length + head;
    key(out, source);
    if (!copiesKeys(spec)) value(firstValue + head * elements.length + element, source);
  });
  // As the heads are attended.
  const attended = queryHeads.flatMap((head) =>
    elements.map((element) => (head < 0 || element < 0 ? -1 : head * spec.headDim + element)),
  );
  if (gqa.gate) {
    const gate = project(gqa.gate, undefined);
    const firstGate = firstValue + kvHeads.length * elements.length;
    attended.forEach((source, i) => gate(firstGate + i, source));
  }
  const dims = dimsOf(model, shape, row);
  fillSlice(core, matrices.qkv, { width: model.dim, inputs: dims, outputs });
  const { headDim } = spec;
  fillSlice(core, matrices.o, {
    width: spec.heads * headDim,
    inputs: attended,
    outputs: dims.map((output) => ({ of: gqa.o, output })),
  });
  const { oBias } = gqa;
  if (oBias && column === 0)
    eachDim(model, shape, row, (d, dim) => {
      image[at.oBias + d] = round(oBias[dim]);
    });
}

/** Weights of the norms of queries and keys: of one head, or of each as they lie in `qkv`. */
function fillHeadNorms(
  { image, at, model, spec, gqa: { qNorm, kNorm } }: FilledGqa,
  { kvHeads, queryHeads, elements }: AttentionSlice,
): void {
  if (!qNorm || !kNorm) return;
  elements.forEach((element, i) => {
    if (element < 0) return;
    if (spec.qkNorm === 'head') {
      image[at.qNorm + i] = normWeight(model, qNorm[element]);
      image[at.kNorm + i] = normWeight(model, kNorm[element]);
      return;
    }
    const first = at.qkNorm + i * (queryHeads.length + kvHeads.length);
    const put = (norm: Vector, head: number, cell: number) => {
      if (head >= 0) image[cell] = normWeight(model, norm[head * spec.headDim + element]);
    };
    queryHeads.forEach((head, h) => put(qNorm, head, first + h));
    kvHeads.forEach((head, h) => put(kNorm, head, first + queryHeads.length + h));
  });
}

/** Minus the sinks of the query heads, on every row: one of them counts them. A padded head has one of 0. */
function fillSinks(
  { image, at, model, gqa: { sinks } }: FilledGqa,
  { queryHeads }: AttentionSlice,
): void {
  if (!sinks) return;
  queryHeads.forEach((head, h) => {
    if (head >= 0) image[at.minusSink + h] = -ROUND[model.dtype](sinks[head]);
  });
}

/**
 * The first user's cache, slots dealt out row by row: keys [head][element][slot], values as values.ts has them.
 */
function fillCache(
  { image, at, model, costs, spec, shape, row }: FilledGqa,
  slice: AttentionSlice,
  cache: LayerCache,
): void {
  const { length: context } = cache.keys;
  const round = ROUND[model.dtype];
  const values = valueCache(costs, model.dtype, shape);
  slice.kvHeads.forEach((head, h) =>
    slice.elements.forEach((element, i) => {
      if (head < 0 || element < 0) return;
      const number = h * slice.elements.length + i;
      const index = head * spec.headDim + element;
      // What the first token attends to; in a ring each slot has one such position.
      for (let p = firstAttended(spec.span, context); p < context; p++) {
        const slot = slotAt(spec.span, p, (shape.inFlight ?? 1) - 1);
        if (slot % shape.rows !== row) continue;
        const place = Math.floor(slot / shape.rows);
        image[at.keys + number * shape.slots + place] = round(cache.keys[p][index]);
        const cell = number * values.element + place * values.slot;
        image[at.values + cell] = round(cache.values[p][index]);
      }
    }),
  );
}

function fillDense(core: Filled, { gate, up, down, ...biases }: DenseWeights, inner: number): void {
  const { image, at, model, shape, matrices, row, column } = core;
  const n = shape.inner;
  const round = ROUND[model.dtype];
  const { gateBias, upBias, downBias } = biases;
  if (downBias && column === 0)
    eachDim(model, shape, row, (d, dim) => {
      image[at.downBias + d] = round(downBias[dim]);
    });
  const units = consecutive(column * n, n, inner);
  if (gateBias && upBias && row === 0)
    units.forEach((unit, j) => {
      if (unit < 0) return;
      image[at.gateUpBias + j] = round(gateBias[unit]);
      image[at.gateUpBias + n + j] = round(upBias[unit]);
    });
  const dims = dimsOf(model, shape, row);
  const of = (matrix: Matrix, held: number[]) => held.map((output) => ({ of: matrix, output }));
  fillSlice(core, matrices.gateUp, {
    ...{ width: model.dim, inputs: dims },
    outputs: [...of(gate, units), ...of(up, units)],
  });
  fillSlice(core, matrices.down, { width: inner, inputs: units, outputs: of(down, dims) });
}
