/** A gated MLP, down(act(gate x) * up x): Shazeer 2020 (arXiv 2002.05202). */
import type { Act, DenseSpec } from '../mlp-spec.js';
import type { DenseWeights } from '../model-weights.js';
import { project } from './vectors.js';

export function gatedMlp(
  { act, bias }: Pick<DenseSpec, 'act' | 'bias'>,
  weights: DenseWeights,
  x: Float64Array,
): Float64Array {
  const gate = project(weights.gate, x, bias, weights.gateBias);
  const up = project(weights.up, x, bias, weights.upBias);
  for (let i = 0; i < up.length; i++) up[i] = gated(act, gate[i], up[i]);
  return project(weights.down, up, bias, weights.downBias);
}

function gated({ fn, clamp = Infinity, alpha = 1, plusOne }: Act, gate: number, up: number) {
  const limited = Math.min(gate, clamp);
  const factor = Math.min(Math.max(up, -clamp), clamp) + (plusOne ? 1 : 0);
  if (fn === 'gelu-tanh') return factor * geluTanh(limited);
  return factor * (limited / (1 + Math.exp(-alpha * limited)));
}

/** The tanh form of x times the normal distribution (Hendrycks and Gimpel 2016, arXiv 1606.08415). */
function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}
