/** The rules of gated MLPs, routers and experts, each by itself and by hand. */
import { describe, expect, it } from 'vitest';
import { routerSpec } from '../src/model/families/experts.js';
import type { Act, ExpertsSpec, RouterSpec } from '../src/model/mlp-spec.js';
import type { DenseWeights, ExpertsWeights, Matrix } from '../src/model/model-weights.js';
import { expertsMlp } from '../src/model/plain/experts.js';
import { gatedMlp } from '../src/model/plain/mlp.js';
import { choose } from '../src/model/plain/router.js';
import { diagonal, expectClose, matrix, sigmoid, silu, vector } from './helpers/by-hand.js';

const PLAIN = { normEpsilon: 0, normPlusOne: false };

/** One inner unit: `down` times act(gate x) * up x. */
const one = (gate: Matrix, up: Matrix, down: Matrix): DenseWeights => {
  return { kind: 'dense', gate, up, down };
};

describe('a gated MLP', () => {
  const gated = (act: Act, gate: number, up: number) =>
    gatedMlp({ act, bias: false }, one(matrix(gate), matrix(up), matrix(10)), vector(1))[0];

  it('multiplies SiLU of the gate with up', () => {
    expect(gated({ fn: 'silu' }, 2, 3)).toBeCloseTo(60 * sigmoid(2), 12);
    expect(gated({ fn: 'silu' }, -2, 3)).toBeCloseTo(-60 * sigmoid(-2), 12);
  });

  it('has GELU in its tanh form, which differs from the exact one', () => {
    expect(gated({ fn: 'gelu-tanh' }, 1, 1)).toBeCloseTo(8.41191990608277, 12);
    expect(gated({ fn: 'gelu-tanh' }, -2, 1)).toBeCloseTo(-0.45402305912221, 12);
    expect(gated({ fn: 'gelu-tanh' }, 0, 5)).toBe(0);
  });

  it('sharpens the sigmoid by alpha', () => {
    expect(gated({ fn: 'silu', alpha: 1.702 }, 2, 3)).toBeCloseTo(60 * sigmoid(3.404), 12);
  });

  it('clamps the gate from above, up on both sides', () => {
    const act: Act = { fn: 'silu', clamp: 4 };
    expect(gated(act, 9, 3)).toBeCloseTo(10 * 3 * silu(4), 12);
    expect(gated(act, -9, 3)).toBeCloseTo(10 * 3 * silu(-9), 12);
    expect(gated(act, 1, 9)).toBeCloseTo(10 * 4 * silu(1), 12);
    expect(gated(act, 1, -9)).toBeCloseTo(10 * -4 * silu(1), 12);
  });

  it('adds 1 to up after it is clamped', () => {
    const act: Act = { fn: 'silu', clamp: 4, alpha: 2, plusOne: true };
    expect(gated(act, 1, 9)).toBeCloseTo(10 * 5 * sigmoid(2), 12);
    expect(gated(act, 1, 0)).toBeCloseTo(10 * sigmoid(2), 12);
  });

  it('adds biases to gate, up and down', () => {
    const weights = {
      ...one(matrix(2), matrix(3), matrix(10)),
      ...{ gateBias: vector(1), upBias: vector(-1), downBias: vector(7) },
    };
    const act: Act = { fn: 'silu' };
    expectClose(gatedMlp({ act, bias: true }, weights, vector(1)), [20 * silu(3) + 7]);
    expectClose(gatedMlp({ act, bias: false }, weights, vector(1)), [30 * silu(2)]);
  });
});

const spec = (
  count: number,
  topK: number,
  of: Partial<RouterSpec> = {},
  changes: Partial<ExpertsSpec> = {},
): ExpertsSpec => {
  const act: Act = { fn: 'silu' };
  return {
    kind: 'experts',
    count,
    topK,
    inner: 1,
    act,
    bias: false,
    router: routerSpec(of),
    ...changes,
  };
};

/** What a router with these logits chooses for the input 1. */
function chosen(
  logits: number[],
  topK: number,
  of: Partial<RouterSpec> = {},
  weights: Partial<ExpertsWeights> = {},
) {
  const all: ExpertsWeights = {
    kind: 'experts',
    router: matrix(...logits),
    experts: [],
    ...weights,
  };
  const inputs = { stream: vector(99), normed: vector(1) };
  return choose(spec(logits.length, topK, of), all, inputs, 0);
}

const shares = (scores: number[]) => {
  const sum = scores.reduce((total, score) => total + Math.exp(score), 0);
  return scores.map((score) => Math.exp(score) / sum);
};

