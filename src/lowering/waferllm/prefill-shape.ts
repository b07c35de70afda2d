/** How a layer's prefill is cut over P x P cores, and what lies in a core's memory. */
import type { BufferShape } from '../../mapping/mapping.js';
import { waferllmShape, type WaferllmOptions } from '../../mapping/waferllm-shape.js';
import type { DataType } from '../../numeric/types.js';

export interface PrefillOptions extends WaferllmOptions {
  /** Tokens of the prompt, from position 0 on. */
  tokens: number;
}

/** Tokens of a core, and elements of its slices; all are padded up. */
export function prefillShape(o: PrefillOptions) {
  const { attention, pairs } = waferllmShape(o);
  return {
    tokens: Math.ceil(o.tokens / o.P),
    dims: Math.ceil(o.dim / o.P),
    attention,
    pairs,
    inner: Math.ceil(o.ffn / o.P),
  };
}

/** Buffers of every core, one after the other. */
export function prefillBuffers(o: PrefillOptions): BufferShape[] {
  const { tokens, dims, attention, pairs, inner } = prefillShape(o);
  const buffers: BufferShape[] = [];
  const add = (name: string, type: DataType, length: number, preloaded = false) =>
    buffers.push({ name, type, length, preloaded });
  const weights = {
    wQkv: dims * 3 * attention,
    wO: attention * dims,
    wGateUp: dims * 2 * inner,
    wDown: inner * dims,
  };
  const scores = o.heads * tokens * tokens;
  add('x', o.dtype, dims * tokens, true);
  add('attentionNorm', o.dtype, dims, true);
  add('mlpNorm', o.dtype, dims, true);
  for (const [name, length] of Object.entries(weights)) add(name, o.dtype, length, true);
  for (const name of ['cos', 'sin']) add(name, o.dtype, pairs * tokens, true);
  if (o.qkNorm) for (const name of ['qNorm', 'kNorm']) add(name, o.dtype, attention, true);
  add('normed', o.dtype, dims * tokens);
  add('qkv', o.dtype, 3 * attention * tokens);
  add('turned', o.dtype, 4 * pairs * tokens);
  add('square', 'f32', tokens);
  if (o.qkNorm) add('headScale', 'f32', 2 * o.heads * tokens);
  add('scores', o.dtype, scores);
  add('partial', o.dtype, scores);
  add('peak', 'f32', o.heads * tokens);
  add('total', 'f32', o.heads * tokens);
  add('attended', o.dtype, attention * tokens);
  add('projected', o.dtype, dims * tokens);
  add('gateUp', o.dtype, 2 * inner * tokens);
  add('spareKeys', o.dtype, attention * tokens);
  add('spareLeft', o.dtype, Math.max(dims, attention, inner) * tokens);
  add('spareWeights', o.dtype, Math.max(...Object.values(weights)));
  return buffers;
}
