import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import seedrandom from 'seedrandom';
import { roundF16 } from '../src/numeric/types.js';
import { importHfConfig, type ImportOptions } from '../src/model/hf-config.js';
import type {
  DenseWeights,
  GqaWeights,
  LayerWeights,
  Vector,
  Weights,
} from '../src/model/model-weights.js';
import { parameterCount } from '../src/model/operators.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { resized, sizesOf } from './helpers/small-model.js';

const load = (file: string, options: Partial<ImportOptions> = {}) => {
  const text = readFileSync(new URL(`../models/${file}.json`, import.meta.url), 'utf8');
  return importHfConfig(JSON.parse(text), { name: file, ...options });
};
const alea = () => seedrandom.alea('weights');
const gqaOf = ({ attention }: LayerWeights) => attention as GqaWeights;
const layerMatrices = (layer: LayerWeights) => {
  const { q, k, v, o } = gqaOf(layer);
  const { gate, up, down } = layer.mlp as DenseWeights;
  return [q, k, v, o, gate, up, down];
};

const matricesOf = (w: Weights) => [w.embedding, ...w.layers.flatMap(layerMatrices), w.head];
const numbersOf = (w: Weights) => matricesOf(w).map(({ values }) => values);
const normsOf = (w: Weights) =>
  [
    ...w.layers.flatMap((l) => [l.attentionNorm, l.mlpNorm, gqaOf(l).qNorm, gqaOf(l).kNorm]),
    w.finalNorm,
  ].filter((norm) => norm !== undefined);
const deviation = (values: Vector) =>
  Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0) / values.length);

describe('random weights', () => {
  it('are the same for the same seed and others for another', () => {
    const model = load('tiny');
    expect(randomWeights(model, alea())).toEqual(randomWeights(model, alea()));
    expect(randomWeights(model, seedrandom.alea('other'))).not.toEqual(
      randomWeights(model, alea()),
    );
  });

  it.each(['tiny', 'tiny-qwen3'])('of %s are as many as the model has parameters', (file) => {
    const model = load(file);
    const w = randomWeights(model, alea());
    const held = [...new Set([...numbersOf(w), ...normsOf(w)])];
    expect(held.reduce((sum, values) => sum + values.length, 0)).toBe(parameterCount(model));
    expect(w.head === w.embedding).toBe(model.tied);
    const { qkNorm, headDim } = sizesOf(model);
    expect(gqaOf(w.layers[0]).qNorm?.length).toBe(qkNorm ? headDim : undefined);
  });

  it('spread by 1/sqrt(inputs), norms around 1', () => {
    const model = load('tiny', { dtype: 'f32' });
    const w = randomWeights(model, alea());
    expect(deviation(w.embedding.values)).toBeCloseTo(1, 1);
    expect(deviation(w.head.values) * Math.sqrt(48)).toBeCloseTo(1, 1);
    const { gate, down } = w.layers[0].mlp as DenseWeights;
    expect(deviation(gate.values) * Math.sqrt(48)).toBeCloseTo(1, 1);
    expect(deviation(down.values) * Math.sqrt(80)).toBeCloseTo(1, 1);
    const tied = randomWeights(load('tiny-qwen3', { dtype: 'f32' }), alea()).embedding.values;
    expect(deviation(tied) * Math.sqrt(48)).toBeCloseTo(1, 1);
    for (const norm of normsOf(w)) {
      const mean = Array.from(norm).reduce((sum, x) => sum + x, 0) / norm.length;
      expect(Math.abs(mean - 1)).toBeLessThan(0.1);
      expect(new Set(norm).size).toBeGreaterThan(1);
    }
  });

  it('are 16-bit floats with scale 1 in a 16-bit model, and use more than 16 bits in a 32-bit one', () => {
    const isF16 = (values: Vector) => values.every((x) => roundF16(x) === x);
    const half = randomWeights(load('tiny'), alea());
    expect([...numbersOf(half), ...normsOf(half)].every(isF16)).toBe(true);
    expect(matricesOf(half).every(({ scale }) => scale === 1)).toBe(true);
    const single = randomWeights(load('tiny', { dtype: 'f32' }), alea());
    expect([...numbersOf(single), ...normsOf(single)].some(isF16)).toBe(false);
    expect(numbersOf(half)).toEqual(numbersOf(single).map((values) => values.map(roundF16)));
  });

  it('with 8 bits are integers up to 127, times a scale that the data type can hold', () => {
    const model = load('tiny', { weightBits: 8 });
    const w = randomWeights(model, alea());
    const exact = randomWeights(load('tiny', { dtype: 'f32' }), alea());
    for (const values of numbersOf(w)) {
      expect(values.every((x) => Number.isInteger(x) && Math.abs(x) <= 127)).toBe(true);
      expect(values.some((x) => Math.abs(x) === 127)).toBe(true);
    }
    for (const [number, { values, scale }] of matricesOf(w).entries()) {
      expect(roundF16(scale)).toBe(scale);
      const is = matricesOf(exact)[number].values;
      const error = values.map((x, i) => x * scale - is[i]);
      expect(Math.max(...error.map(Math.abs))).toBeLessThan(0.56 * scale);
    }
    expect(normsOf(w).every((norm) => norm.every((x) => roundF16(x) === x))).toBe(true);
  });

  it('with 8 bits may all be 0', () => {
    const w = randomWeights(load('tiny', { weightBits: 8 }), () => 0.5);
    expect(w.embedding.values.every((x) => x === 0)).toBe(true);
    expect(w.embedding.scale).toBe(1);
  });

  it('give logits of order one after 32 layers', () => {
    const model = resized(load('tiny'), { layers: 32 });
    const logits = createPlainDecoder(model, randomWeights(model, alea())).step(5);
    const size = Math.sqrt(logits.reduce((sum, x) => sum + x * x, 0) / logits.length);
    expect(size).toBeGreaterThan(0.3);
    expect(size).toBeLessThan(3);
  });

  it('are refused for a model too large to compute with', () => {
    expect(() => randomWeights(load('llama-3.1-8b'), alea())).toThrow(
      'expected at most 268435456 parameters to compute with, found 8030261248',
    );
  });
});