describe('a router', () => {
  const LOGITS = [0.3, 2, -1, 1, 0.9];

  it('chooses the largest, the best first', () => {
    expect(chosen(LOGITS, 1).experts).toEqual([1]);
    expect(chosen(LOGITS, 3).experts).toEqual([1, 3, 4]);
    expect(chosen(LOGITS, 5).experts).toEqual([1, 3, 4, 0, 2]);
  });

  it('chooses the lower number of equal ones', () => {
    expect(chosen([1, 2, 1, 2, 2, 1], 4).experts).toEqual([1, 3, 4, 0]);
    expect(chosen([0, 0, 0, 0], 2).experts).toEqual([0, 1]);
    expect(chosen([0, 0, 0, 0], 2, { score: 'sigmoid' }).experts).toEqual([0, 1]);
  });

  it('tells logits apart whose sigmoids are 1', () => {
    expect(chosen([40, 50, 45], 1, { score: 'sigmoid' }).experts).toEqual([1]);
  });

  it('weighs by shares of all experts, which do not sum to one', () => {
    const all = shares(LOGITS);
    expectClose(chosen(LOGITS, 2).weights, [all[1], all[3]]);
  });

  it('weighs by shares of the chosen alone', () => {
    expectClose(chosen(LOGITS, 2, { renormalise: true }).weights, shares([2, 1]));
    expectClose(chosen(LOGITS, 2, { score: 'softmax-of-top' }).weights, shares([2, 1]));
  });

  it('weighs by sigmoids, divided by their sum if so, times a scale', () => {
    const [a, b] = [sigmoid(2), sigmoid(1)];
    expectClose(chosen(LOGITS, 2, { score: 'sigmoid' }).weights, [a, b]);
    const scaled = { score: 'sigmoid', renormalise: true, scale: 2.5 } as const;
    expectClose(chosen(LOGITS, 2, scaled).weights, [(2.5 * a) / (a + b), (2.5 * b) / (a + b)]);
  });

  it('adds a bias of logits to what is compared and to what weighs', () => {
    const routerBias = vector(3, 0, 0, 0, 0);
    const found = chosen(LOGITS, 2, { score: 'softmax-of-top', bias: 'logit' }, { routerBias });
    expect(found.experts).toEqual([0, 1]);
    expectClose(found.weights, shares([3.3, 2]));
  });

  it('adds a bias of the choice to what is compared alone', () => {
    const routerBias = vector(0, -0.5, 0.8, 0, 0);
    const of = { score: 'sigmoid', bias: 'choice' } as const;
    const found = chosen(LOGITS, 2, of, { routerBias });
    // Compared: 0.574, 0.381, 1.069, 0.731, 0.711.
    expect(found.experts).toEqual([2, 3]);
    expectClose(found.weights, [sigmoid(-1), sigmoid(1)]);
    expect(found.gap).toBeCloseTo(sigmoid(1) - sigmoid(0.9), 12);
    expect(found.margin).toBeCloseTo((sigmoid(1) - sigmoid(0.9)) / (0.8 + sigmoid(-1)), 12);
  });

  it('multiplies each weight by its own number after they are divided by their sum', () => {
    const perExpertScale = vector(9, 2, 9, 3, 9);
    const of = { renormalise: true, perExpertScale: true };
    const [a, b] = shares([2, 1]);
    expectClose(chosen(LOGITS, 2, of, { perExpertScale }).weights, [2 * a, 3 * b]);
  });

  it('reads the residual stream by a norm of its own', () => {
    const weights: ExpertsWeights = {
      ...{ kind: 'experts', experts: [], router: matrix(1, 0, 0, 1) },
      routerScale: vector(2, 3),
    };
    const inputs = { stream: vector(3, 4), normed: vector(9, -9) };
    const found = choose(spec(2, 2, { ownNorm: true }), weights, inputs, 3.5);
    // Root of 12.5 + 3.5 is 4.
    const logits = [(3 / 4) * 2, (4 / 4) * 3].map((value) => value / Math.SQRT2);
    expect(found.experts).toEqual([1, 0]);
    expectClose(found.weights, shares(logits).toReversed());
  });

  it('says by how much the next expert was lower', () => {
    const found = chosen([0.5, -3, 0.25, 1], 2);
    expect(found.gap).toBeCloseTo(0.25, 12);
    expect(found.margin).toBeCloseTo(0.25 / 3, 12);
    expect(chosen([1, 2], 2)).toMatchObject({ gap: Infinity, margin: Infinity });
    expect(chosen([0, 0, 0], 2)).toMatchObject({ gap: 0, margin: 0 });
  });
});

describe('groups of experts', () => {
  const of = (count: number, keep: number) => {
    return { score: 'sigmoid', groups: { count, keep } } as const;
  };
  const logit = (share: number) => Math.log(share / (1 - share));
  const grouped = (scores: number[], topK: number, count: number, keep: number) =>
    chosen(scores.map(logit), topK, of(count, keep));

  it('are as good as their two best experts', () => {
    // Sums of two: 0.93, 0.95, 0.9; the best one is in the first group, the best three in the last.
    const scores = [0.9, 0.02, 0.03, 0.5, 0.45, 0.01, 0.46, 0.44, 0.43];
    const found = grouped(scores, 2, 3, 1);
    expect(found.experts).toEqual([3, 4]);
    expectClose(found.weights, [0.5, 0.45]);
    expect(found.gap).toBeCloseTo(0.02, 12);
  });

  it('that are closed give no expert', () => {
    const found = grouped([0.9, 0.1, 0.6, 0.5, 0.3, 0.2, 0.4, 0.7], 3, 4, 2);
    // Sums: 1, 1.1, 0.5, 1.1: the second and the last are open.
    expect(found.experts).toEqual([7, 2, 3]);
    expect(found.gap).toBeCloseTo(0.1, 12);
    expect(found.margin).toBeCloseTo(0.1 / 1.1, 12);
  });

  it('of equal sums are kept by the lower number', () => {
    expect(grouped([0.5, 0.25, 0.25, 0.5, 0.5, 0.25], 2, 3, 1).experts).toEqual([0, 1]);
  });

  it('that are closed stay so where biases make all sums negative', () => {
    const routerBias = vector(-2, -2, -3, -3);
    const found = chosen([0, 0, 0, 0], 2, { ...of(2, 1), bias: 'choice' }, { routerBias });
    expect(found.experts).toEqual([0, 1]);
    expectClose(found.weights, [0.5, 0.5]);
  });
});

