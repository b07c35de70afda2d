/** A model's weights as its cores store them: rounded, or as integers of 8 bits. */
import { ROUND, roundF16 } from '../numeric/types.js';
import { ModelError } from './errors.js';
import type { Matrix, Vector, Weights } from './model-weights.js';
import type { ModelSpec } from './model.js';
import { quantise } from './random-tensors.js';

/**
 * Rounds in place: matrices to `weightBits` (8: integers from -127 to 127 and one scale, itself of type
 * `dtype`), all else to `dtype`. With 32 bits they stay as they are.
 * @throws ModelError if a number is beyond those of 16 bits
 */
export function storeWeights(model: ModelSpec, weights: Weights): Weights {
  const { dtype, weightBits } = model;
  const matrices = new Map<Matrix, Matrix>();
  const matrix = (given: Matrix): Matrix => {
    const known = matrices.get(given);
    if (known !== undefined) return known;
    const stored = weightBits === 8 ? quantise(given.values, dtype) : given;
    if (weightBits === 16) round(given.values, roundF16);
    matrices.set(given, stored);
    return stored;
  };
  const vector = (given: Vector): Vector => {
    if (dtype === 'f16') round(given, ROUND.f16);
    return given;
  };
  return each(weights, matrix, vector) as Weights;
}

/** What holds matrices and vectors, with those that take their place. */
function each(
  value: unknown,
  matrix: (given: Matrix) => Matrix,
  vector: (given: Vector) => Vector,
): unknown {
  if (value instanceof Float32Array || value instanceof Float64Array) return vector(value);
  if (Array.isArray(value)) return value.map((inner) => each(inner, matrix, vector));
  if (typeof value !== 'object' || value === null) return value;
  if ('values' in value && 'scale' in value) return matrix(value as Matrix);
  const entries = Object.entries(value).map(([key, inner]) => [key, each(inner, matrix, vector)]);
  return Object.fromEntries(entries);
}

function round(values: Vector, to: (x: number) => number): void {
  for (let i = 0; i < values.length; i++) {
    const rounded = to(values[i]);
    if (!Number.isFinite(rounded))
      throw new ModelError(
        `model.dtype: expected f32, as a weight of ${values[i]} is beyond f16, found f16`,
        'model.dtype',
      );
    values[i] = rounded;
  }
}
