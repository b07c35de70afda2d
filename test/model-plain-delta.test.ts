/** The gated delta rule by hand. */
import { describe, expect, it } from 'vitest';
import type { DeltaSpec } from '../src/model/attention-spec.js';
import type { DeltaWeights } from '../src/model/model-weights.js';
import { deltaAttention } from '../src/model/plain/delta.js';
import { expectClose, matrix, sigmoid, silu, vector } from './helpers/by-hand.js';

/** One key head of two elements, two value heads of one; inputs [query, key, value] of one number each. */
const spec: DeltaSpec = {
  kind: 'delta',
  keyHeads: 1,
  valueHeads: 2,
  keyDim: 2,
  valueDim: 1,
  conv: 1,
};
const weights: DeltaWeights = {
  kind: 'delta',
  q: matrix(1, 0, 0, 0, 0, 0),
  k: matrix(0, 1, 0, 0, 0, 1),
  v: matrix(0, 0, 1, 0, 0, 2),
  z: matrix(0, 0, 1, 1, 0, 0),
  beta: matrix(0.5, 0, 0, 0, -0.5, 0),
  alpha: matrix(1, 0, 0, 0, 1, 0),
  conv: vector(1, 1, 1, 1, 1, 1),
  aLog: vector(0.2, -0.3),
  dtBias: vector(0.1, 0.4),
  norm: vector(3),
  o: matrix(1, 0, 0, 1, 0, 0),
};
const TOKENS = [
  [1, 2, 3],
  [-0.5, 1, -2],
  [2, -1, 0.5],
];

const rule = { normEpsilon: 0.25, normPlusOne: true };

function run(
  changes: Partial<DeltaSpec> = {},
  own: Partial<DeltaWeights> = {},
  tokens: number[][] = TOKENS,
) {
  const attention = deltaAttention({ ...spec, ...changes }, { ...weights, ...own }, rule);
  return tokens.map((token, p) => attention(vector(...token), p));
}

const softplus = (x: number) => Math.log(1 + Math.exp(x));

/** The same from the tokens after the convolution: state as a sum over tokens in place of a recurrence. */
function byHand(mixed: { q: number[]; k: number[]; v: number }[], inputs: number[][], head: 0 | 1) {
  const length = ([x, y]: number[]) => Math.sqrt(x * x + y * y + 1e-6);
  const keys = mixed.map(({ k }) => k.map((x) => x / length(k)));
  const queries = mixed.map(({ q }) => q.map((x) => x / length(q) / Math.SQRT2));
  const dot = (a: number[], b: number[]) => a[0] * b[0] + a[1] * b[1];
  const decays = inputs.map(([a, b]) => {
    const alpha = head === 0 ? a : b;
    return Math.exp(-Math.exp([0.2, -0.3][head]) * softplus(alpha + [0.1, 0.4][head]));
  });
  /** Decay from just after token i to just after the decay of token t. */
  const since = (i: number, t: number) =>
    decays.slice(i + 1, t + 1).reduce((product, decay) => product * decay, 1);
  const written: number[] = [];
  const read = (t: number, by: number[], of: number) =>
    written.slice(0, of).reduce((sum, value, i) => sum + value * since(i, t) * dot(keys[i], by), 0);
  return inputs.map(([a, b], t) => {
    const beta = sigmoid(head === 0 ? 0.5 * a : -0.5 * b);
    written.push(beta * (mixed[t].v - read(t, keys[t], t)));
    const output = read(t, queries[t], t + 1);
    const gate = silu(head === 0 ? inputs[t][2] : a);
    return ((3 * output) / Math.sqrt(output * output + 0.25)) * gate;
  });
}

/** What the projections give through SiLU, of each token. */
const projected = (tokens: number[][], head: 0 | 1) =>
  tokens.map(([a, b, c]) => {
    return { q: [silu(a), 0], k: [silu(b), silu(c)], v: silu(head === 0 ? c : 2 * c) };
  });