/** Expert e gives act(x) * x * (e + 1) of its one input. */
const multiples = (count: number) =>
  Array.from({ length: count }, (_, e) => one(matrix(1), matrix(1), matrix(e + 1)));
const expert = (x: number) => silu(x) * x;

describe('experts', () => {
  const weightsOf = (logits: number[], more: Partial<ExpertsWeights> = {}): ExpertsWeights => {
    return {
      kind: 'experts',
      router: matrix(...logits),
      experts: multiples(logits.length),
      ...more,
    };
  };
  const outputOf = (of: ExpertsSpec, weights: ExpertsWeights, rule = PLAIN) =>
    expertsMlp(of, weights, rule, { stream: vector(5), normed: vector(2) });
  // The input is 2, so logits are twice as large.
  const [a, b] = shares([4, 2]);

  it('add up, each times its weight', () => {
    const { output, choice } = outputOf(spec(3, 2, { renormalise: true }), weightsOf([1, 0, 2]));
    expect(choice.experts).toEqual([2, 0]);
    expectClose(output, [(3 * a + b) * expert(2)]);
  });

  it('take inputs times their weights, and give outputs as they are', () => {
    const of = { score: 'sigmoid', scalesInput: true } as const;
    const { output } = outputOf(spec(3, 2, of), weightsOf([1, 0, 2]));
    expectClose(output, [3 * expert(2 * sigmoid(4)) + expert(2 * sigmoid(2))]);
  });

  it('have biases, which inputs do not scale and weights of outputs do', () => {
    const biased = multiples(1).map((weights) => ({
      ...weights,
      ...{ gateBias: vector(1), upBias: vector(0), downBias: vector(10) },
    }));
    const own = weightsOf([0], { experts: biased });
    const half = { score: 'sigmoid' } as const;
    const { output } = outputOf(spec(1, 1, half, { bias: true }), own);
    expectClose(output, [0.5 * (silu(3) * 2 + 10)]);
    const scaled = outputOf(spec(1, 1, { ...half, scalesInput: true }, { bias: true }), own);
    expectClose(scaled.output, [silu(2) * 1 + 10]);
  });

  it('stand next to one that all tokens go through', () => {
    const shared = { shared: one(matrix(1), matrix(1), matrix(100)) };
    const plain = spec(1, 1, {}, { shared: { inner: 1, gate: false } });
    expectClose(outputOf(plain, weightsOf([0], shared)).output, [101 * expert(2)]);
    const gated = spec(1, 1, {}, { shared: { inner: 1, gate: true } });
    const own = weightsOf([0], { ...shared, sharedGate: matrix(0.75) });
    expectClose(outputOf(gated, own).output, [expert(2) + 100 * sigmoid(1.5) * expert(2)]);
  });

  it('stand next to a dense MLP with norms of its own, and read the residual stream', () => {
    const weights: ExpertsWeights = {
      ...{ kind: 'experts', router: matrix(0, 0), routerScale: vector(1, 1) },
      experts: [one(matrix(1, 0, 0, 1), diagonal(2), diagonal(2))],
      parallel: {
        mlp: one(diagonal(2), diagonal(2), matrix(0, 1, 1, 0)),
        outNorm: vector(2, 3),
        expertsNorm: vector(1, 10),
        expertsOutNorm: vector(5, 7),
      },
    };
    const of = spec(1, 1, { ownNorm: true }, { inner: 2, parallel: { inner: 2 } });
    const inputs = { stream: vector(3, 4), normed: vector(1, 2) };
    const norm = ([x, y]: number[], [v, w]: number[]) => {
      const size = Math.sqrt((x * x + y * y) / 2);
      return [(x / size) * v, (y / size) * w];
    };
    const dense = norm([expert(2), expert(1)], [2, 3]);
    const read = norm([3, 4], [1, 10]);
    const mixed = norm([expert(read[0]), expert(read[1])], [5, 7]);
    const { output } = expertsMlp(of, weights, PLAIN, inputs);
    expectClose(output, [dense[0] + mixed[0], dense[1] + mixed[1]]);
  });

  it('of which there is one are a dense MLP', () => {
    const only = { score: 'softmax-of-top' } as const;
    const { output, choice } = outputOf(spec(1, 1, only), weightsOf([-7]));
    expect(choice.weights).toEqual([1]);
    expectClose(output, [expert(2)]);
  });
});
