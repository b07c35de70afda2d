/** A model's weights as its cores store them: rounded, or as codes with scales. */
import { ROUND, type FloatType } from '../numeric/types.js';
import { inBlocksOf, quantiseBlocks, unblocked } from './blocks.js';
import { ModelError } from './errors.js';
import { formatOf, isBlocked, widenedType } from './formats.js';
import type { BlockFormat, MatrixClass, WeightFormat } from './formats.js';
import type { LayerWeights, Matrix, Vector, Weights } from './model-weights.js';
import { layerOf, type LayerSpec, type ModelSpec } from './model.js';

/**
 * Stores in place: matrices in their formats (8-bit integers: from -127 to 127 and one scale, itself of type
 * `dtype`), all else in `dtype`. Codes and scales that are in their format already stay as they are, and so do
 * floats of 32 bits.
 * @param rounded what matrices are rounded to that were not in their format: codes of few bits alone
 * @throws ModelError if a number is beyond those of 16 bits
 */
export function storeWeights(
  model: ModelSpec,
  weights: Weights,
  rounded = new Set<WeightFormat>(),
): Weights {
  const { dim, dtype } = model;
  const known = new Map<Matrix, Matrix>();
  const matrix = (given: Matrix, of: MatrixClass, widthOf: () => number): Matrix => {
    let stored = known.get(given);
    if (stored !== undefined) return stored;
    const format = formatOf(model, of);
    const isKept = isBlocked(format) && isStoredAs(given, format);
    known.set(given, (stored = storeMatrix(model, given, format, widthOf)));
    if (!isKept && widenedType(format) !== undefined) rounded.add(format);
    return stored;
  };
  const vector = (given: Vector): Vector => {
    if (dtype === 'f16') round(given, 'f16');
    return given;
  };
  const layers = weights.layers.map((layer, i): LayerWeights => {
    const stored = each(layer, [], vector, (given, path) =>
      matrix(given, classOf(path), () => inputsOf(layerOf(model, i), dim, path.at(-1)!, given)),
    );
    return stored as LayerWeights;
  });
  const table = (given: Matrix) => matrix(given, 'tables', () => dim);
  const { embedding, finalNorm, head } = weights;
  return {
    ...{ embedding: table(embedding), layers },
    ...{ finalNorm: vector(finalNorm), head: table(head) },
  };
}

/** What holds matrices and vectors, with those that take their place. */
function each(
  value: unknown,
  path: readonly string[],
  vector: (given: Vector) => Vector,
  matrix: (given: Matrix, path: readonly string[]) => Matrix,
): unknown {
  if (value instanceof Float32Array || value instanceof Float64Array) return vector(value);
  if (Array.isArray(value)) return value.map((inner) => each(inner, path, vector, matrix));
  if (typeof value !== 'object' || value === null) return value;
  if ('values' in value && 'scale' in value) return matrix(value as Matrix, path);
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    each(inner, [...path, key], vector, matrix),
  ]);
  return Object.fromEntries(entries);
}

function classOf(path: readonly string[]): MatrixClass {
  if (path[0] === 'attention') return 'attention';
  if (path.includes('experts')) return 'experts';
  return path.includes('router') || path.includes('sharedGate') ? 'router' : 'rest';
}

/** Inputs of a matrix of a layer. */
function inputsOf({ attention }: LayerSpec, dim: number, name: string, { values }: Matrix): number {
  if (name === 'o' || name === 'down' || name === 'project') return values.length / dim;
  if (attention.kind !== 'latent') return dim;
  if (name === 'kvUp') return attention.kvRank;
  // The indexer's queries come out of the same latent vector.
  return name === 'qUp' || name === 'q' ? (attention.qRank ?? dim) : dim;
}

/**
 * A matrix in a format: itself if it is in it already, or its numbers, which are changed in place.
 * @param widthOf its inputs, asked for by formats with blocks
 * @throws ModelError if a number is beyond those of 16 bits
 */
export function storeMatrix(
  { dtype }: Pick<ModelSpec, 'dtype'>,
  given: Matrix,
  format: WeightFormat,
  widthOf: () => number,
): Matrix {
  if (isBlocked(format) && isStoredAs(given, format)) return inBlocksOf(format.block[0], given);
  const whole = unblocked(given);
  if (isBlocked(format)) return quantiseBlocks(whole.values, widthOf(), format);
  if (format.type === 'i8') return quantise(whole.values, dtype);
  if (format.type === 'f16') round(whole.values, 'f16');
  return whole;
}

const LARGEST_INT8 = 127;

/** Symmetric 8-bit integers: the largest number becomes 127, or -127. */
export function quantise(values: Vector, dtype: FloatType): Matrix {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
  const scale = ROUND[dtype](largest / LARGEST_INT8) || 1;
  for (let i = 0; i < values.length; i++) values[i] = Math.round(values[i] / scale);
  return { values, scale };
}

/** In such blocks, or in some that are so many of them above each other. */
function isStoredAs({ blocks }: Matrix, { type, block }: BlockFormat): boolean {
  if (blocks?.format.type !== type) return false;
  const [outputs, inputs] = blocks.format.block;
  return outputs % block[0] === 0 && inputs === block[1];
}

function round(values: Vector, type: FloatType): void {
  for (let i = 0; i < values.length; i++) {
    const rounded = ROUND[type](values[i]);
    if (!Number.isFinite(rounded))
      throw new ModelError(
        `model.dtype: expected f32, as a weight of ${values[i]} is beyond f16, found f16`,
        'model.dtype',
      );
    values[i] = rounded;
  }
}
