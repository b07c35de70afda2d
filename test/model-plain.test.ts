import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import seedrandom from 'seedrandom';
import { importHfConfig } from '../src/model/hf-config.js';
import type { RopeScaling } from '../src/model/attention-spec.js';
import type { ModelSpec } from '../src/model/model.js';
import type { DenseWeights, GqaWeights, Matrix, Weights } from '../src/model/model-weights.js';
import { createPlainDecoder, greedy } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { wholeSequence } from './model-whole-sequence.js';
import { denseModel, resized, sizesOf } from './helpers/small-model.js';

const load = (file: string, weightBits?: 8): ModelSpec => {
  const text = readFileSync(new URL(`../models/${file}.json`, import.meta.url), 'utf8');
  return importHfConfig(JSON.parse(text), { name: file, ...(weightBits && { weightBits }) });
};
const weightsFor = (model: ModelSpec) => randomWeights(model, seedrandom.alea('plain'));
const TOKENS = [5, 17, 5, 95, 0, 42, 63];

/** One layer, one head of two elements, two dimensions, all matrices 1 but the MLP's, which are 0. */
const unit = denseModel({
  name: 'unit',
  family: 'llama',
  dim: 2,
  layers: 1,
  heads: 1,
  kvHeads: 1,
  headDim: 2,
  ffn: 2,
  vocab: 3,
  ropeTheta: 10000,
  normEpsilon: 0,
  tied: false,
  qkNorm: false,
  maxContext: 4,
  dtype: 'f32',
  weightBits: 32,
});
const matrix = (...values: number[]): Matrix => ({ values: Float32Array.from(values), scale: 1 });
const ONE = () => matrix(1, 0, 0, 1);
const ZERO = () => matrix(0, 0, 0, 0);

function unitWeights(
  attention: Partial<GqaWeights> = {},
  mlp: Partial<DenseWeights> = {},
): Weights {
  const norm = Float32Array.of(1, 1);
  const gqa: GqaWeights = { kind: 'gqa', q: ONE(), k: ONE(), v: ONE(), o: ONE(), ...attention };
  const dense: DenseWeights = { kind: 'dense', gate: ZERO(), up: ZERO(), down: ZERO(), ...mlp };
  return {
    embedding: matrix(1, 1, 1, -1, 3, 4),
    layers: [{ attentionNorm: norm, attention: gqa, mlpNorm: norm, mlp: dense }],
    finalNorm: norm,
    head: matrix(1, 0, 0, 1, 1, 1),
  };
}

function expectClose(found: ArrayLike<number>, expected: number[], digits = 12) {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, digits);
}

describe('the plain decoder, by hand', () => {
  it('adds the value of a single token to the residual stream, and normalises', () => {
    const decoder = createPlainDecoder(unit, unitWeights());
    // Embedding [3, 4] normalised is [3, 4]/sqrt(12.5); its multiple, normalised again, is the same.
    const size = Math.sqrt(12.5);
    expectClose(decoder.step(2), [3 / size, 4 / size, 7 / size]);
    expectClose(decoder.keys[0][0], [3 / size, 4 / size]);
  });

  it('turns by less with linear scaling, and multiplies queries and keys by the amplitude of YaRN', () => {
    const logits = (ropeScaling: RopeScaling) => {
      const decoder = createPlainDecoder(resized(unit, { ropeScaling }), unitWeights());
      decoder.step(0);
      return { logits: decoder.step(1), key: decoder.keys[0][1] };
    };
    // As below, with the angle and the size of both vectors as the scaling has them.
    const byHand = (angle: number, amplitude: number) => {
      const squared = amplitude * amplitude;
      const w0 = 1 / (1 + Math.exp((squared * (2 - 2 * Math.sin(angle))) / Math.SQRT2));
      const [x, y] = [2, -1 + w0 - (1 - w0)];
      const size = Math.sqrt((x * x + y * y) / 2);
      return [x / size, y / size, (x + y) / size];
    };
    const linear = logits({ factor: 4 });
    expectClose(linear.logits, byHand(0.25, 1));
    const yarn = { factor: 4, betaFast: 32, betaSlow: 1, truncate: true, originalMaxPosition: 1e6 };
    const turned = logits({ ...yarn, amplitude: 1.5 });
    expectClose(turned.logits, byHand(1, 1.5));
    const [c, s] = [Math.cos(1), Math.sin(1)];
    expectClose(turned.key, [1.5 * (c + s), 1.5 * (s - c)]);
  });

  it('attends with rotated queries and keys, scores over sqrt(headDim)', () => {
    const decoder = createPlainDecoder(unit, unitWeights());
    decoder.step(0);
    const logits = decoder.step(1);
    // Keys [1, 1] at position 0 and [1, -1] at 1, turned by one radian as the query [1, -1] is:
    // scores 2 cos(1 - pi/2) and 2, over sqrt(2). The weighted values [1, w0 - w1] join [1, -1].
    const w0 = 1 / (1 + Math.exp((2 - 2 * Math.sin(1)) / Math.SQRT2));
    const [x, y] = [2, -1 + w0 - (1 - w0)];
    const size = Math.sqrt((x * x + y * y) / 2);
    expectClose(logits, [x / size, y / size, (x + y) / size]);
    const [c, s] = [Math.cos(1), Math.sin(1)];
    expectClose(decoder.keys[0][1], [c + s, s - c]);
    expectClose(decoder.values[0][1], [1, -1]);
  });

  it('gates the MLP by SiLU: down(silu(gate x) * up x)', () => {
    const mlp = {
      gate: matrix(2, 0, 0, 3),
      up: matrix(1, 0, 0, -1),
      down: matrix(0, 1, 1, 0),
    };
    const logits = createPlainDecoder(unit, unitWeights({ o: ZERO() }, mlp)).step(0);
    const silu = (v: number) => v / (1 + Math.exp(-v));
    const [x, y] = [1 - silu(3), 1 + silu(2)];
    const size = Math.sqrt((x * x + y * y) / 2);
    expectClose(logits, [x / size, y / size, (x + y) / size]);
  });

  it('adds epsilon to the mean square, inside the root', () => {
    const decoder = createPlainDecoder({ ...unit, normEpsilon: 3 }, unitWeights());
    decoder.step(0);
    expectClose(decoder.keys[0][0], [0.5, 0.5]);
  });

  it('normalises queries and keys per head before it turns them', () => {
    const layer = {
      q: matrix(5, 0, 0, 5),
      k: matrix(3, 0, 0, 4),
      qNorm: Float32Array.of(1, 1),
      kNorm: Float32Array.of(2, 1),
    };
    const decoder = createPlainDecoder(resized(unit, { qkNorm: true }), unitWeights(layer));
    decoder.step(0);
    decoder.step(0);
    const [x, y] = [6 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)];
    expectClose(decoder.keys[0][0], [x, y]);
    const [c, s] = [Math.cos(1), Math.sin(1)];
    expectClose(decoder.keys[0][1], [x * c - y * s, y * c + x * s]);
  });
});

