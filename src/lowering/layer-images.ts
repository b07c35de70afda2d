/**
 * Memory images of a layer's cores: its weights cut into the slices that shapes.ts describes, with zeros where
 * padded, and a cache filled with earlier tokens' keys and values.
 */
import { ROUND } from '../numeric/types.js';
import type { GqaSpec } from '../model/attention-spec.js';
import { firstAttended, slotAt } from '../model/cache-slots.js';
import type {
  DenseWeights,
  GqaWeights,
  LayerWeights,
  Matrix,
  Vector,
} from '../model/model-weights.js';
import { denseOf, gqaOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import { ropeAmplitude, rotaryPairs, type RotaryPair } from '../model/rope.js';
import type { Region } from '../placement/placement.js';
import { layerBuffers, layerShape } from '../mapping/shapes.js';
import type { LayerShape } from '../mapping/shapes.js';
import { layOut } from '../program/builder.js';
import type { LayerCache } from './lowering.js';
import { eachDim, normWeight, storedBy } from './stored.js';

/** Images of a layer's cores, row by row. `maxPositions` and `users` as in the placement. */
export function layerImages(
  model: ModelSpec,
  region: Pick<Region, 'width' | 'height'>,
  maxPositions: number,
  { spec, weights, cache }: { spec: LayerSpec; weights: LayerWeights; cache: LayerCache },
  users = 1,
): Float32Array[] {
  const shape = layerShape(model, spec, maxPositions, region.height, region.width, users);
  const [attentionSpec, { inner }] = [gqaOf(spec), denseOf(spec)];
  const { attention: gqa, mlp } = weights;
  if (gqa.kind !== 'gqa' || mlp.kind !== 'dense') throw new TypeError('no such layer');
  const pairs = rotaryPairs(attentionSpec.headDim, attentionSpec.rope, maxPositions);
  const images: Float32Array[] = [];
  for (let row = 0; row < region.height; row++)
    for (let column = 0; column < region.width; column++) {
      const attention = column < shape.attentionColumns;
      const { buffers, at } = layOut(layerBuffers(model, spec, shape, attention));
      const last = buffers.at(-1)!;
      const image = new Float32Array(last.at + last.length);
      const core = { image, at, model, spec: attentionSpec, shape, row, column, gqa };
      fillNorms(core, weights);
      fillMlp(core, mlp, inner);
      if (attention) {
        const slice = attentionSlice(attentionSpec, shape, column, pairs);
        fillProjections(core, slice);
        fillHeadNorms(core, slice);
        fillSinks(core, slice);
        fillAngles(core, slice, cache.keys.length);
        fillCache(core, slice, cache);
      }
      images.push(image);
    }
  return images;
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
  shape: LayerShape,
  column: number,
  all: readonly RotaryPair[],
): AttentionSlice {
  const perKv = spec.heads / spec.kvHeads;
  const firstHead = Math.floor(column / shape.groupWidth) * shape.headsPerColumn;
  const firstPair = (column % shape.groupWidth) * shape.pairs;
  const kvHeads = Array.from({ length: shape.headsPerColumn }, (_, i) =>
    firstHead + i < spec.kvHeads ? firstHead + i : -1,
  );
  const queryHeads = kvHeads.flatMap((head) =>
    Array.from({ length: perKv }, (_, i) => (head < 0 ? -1 : head * perKv + i)),
  );
  const pairs = Array.from({ length: shape.pairs }, (_, i) => all.at(firstPair + i));
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
interface Filled {
  image: Float32Array;
  at: Record<string, number>;
  model: ModelSpec;
  spec: GqaSpec;
  shape: LayerShape;
  row: number;
  column: number;
  gqa: GqaWeights;
}

const NORMS = ['attentionNorm', 'attentionOutNorm', 'mlpNorm', 'mlpOutNorm'] as const;

function fillNorms({ image, at, model, shape, row }: Filled, weights: LayerWeights): void {
  for (const name of NORMS) {
    const norm = weights[name];
    if (norm === undefined) continue;
    eachDim(model, shape.dims, row, (d, dim) => {
      image[at[name] + d] = normWeight(model, norm[dim]);
    });
  }
}

function fillProjections(
  { image, at, model, spec, shape, row, column, gqa }: Filled,
  { kvHeads, queryHeads, elements }: AttentionSlice,
): void {
  const perElement = queryHeads.length + kvHeads.length;
  const firstValue = 2 * shape.pairs * perElement;
  const length = shape.queryDims + 2 * shape.keyDims;
  const round = ROUND[model.dtype];
  const projection = (matrix: Matrix, bias: Vector | undefined) => {
    const stored = storedBy(model, matrix);
    return (out: number, source: number) => {
      if (at.qkvScale !== undefined) image[at.qkvScale + out] = matrix.scale;
      if (source < 0) return;
      // The column adds its rows' parts up, and one of them starts from the bias.
      if (bias && row === 0) image[at.qkvBias + out] = round(bias[source]);
      eachDim(model, shape.dims, row, (d, dim) => {
        image[at.wQkv + d * length + out] = stored(source * model.dim + dim);
      });
    };
  };
  const query = projection(gqa.q, gqa.qBias);
  const key = projection(gqa.k, gqa.kBias);
  const value = projection(gqa.v, gqa.vBias);
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
    value(firstValue + head * elements.length + element, source);
  });
  const inputs = spec.heads * spec.headDim;
  const out = storedBy(model, gqa.o);
  queryHeads.forEach((head, h) =>
    elements.forEach((element, i) => {
      if (head < 0 || element < 0) return;
      const input = head * spec.headDim + element;
      eachDim(model, shape.dims, row, (d, dim) => {
        const slot = (h * elements.length + i) * shape.dims + d;
        image[at.wO + slot] = out(dim * inputs + input);
      });
    }),
  );
  if (at.oScale !== undefined) image[at.oScale] = gqa.o.scale;
  const { oBias } = gqa;
  if (oBias && column === 0)
    eachDim(model, shape.dims, row, (d, dim) => {
      image[at.oBias + d] = round(oBias[dim]);
    });
}

