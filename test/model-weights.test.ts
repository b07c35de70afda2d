import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import seedrandom from 'seedrandom';
import { roundF16 } from '../src/numeric/types.js';
import { importHfConfig, type ImportOptions } from '../src/model/hf-config.js';
import type { LayerWeights, Weights } from '../src/model/model.js';
import { parameterCount } from '../src/model/operators.js';
import { createPlainDecoder } from '../src/model/plain.js';
import { randomWeights } from '../src/model/weights.js';

const load = (file: string, options: Partial<ImportOptions> = {}) => {
  const text = readFileSync(new URL(`../models/${file}.json`, import.meta.url), 'utf8');
  return importHfConfig(JSON.parse(text), { name: file, ...options });
};
const alea = () => seedrandom.alea('weights');
const MATRICES = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;

const matricesOf = (w: Weights) => [
  w.embedding,
  ...w.layers.flatMap((layer) => MATRICES.map((name) => layer[name])),
  w.head,
];
const normsOf = (w: Weights) => [
  ...w.layers.flatMap((l: LayerWeights) => [
    l.attentionNorm,
    l.mlpNorm,
    ...(l.qNorm && l.kNorm ? [l.qNorm, l.kNorm] : []),
  ]),
  w.finalNorm,
];
const deviation = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

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
    const held = [...new Set([...matricesOf(w), ...normsOf(w)])];
    expect(held.reduce((sum, values) => sum + values.length, 0)).toBe(parameterCount(model));
    expect(w.head === w.embedding).toBe(model.tied);
    expect(w.layers[0].qNorm?.length).toBe(model.qkNorm ? model.headDim : undefined);
  });

  it('spread by 1/sqrt(inputs), norms around 1', () => {
    const model = load('tiny', { dtype: 'f32' });
    const w = randomWeights(model, alea());
    expect(deviation(w.embedding)).toBeCloseTo(1, 1);
    expect(deviation(w.head) * Math.sqrt(48)).toBeCloseTo(1, 1);
    expect(deviation(w.layers[0].gate) * Math.sqrt(48)).toBeCloseTo(1, 1);
    expect(deviation(w.layers[0].down) * Math.sqrt(80)).toBeCloseTo(1, 1);
    const tied = randomWeights(load('tiny-qwen3', { dtype: 'f32' }), alea()).embedding;
    expect(deviation(tied) * Math.sqrt(48)).toBeCloseTo(1, 1);
    for (const norm of normsOf(w)) {
      const mean = norm.reduce((sum, x) => sum + x, 0) / norm.length;
      expect(Math.abs(mean - 1)).toBeLessThan(0.1);
      expect(new Set(norm).size).toBeGreaterThan(1);
    }
  });

  it('are 16-bit floats with scale 1 in a 16-bit model, and use more than 16 bits in a 32-bit one', () => {
    const isF16 = (values: Float32Array) => values.every((x) => roundF16(x) === x);
    const half = randomWeights(load('tiny'), alea());
    expect([...matricesOf(half), ...normsOf(half)].every(isF16)).toBe(true);
    expect([half.embeddingScale, half.headScale, half.layers[1].scales.down]).toEqual([1, 1, 1]);
    const single = randomWeights(load('tiny', { dtype: 'f32' }), alea());
    expect([...matricesOf(single), ...normsOf(single)].some(isF16)).toBe(false);
    expect(matricesOf(half)).toEqual(matricesOf(single).map((values) => values.map(roundF16)));
  });

  it('with 8 bits are integers up to 127, times a scale that the data type can hold', () => {
    const model = load('tiny', { weightBits: 8 });
    const w = randomWeights(model, alea());
    const exact = randomWeights(load('tiny', { dtype: 'f32' }), alea());
    for (const values of matricesOf(w)) {
      expect(values.every((x) => Number.isInteger(x) && Math.abs(x) <= 127)).toBe(true);
      expect(values.some((x) => Math.abs(x) === 127)).toBe(true);
    }
    for (const [number, layer] of w.layers.entries())
      for (const name of MATRICES) {
        const scale = layer.scales[name];
        expect(roundF16(scale)).toBe(scale);
        const error = layer[name].map((x, i) => x * scale - exact.layers[number][name][i]);
        expect(Math.max(...error.map(Math.abs))).toBeLessThan(0.56 * scale);
      }
    expect(normsOf(w).every((norm) => norm.every((x) => roundF16(x) === x))).toBe(true);
  });

  it('with 8 bits may all be 0', () => {
    const w = randomWeights(load('tiny', { weightBits: 8 }), () => 0.5);
    expect(w.embedding.every((x) => x === 0)).toBe(true);
    expect(w.embeddingScale).toBe(1);
  });

  it('give logits of order one after 32 layers', () => {
    const model = { ...load('tiny'), layers: 32 };
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
