/**
 * Memory images of a WaferLLM layer: which element of every weight matrix, of the caches and of the
 * residual stream lies in which cell of which core. Padding holds zeros.
 */
import { ROUND } from '../../numeric/types.js';
import { gqaOf, type ModelSpec } from '../../model/model.js';
import type { DenseWeights, GqaWeights, LayerWeights } from '../../model/model-weights.js';
import { ropeAmplitude, rotaryPairs } from '../../model/rope.js';
import { layOut } from '../../program/builder.js';
import type { LayerCache } from '../lowering.js';
import { waferllmBuffers, waferllmShape, widthOf } from '../../mapping/waferllm-shape.js';
import type { WaferllmOptions } from '../../mapping/waferllm-shape.js';

/** Attention element (query, key or value) in cell `i` of column x's slice, or -1 for padding. */
export function attentionElement(o: WaferllmOptions, x: number, i: number): number {
  const { pairs } = waferllmShape(o);
  const perHead = o.headDim / 2;
  if (i >= 2 * pairs) return -1;
  const pair = x * pairs + (i % pairs);
  const head = Math.floor(pair / perHead);
  if (head >= o.heads) return -1;
  return head * o.headDim + (pair % perHead) + (i < pairs ? 0 : perHead);
}

/**
 * Images of all cores with a layer's weights and caches; `setWaferllmToken` must still set the
 * token. Only for exact lowering (the published one leaves out elements when slices are odd).
 */
export function waferllmImages(
  o: WaferllmOptions,
  model: ModelSpec,
  weights: LayerWeights,
  cache: LayerCache,
): Float32Array[] {
  if (!o.exact) throw new RangeError('only exact lowering has memory images');
  const { attention: gqa, mlp } = weights;
  if (gqa.kind !== 'gqa' || mlp.kind !== 'dense') throw new TypeError('no such layer');
  const { at, buffers } = layOut(waferllmBuffers(o));
  const last = buffers[buffers.length - 1];
  const images: Float32Array[] = [];
  for (let y = 0; y < o.P; y++)
    for (let x = 0; x < widthOf(o); x++) {
      const image = new Float32Array(last.at + last.length);
      const core = { o, model, w: weights, x, y, image, at };
      fillProjections(core, gqa);
      if (o.qkNorm) fillHeadNorms(core, gqa);
      fillMlp(core, mlp);
      fillCache(core, cache);
      images.push(image);
    }
  return images;
}

/** A core whose memory is being filled. */
interface Filled {
  o: WaferllmOptions;
  model: ModelSpec;
  w: LayerWeights;
  x: number;
  y: number;
  image: Float32Array;
  at: Record<string, number>;
}

function fillProjections(
  { o, model, x, y, image, at }: Filled,
  { q, k, v, o: out }: GqaWeights,
): void {
  const s = waferllmShape(o);
  const shared = queriesPerKey(model);
  const width = o.heads * o.headDim;
  for (let j = 0; j < s.attention; j++) {
    const element = attentionElement(o, x, j);
    if (element < 0) continue;
    const kvElement = kvElementOf(element, o.headDim, shared);
    for (let i = 0; i < s.dims; i++) {
      const input = y * s.dims + i;
      if (input >= o.dim) continue;
      image[at.wQ + i * s.attention + j] = q.values[element * o.dim + input]!;
      image[at.wK + i * s.attention + j] = k.values[kvElement * o.dim + input]!;
      image[at.wV + i * s.attention + j] = v.values[kvElement * o.dim + input]!;
      image[at.wO + j * s.dims + i] = out.values[input * width + element]!;
    }
  }
}

function fillHeadNorms({ o, x, image, at }: Filled, { qNorm, kNorm }: GqaWeights): void {
  for (let j = 0; j < waferllmShape(o).attention; j++) {
    const element = attentionElement(o, x, j);
    if (element < 0 || !qNorm || !kNorm) continue;
    image[at.qNorm + j] = qNorm[element % o.headDim];
    image[at.kNorm + j] = kNorm[element % o.headDim];
  }
}

/** Query heads that share a key and value head. */
export function queriesPerKey({ kinds }: ModelSpec): number {
  const { heads, kvHeads } = gqaOf(kinds[0]);
  return heads / kvHeads;
}

/** Without grouped-query saving every query head has its own copy of its key and value head. */
export function kvElementOf(element: number, headDim: number, shared: number): number {
  const head = Math.floor(element / headDim);
  return Math.floor(head / shared) * headDim + (element % headDim);
}

function fillMlp({ o, w, x, y, image, at }: Filled, { gate, up, down }: DenseWeights): void {
  const s = waferllmShape(o);
  for (let i = 0; i < s.dims; i++) {
    const dim = y * s.dims + i;
    if (dim >= o.dim) continue;
    image[at.attentionNorm + i] = w.attentionNorm![dim]!;
    image[at.mlpNorm + i] = w.mlpNorm![dim]!;
    for (let j = 0; j < s.inner; j++) {
      const inner = x * s.inner + j;
      if (inner >= o.ffn) continue;
      image[at.wGate + i * s.inner + j] = gate.values[inner * o.dim + dim]!;
      image[at.wUp + i * s.inner + j] = up.values[inner * o.dim + dim]!;
      image[at.wDown + j * s.dims + i] = down.values[dim * o.ffn + inner]!;
    }
  }
}

function fillCache({ o, model, x, y, image, at }: Filled, cache: LayerCache): void {
  const s = waferllmShape(o);
  const round = ROUND[o.dtype];
  const shared = queriesPerKey(model);
  for (let position = y, slot = 0; position < o.context; position += o.P, slot++)
    for (let j = 0; j < s.attention; j++) {
      const element = attentionElement(o, x, j);
      if (element < 0) continue;
      const kvElement = kvElementOf(element, o.headDim, shared);
      image[at.keys + j * s.slots + slot] = round(cache.keys[position][kvElement]);
      image[at.values + slot * s.attention + j] = round(cache.values[position][kvElement]);
    }
}

/** Puts a token's residual stream (dim elements) and its position's angles into the images. */
export function setWaferllmToken(
  o: WaferllmOptions,
  model: ModelSpec,
  images: Float32Array[],
  residual: ArrayLike<number>,
  position: number,
): void {
  const s = waferllmShape(o);
  const { at } = layOut(waferllmBuffers(o));
  const round = ROUND[o.dtype];
  const { headDim, rope } = gqaOf(model.kinds[0]);
  const pairs = rotaryPairs(headDim, rope, o.maxPositions ?? o.context + 1);
  const amplitude = ropeAmplitude(rope);
  for (let core = 0; core < images.length; core++) {
    const [x, y] = [core % widthOf(o), Math.floor(core / widthOf(o))];
    const image = images[core];
    for (let i = 0; i < s.dims; i++) image[at.x + i] = round(residual[y * s.dims + i] ?? 0);
    for (let i = 0; i < s.pairs; i++) {
      const { frequency } = pairs[(x * s.pairs + i) % pairs.length];
      image[at.cos + i] = round(amplitude * Math.cos(position * frequency));
      image[at.sin + i] = round(amplitude * Math.sin(position * frequency));
    }
  }
}

/** The residual stream after the layer, as the cores of column `x` hold it. */
export function waferllmResidual(o: WaferllmOptions, images: Float32Array[], x = 0): Float32Array {
  const s = waferllmShape(o);
  const { at } = layOut(waferllmBuffers(o));
  return Float32Array.from({ length: o.dim }, (_, dim) => {
    const y = Math.floor(dim / s.dims);
    return images[y * widthOf(o) + x][at.x + (dim % s.dims)];
  });
}
