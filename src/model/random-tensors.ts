/** Random tensors of a model, rounded to what it stores. */
import { ROUND, type FloatType } from '../numeric/types.js';
import { quantiseBlocks } from './blocks.js';
import { formatOf, isBlocked, type MatrixClass } from './formats.js';
import type { Matrix, Vector } from './model-weights.js';
import type { ModelSpec } from './model.js';

const LARGEST_INT8 = 127;

export interface Tensors {
  /** [outputs][inputs] around 0, with deviation 1/sqrt(inputs) if no other is given. */
  matrix(outputs: number, inputs: number, of: MatrixClass, deviation?: number): Matrix;
  vector(length: number, mean: number, deviation: number): Float32Array;
  /** Weights of a norm that multiplies as the model's norms do, by numbers around 1. */
  norm(length: number): Float32Array;
}

/**
 * Tensors drawn one after the other from `random` (uniform in [0, 1)). Matrices are stored in their
 * formats (8-bit integers: from -127 to 127 and one scale, itself of type `dtype`), others in `dtype`.
 */
export function tensorsOf(model: ModelSpec, random: () => number): Tensors {
  const { dtype, normPlusOne } = model;
  function matrix(
    outputs: number,
    inputs: number,
    of: MatrixClass,
    deviation = 1 / Math.sqrt(inputs),
  ): Matrix {
    const values = new Float32Array(outputs * inputs);
    for (let i = 0; i < values.length; i++) values[i] = deviation * nearlyNormal(random);
    const format = formatOf(model, of);
    if (isBlocked(format)) return quantiseBlocks(values, inputs, format);
    if (format.type === 'i8') return quantise(values, dtype);
    for (let i = 0; i < values.length; i++) values[i] = ROUND[format.type](values[i]);
    return { values, scale: 1 };
  }
  function vector(length: number, mean: number, deviation: number): Float32Array {
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++)
      values[i] = ROUND[dtype](mean + deviation * nearlyNormal(random));
    return values;
  }
  return { matrix, vector, norm: (length) => vector(length, normPlusOne ? 0 : 1, 0.1) };
}

/** Symmetric 8-bit integers: the largest number becomes 127, or -127. */
export function quantise(values: Vector, dtype: FloatType): Matrix {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
  const scale = ROUND[dtype](largest / LARGEST_INT8) || 1;
  for (let i = 0; i < values.length; i++) values[i] = Math.round(values[i] / scale);
  return { values, scale };
}

/** Mean 0, deviation 1, within +-3. A sum and not a logarithm, so that its bits are the same everywhere. */
function nearlyNormal(random: () => number): number {
  return 2 * (random() + random() + random() - 1.5);
}