/** Angles of the position before the first token (its program advances them). */
function fillAngles(
  { image, at, spec, shape }: Filled,
  slice: AttentionSlice,
  context: number,
): void {
  if (!spec.rope) return;
  for (let pair = 0; pair < shape.pairs; pair++) {
    const frequency = slice.pairs[pair]?.frequency ?? 0;
    const set = (buffer: number, angle: number, times: number) => {
      image[buffer + pair] = times * Math.cos(angle);
      image[buffer + shape.pairs + pair] = times * Math.sin(angle);
    };
    const amplitude = frequency === 0 ? 1 : ropeAmplitude(spec.rope);
    set(at.angle, frequency * (context - 1), amplitude);
    // A step advances the angles and must leave the amplitude as it is.
    set(at.angleStep, frequency, 1);
  }
}

/** Weights of the norms of queries and keys: of one head, or of each as they lie in `qkv`. */
function fillHeadNorms(
  { image, at, model, spec, gqa: { qNorm, kNorm } }: Filled,
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
  { image, at, model, gqa: { sinks } }: Filled,
  { queryHeads }: AttentionSlice,
): void {
  if (!sinks) return;
  queryHeads.forEach((head, h) => {
    if (head >= 0) image[at.minusSink + h] = -ROUND[model.dtype](sinks[head]);
  });
}

/** The first user's cache: [head][element][slot], slots dealt out row by row. */
function fillCache(
  { image, at, model, spec, shape, row }: Filled,
  slice: AttentionSlice,
  cache: LayerCache,
): void {
  const { length: context } = cache.keys;
  const round = ROUND[model.dtype];
  slice.kvHeads.forEach((head, h) =>
    slice.elements.forEach((element, i) => {
      if (head < 0 || element < 0) return;
      const first = (h * slice.elements.length + i) * shape.slots;
      const index = head * spec.headDim + element;
      // What the first token attends to; in a ring each slot has one such position.
      for (let p = firstAttended(spec.span, context); p < context; p++) {
        const slot = slotAt(spec.span, p);
        if (slot % shape.rows !== row) continue;
        const cell = first + Math.floor(slot / shape.rows);
        image[at.keys + cell] = round(cache.keys[p][index]);
        image[at.values + cell] = round(cache.values[p][index]);
      }
    }),
  );
}

function fillMlp(
  { image, at, model, shape, row, column }: Filled,
  { gate, up, down, ...biases }: DenseWeights,
  inner: number,
): void {
  const n = shape.inner;
  const round = ROUND[model.dtype];
  const { gateBias, upBias, downBias } = biases;
  const stored = {
    gate: storedBy(model, gate),
    up: storedBy(model, up),
    down: storedBy(model, down),
  };
  if (downBias && column === 0)
    eachDim(model, shape.dims, row, (d, dim) => {
      image[at.downBias + d] = round(downBias[dim]);
    });
  for (let j = 0; j < n && column * n + j < inner; j++) {
    const unit = column * n + j;
    if (gateBias && upBias && row === 0) {
      image[at.gateUpBias + j] = round(gateBias[unit]);
      image[at.gateUpBias + n + j] = round(upBias[unit]);
    }
    eachDim(model, shape.dims, row, (d, dim) => {
      image[at.wGateUp + d * 2 * n + j] = stored.gate(unit * model.dim + dim);
      image[at.wGateUp + d * 2 * n + n + j] = stored.up(unit * model.dim + dim);
      image[at.wDown + j * shape.dims + d] = stored.down(dim * inner + unit);
    });
  }
  if (at.mlpScale !== undefined) image.set([gate.scale, up.scale, down.scale], at.mlpScale);
}
