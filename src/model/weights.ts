/**
 * Random weights of a model, for runs that compute: drawn so that activations stay of order one
 * through all layers, and rounded to what the model stores.
 */
import { roundF16, ROUND, type FloatType } from '../numeric/types.js';
import { ModelError } from './errors.js';
import type { GqaSpec } from './attention-spec.js';
import type { DenseSpec } from './mlp-spec.js';
import type { DenseWeights, GqaWeights, LayerWeights, Matrix, Weights } from './model-weights.js';
import { layerOf, type ModelSpec } from './model.js';
import { parameterCount } from './operators.js';

/** One GiB of 32-bit numbers: more is a mistake on a machine that has to compute with them. */
const MOST_PARAMETERS = 2 ** 28;
const LARGEST_INT8 = 127;

/**
 * Weights drawn from `random` (uniform in [0, 1)), in the order of the fields of `Weights`. Matrices
 * have standard deviation 1/sqrt(inputs), the embedding 1 unless it is the head too, norm weights
 * 1 +- 0.1. Matrices are rounded to `weightBits` (8: integers from -127 to 127 and one scale, itself
 * of type `dtype`), norms to `dtype`. Throws a ModelError over 2^28 parameters.
 */
export function randomWeights(model: ModelSpec, random: () => number): Weights {
  const count = parameterCount(model);
  if (count > MOST_PARAMETERS)
    throw new ModelError(
      `model: expected at most ${MOST_PARAMETERS} parameters to compute with, found ${count}`,
      'model',
    );
  const { dim, vocab, tied } = model;
  const embedding = randomMatrix(model, vocab, dim, tied ? 1 / Math.sqrt(dim) : 1, random);
  const layers = model.layers.map((_, layer) => randomLayer(model, layer, random));
  const finalNorm = randomNorm(model, dim, random);
  const head = tied ? embedding : randomMatrix(model, vocab, dim, 1 / Math.sqrt(dim), random);
  return { embedding, layers, finalNorm, head };
}

function randomLayer(model: ModelSpec, layer: number, random: () => number): LayerWeights {
  const { attention, mlp } = layerOf(model, layer);
  if (attention.kind !== 'gqa' || mlp.kind !== 'dense') throw new TypeError('no such layer');
  const attentionNorm = randomNorm(model, model.dim, random);
  const gqa = randomGqa(model, attention, random);
  const mlpNorm = randomNorm(model, model.dim, random);
  return { attentionNorm, attention: gqa, mlpNorm, mlp: randomDense(model, mlp, random) };
}

function randomGqa(model: ModelSpec, spec: GqaSpec, random: () => number): GqaWeights {
  const { heads, kvHeads, headDim } = spec;
  const matrix = matrixOf(model, random);
  const norm = () => randomNorm(model, headDim, random);
  const q = matrix(heads * headDim, model.dim);
  const k = matrix(kvHeads * headDim, model.dim);
  const v = matrix(kvHeads * headDim, model.dim);
  const norms = spec.qkNorm === 'none' ? {} : { qNorm: norm(), kNorm: norm() };
  return { kind: 'gqa', q, k, v, ...norms, o: matrix(model.dim, heads * headDim) };
}

function randomDense(model: ModelSpec, { inner }: DenseSpec, random: () => number): DenseWeights {
  const matrix = matrixOf(model, random);
  const gate = matrix(inner, model.dim);
  const up = matrix(inner, model.dim);
  return { kind: 'dense', gate, up, down: matrix(model.dim, inner) };
}

function matrixOf(model: ModelSpec, random: () => number) {
  return (outputs: number, inputs: number) =>
    randomMatrix(model, outputs, inputs, 1 / Math.sqrt(inputs), random);
}

function randomMatrix(
  model: ModelSpec,
  outputs: number,
  inputs: number,
  deviation: number,
  random: () => number,
): Matrix {
  const values = new Float32Array(outputs * inputs);
  for (let i = 0; i < values.length; i++) values[i] = deviation * nearlyNormal(random);
  if (model.weightBits === 8) return quantise(values, model.dtype);
  if (model.weightBits === 16)
    for (let i = 0; i < values.length; i++) values[i] = roundF16(values[i]);
  return { values, scale: 1 };
}

/** Symmetric 8-bit integers: the largest number becomes 127, or -127. */
function quantise(values: Float32Array, dtype: FloatType): Matrix {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
  const scale = ROUND[dtype](largest / LARGEST_INT8) || 1;
  for (let i = 0; i < values.length; i++) values[i] = Math.round(values[i] / scale);
  return { values, scale };
}

function randomNorm(model: ModelSpec, length: number, random: () => number): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = ROUND[model.dtype](1 + 0.1 * nearlyNormal(random));
  return values;
}

/** Mean 0, deviation 1, within +-3. A sum and not a logarithm, so that its bits are the same everywhere. */
function nearlyNormal(random: () => number): number {
  return 2 * (random() + random() + random() - 1.5);
}