describe('the plain decoder', () => {
  it.each([
    ['tiny', undefined],
    ['tiny-qwen3', undefined],
    ['tiny', 8],
    ['tiny-qwen3', 8],
  ] as const)('%s, token by token, equals the whole sequence at once (bits: %s)', (file, bits) => {
    const model = load(file, bits);
    const weights = weightsFor(model);
    const decoder = createPlainDecoder(model, weights);
    const whole = wholeSequence(model, weights, TOKENS);
    TOKENS.forEach((token, t) => expectClose(decoder.step(token), whole[t], 9));
  });

  it('leaves the cache of earlier positions as it is, and of the documented shape', () => {
    const model = load('tiny');
    const decoder = createPlainDecoder(model, weightsFor(model));
    decoder.step(5);
    const first = decoder.keys.map((layer) => Float64Array.from(layer[0]));
    for (const token of TOKENS) decoder.step(token);
    expect(decoder.keys.map((layer) => layer[0])).toEqual(first);
    expect(decoder.keys.map((layer) => layer.length)).toEqual([8, 8]);
    expect(decoder.values.map((layer) => layer.map((v) => v.length))).toEqual(
      Array(2).fill(Array(8).fill(24)),
    );
  });

  it('lets neighbouring query heads share a KV head', () => {
    const model = load('tiny');
    const weights = weightsFor(model);
    const each = sizesOf(model).headDim * model.dim;
    const twice = ({ values }: Matrix) =>
      matrix(...[0, 0, 1, 1].flatMap((h) => [...values.subarray(h * each, (h + 1) * each)]));
    const layers = weights.layers.map((layer) => {
      const gqa = layer.attention as GqaWeights;
      return { ...layer, attention: { ...gqa, k: twice(gqa.k), v: twice(gqa.v) } };
    });
    const shared = createPlainDecoder(model, weights);
    const full = createPlainDecoder(resized(model, { kvHeads: 4 }), { ...weights, layers });
    for (const token of TOKENS) expect(full.step(token)).toEqual(shared.step(token));
  });

  it('refuses tokens outside the vocabulary and positions beyond the longest context', () => {
    const decoder = createPlainDecoder(unit, unitWeights());
    for (const token of [-1, 3, 0.5, NaN])
      expect(() => decoder.step(token)).toThrow('token: expected a whole number from 0 to 2');
    for (let t = 0; t < 4; t++) decoder.step(t % 3);
    expect(() => decoder.step(0)).toThrow('position: expected less than 4, found 4');
    expect(decoder.keys[0]).toHaveLength(4);
  });
});

describe('greedy choice', () => {
  it('takes the largest logit, and of equal ones the lowest number', () => {
    expect(greedy([-3, 2, 7, 7, 1])).toBe(2);
    expect(greedy(Float64Array.of(4, 4, 4))).toBe(0);
    expect(greedy(Float64Array.of(-Infinity, -2, -1))).toBe(2);
  });
});
