/** Random tensors of a model, rounded to what it stores. */
import { ROUND } from '../numeric/types.js';
import { formatOf, type MatrixClass } from './formats.js';
import type { Matrix } from './model-weights.js';
import type { ModelSpec } from './model.js';
import { storeMatrix } from './stored.js';

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
    return storeMatrix(model, { values, scale: 1 }, formatOf(model, of), () => inputs);
  }
  function vector(length: number, mean: number, deviation: number): Float32Array {
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++)
      values[i] = ROUND[dtype](mean + deviation * nearlyNormal(random));
    return values;
  }
  return { matrix, vector, norm: (length) => vector(length, normPlusOne ? 0 : 1, 0.1) };
}

/** Mean 0, deviation 1, within +-3. A sum and not a logarithm, so that its bits are the same everywhere. */
function nearlyNormal(random: () => number): number {
  return 2 * (random() + random() + random() - 1.5);
}