describe('the gated delta rule', () => {
  it('decays a state, moves it towards the value, and reads it by the query', () => {
    const [first, second] = ([0, 1] as const).map((h) => byHand(projected(TOKENS, h), TOKENS, h));
    run().forEach((output, t) => expectClose(output, [first[t], second[t], 0]));
  });

  it('mixes each channel over its last tokens, the newest by the last weight', () => {
    // Channels: two queries, two keys, two values; only the first value and the first query reach back.
    const conv = vector(...[5, 0, 1, 0, 0, 1], ...[0, 0, 1, 0, 0, 1], ...[-2, 3, 1, 0, 0, 1]);
    const mixed = projected(TOKENS, 0).map(({ k }, t) => {
      const at = (back: number, i: number) => TOKENS[t - back]?.[i] ?? 0;
      const v = silu(at(0, 2) + 3 * at(1, 2) - 2 * at(2, 2));
      return { q: [silu(at(0, 0) + 5 * at(2, 0)), 0], k, v };
    });
    const expected = byHand(mixed, TOKENS, 0);
    run({ conv: 3 }, { conv }).forEach((output, t) =>
      expect(output[0]).toBeCloseTo(expected[t], 12),
    );
  });

  it('forgets tokens beyond the reach of the convolution', () => {
    const conv = vector(...Array(12).fill(0.5));
    // A key of 0 writes nothing, so that earlier tokens are in the convolution alone.
    const empty = { k: matrix(0, 0, 0, 0, 0, 0) };
    const quiet = (tokens: number[][]) => run({ conv: 2 }, { ...empty, conv }, tokens);
    const [, , last] = quiet(TOKENS);
    const [, , other] = quiet([[9, 9, 9], ...TOKENS.slice(1)]);
    expect([...other]).toEqual([...last]);
  });

  it('lets neighbouring value heads share a key head', () => {
    const four = {
      ...{ keyHeads: 2, valueHeads: 4, keyDim: 1 },
      ...{ valueDim: 1, conv: 1 },
    };
    const own: Partial<DeltaWeights> = {
      // Query heads of different signs: the outputs' signs tell which one a value head read with.
      q: matrix(1, 0, 0, -1, 0, 0),
      k: matrix(0, 1, 0, 0, 1, 0),
      v: matrix(...[0, 0, 1], ...[0, 0, 1], ...[0, 0, 1], ...[0, 0, 1]),
      z: matrix(...[0, 0, 1], ...[0, 0, 1], ...[0, 0, 1], ...[0, 0, 1]),
      beta: matrix(...Array(12).fill(0)),
      alpha: matrix(...Array(12).fill(0)),
      conv: vector(...Array(8).fill(1)),
      aLog: vector(0, 0, 0, 0),
      dtBias: vector(0, 0, 0, 0),
      o: matrix(...[1, 0, 0, 0], ...[0, 1, 0, 0], ...[0, 0, 1, 0], ...[0, 0, 0, 1]),
    };
    const [output] = run(four, own, [[8, 8, 8]]);
    expect([...output].map(Math.sign)).toEqual([1, 1, -1, -1]);
    expect(output[0]).toBeCloseTo(output[1], 12);
    expect(output[2]).toBeCloseTo(output[3], 12);
  });

  it('keeps its state apart from other layers of the same weights', () => {
    const [one, two] = [run(), run()];
    expect(one.map((output) => [...output])).toEqual(two.map((output) => [...output]));
  });

  it('forgets all where decays are great, and nothing where there are none', () => {
    const none = { aLog: vector(-1000, -1000) };
    const all = { aLog: vector(50, 50), dtBias: vector(99, 99) };
    const alone = run({}, all, TOKENS.slice(2))[0];
    expectClose(run({}, all)[2], [...alone]);
    expect(run({}, none)[2][0]).not.toBeCloseTo(alone[0], 3);
  });
});
