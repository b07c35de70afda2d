/**
 * Memory images of a layer's prefill: which element of the residual stream and of every weight matrix lies in
 * which cell of which core. Padding holds zeros. Tiles of weights lie turned, as products begin with them.
 */
import { ROUND } from '../../numeric/types.js';
import { ringOf } from '../../kernels/ring.js';
import { gqaOf, type ModelSpec } from '../../model/model.js';
import type { DenseWeights, GqaWeights, LayerWeights } from '../../model/model-weights.js';
import { ropeAmplitude, rotaryPairs } from '../../model/rope.js';
import { layOut } from '../../program/builder.js';
import { attentionElement, kvElementOf, queriesPerKey } from './memory.js';
import { prefillBuffers, prefillShape, type PrefillOptions } from './prefill-shape.js';

/** A number of a matrix by input and output, or undefined outside it. */
type Matrix = (input: number, output: number) => number | undefined;

/** Images of all cores with a layer's weights and the prompt's residual stream, [token][dim]. */
export function prefillImages(
  o: PrefillOptions,
  model: ModelSpec,
  weights: LayerWeights,
  residual: ArrayLike<number>[],
): Float32Array[] {
  const { attention: gqa, mlp } = weights;
  if (gqa.kind !== 'gqa' || mlp.kind !== 'dense') throw new TypeError('no such layer');
  const { at, buffers } = layOut(prefillBuffers(o));
  const last = buffers[buffers.length - 1];
  const { order, position } = ringOf(o.P, 'interleaved');
  const s = prefillShape(o);
  const round = ROUND[o.dtype];
  return Array.from({ length: o.P * o.P }, (_, core) => {
    const image = new Float32Array(last.at + last.length);
    const [x, y] = [core % o.P, Math.floor(core / o.P)];
    const block = order[(position[x] + position[y]) % o.P];
    for (let i = 0; i < s.dims; i++) {
      const dim = x * s.dims + i;
      image[at.attentionNorm + i] = weights.attentionNorm![dim] ?? 0;
      image[at.mlpNorm + i] = weights.mlpNorm![dim] ?? 0;
      for (let r = 0; r < s.tokens; r++) {
        const token = residual[y * s.tokens + r];
        if (dim < o.dim && token) image[at.x + i * s.tokens + r] = round(token[dim]);
      }
    }
    const tile = (
      first: number,
      rows: number,
      columns: number,
      matrix: Matrix,
      of: [number, number],
    ) => {
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++)
          image[first + i * columns + j] = matrix(of[0] * rows + i, of[1] * columns + j) ?? 0;
    };
    const m = matricesOf(o, model, gqa, mlp);
    tile(at.wQkv, s.dims, 3 * s.attention, m.qkv, [block, x]);
    tile(at.wO, s.attention, s.dims, m.out, [block, x]);
    tile(at.wGateUp, s.dims, 2 * s.inner, m.gateUp, [block, x]);
    tile(at.wDown, s.inner, s.dims, m.down, [block, x]);
    fillAngles(o, model, image, at, x, y);
    if (o.qkNorm)
      for (let i = 0; i < s.attention; i++) {
        const element = attentionElement(o, x, i);
        if (element < 0) continue;
        image[at.qNorm + i] = gqa.qNorm![element % o.headDim];
        image[at.kNorm + i] = gqa.kNorm![element % o.headDim];
      }
    return image;
  });
}

/** The matrices by numbers of the padded slices, one after the other. */
function matricesOf(
  o: PrefillOptions,
  model: ModelSpec,
  gqa: GqaWeights,
  mlp: DenseWeights,
): Record<string, Matrix> {
  const { attention, inner } = prefillShape(o);
  const shared = queriesPerKey(model);
  const width = o.heads * o.headDim;
  const elementOf = (index: number) =>
    attentionElement(o, Math.floor(index / attention), index % attention);
  return {
    qkv(dim, column) {
      const [x, j] = [Math.floor(column / (3 * attention)), column % (3 * attention)];
      const element = attentionElement(o, x, j % attention);
      if (element < 0 || dim >= o.dim) return undefined;
      const which = Math.floor(j / attention);
      const row = which === 0 ? element : kvElementOf(element, o.headDim, shared);
      return [gqa.q, gqa.k, gqa.v][which].values[row * o.dim + dim];
    },
    out(index, dim) {
      const element = elementOf(index);
      return element < 0 || dim >= o.dim ? undefined : gqa.o.values[dim * width + element];
    },
    gateUp(dim, column) {
      const [x, j] = [Math.floor(column / (2 * inner)), column % (2 * inner)];
      const unit = x * inner + (j % inner);
      if (unit >= o.ffn || dim >= o.dim) return undefined;
      return (j < inner ? mlp.gate : mlp.up).values[unit * o.dim + dim];
    },
    down: (unit, dim) =>
      unit >= o.ffn || dim >= o.dim ? undefined : mlp.down.values[dim * o.ffn + unit],
  };
}

function fillAngles(
  o: PrefillOptions,
  model: ModelSpec,
  image: Float32Array,
  at: Record<string, number>,
  x: number,
  y: number,
): void {
  const { pairs, tokens } = prefillShape(o);
  const { headDim, rope } = gqaOf(model.kinds[0]);
  const frequencies = rotaryPairs(headDim, rope, o.tokens);
  const amplitude = ropeAmplitude(rope);
  const round = ROUND[o.dtype];
  for (let i = 0; i < pairs; i++)
    for (let r = 0; r < tokens; r++) {
      const angle = (y * tokens + r) * frequencies[(x * pairs + i) % frequencies.length].frequency;
      image[at.cos + i * tokens + r] = round(amplitude * Math.cos(angle));
      image[at.sin + i * tokens + r] = round(amplitude * Math.sin(angle));
    }
}

/** The residual stream after the layer, [token][dim]. */
export function prefillResidual(o: PrefillOptions, images: Float32Array[]): Float32Array[] {
  const { at } = layOut(prefillBuffers(o));
  const { tokens, dims } = prefillShape(o);
  return Array.from({ length: o.tokens }, (_, token) =>
    Float32Array.from({ length: o.dim }, (_, dim) => {
      const [x, y] = [Math.floor(dim / dims), Math.floor(token / tokens)];
      return images[y * o.P + x][at.x + (dim % dims) * tokens + (token % tokens)];
    }),
  );
}
