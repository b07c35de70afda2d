/** Arithmetic of the plain decoder on vectors, in double precision. */
import { scaleAt } from '../blocks.js';
import type { Matrix, Vector } from '../model-weights.js';

/** A matrix [outputs][inputs] of stored numbers times a vector, times the matrix's scale or its blocks' own. */
export function multiply(of: Matrix, x: Float64Array): Float64Array {
  if (of.blocks !== undefined) return multiplyBlocks(of, x);
  const { values: matrix, scale } = of;
  const product = new Float64Array(matrix.length / x.length);
  for (let row = 0; row < product.length; row++) {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += matrix[row * x.length + i] * x[i];
    product[row] = sum * scale;
  }
  return product;
}

function multiplyBlocks(matrix: Matrix, x: Float64Array): Float64Array {
  const { values } = matrix;
  const product = new Float64Array(values.length / x.length);
  for (let row = 0; row < product.length; row++) {
    let sum = 0;
    for (let i = 0; i < x.length; i++)
      sum += values[row * x.length + i] * scaleAt(matrix, row, i) * x[i];
    product[row] = sum;
  }
  return product;
}

/** The same, plus a bias if the layer has one. */
export function project(
  matrix: Matrix,
  x: Float64Array,
  hasBias: boolean,
  bias: Vector | undefined,
): Float64Array {
  const product = multiply(matrix, x);
  if (hasBias) add(product, bias!);
  return product;
}

/** x += y, times a factor. */
export function add(x: Float64Array, y: Vector, factor = 1): void {
  for (let i = 0; i < x.length; i++) x[i] += factor * y[i];
}

/** x *= factor */
export function scaleBy(x: Float64Array, factor: number): void {
  for (let i = 0; i < x.length; i++) x[i] *= factor;
}

/** Shares of the scores; with a sink they leave out the share of one more score. */
export function softmax(scores: Float64Array, sink = -Infinity): Float64Array {
  let most = sink;
  for (const score of scores) most = Math.max(most, score);
  const shares = scores.map((score) => Math.exp(score - most));
  let sum = Math.exp(sink - most);
  for (const share of shares) sum += share;
  return shares.map((share) => share / sum);
}

/** Values beyond a cap are bent to stay within it. */
export function softCap(value: number, cap: number): number {
  return cap * Math.tanh(value / cap);
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}
