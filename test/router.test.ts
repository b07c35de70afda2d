/** The router alone: its choice is that of a stable sort, whatever the lines and the queues are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { TREE_FORMS } from '../src/kernels/line.js';
import type { ExpertsSpec, RouterSpec } from '../src/model/mlp-spec.js';
import type { ExpertsWeights } from '../src/model/model-weights.js';
import { choose } from '../src/model/plain/router.js';
import { expertsWith } from './helpers/expert-models.js';
import { count as runs } from './helpers/full.js';
import { wse3 } from './placement-helpers.js';
import { routerProgram, type RouterCase } from './helpers/router-program.js';

const whole = (min: number, max: number) => fc.integer({ min, max });

/** Scores that a router compares: logits, or sigmoids and what is added to them, in groups or not. */
const routers: fc.Arbitrary<Partial<RouterSpec>> = fc.constantFrom<Partial<RouterSpec>>(
  {},
  { renormalise: false },
  { score: 'softmax-of-top', bias: 'logit' },
  { score: 'sigmoid', renormalise: false, scale: 2.5 },
  { score: 'sigmoid', bias: 'choice' },
  { score: 'sigmoid', bias: 'choice', groups: { count: 4, keep: 2 } },
  { bias: 'choice' },
  { groups: { count: 4, keep: 2 }, renormalise: false, scale: 2.5 },
  { bias: 'choice', groups: { count: 4, keep: 2 } },
);

interface Given extends RouterCase {
  queueDepth: number;
  seed: number;
}

const cases: fc.Arbitrary<Given> = fc
  .record({
    ...{ router: routers, quarter: whole(1, 128), topK: whole(1, 32), odd: whole(0, 3) },
    ...{ rows: whole(1, 64), columns: whole(1, 64), dims: whole(1, 3) },
    ...{ groups: whole(1, 4), form: fc.constantFrom(...TREE_FORMS) },
    ...{ queueDepth: whole(1, 16), seed: whole(0, 1e6) },
  })
  .map(({ router, quarter, odd, topK, rows, columns, ...rest }) => {
    const { groups } = router;
    // Groups have to be of two experts or more, and of one size.
    const count = groups ? 4 * Math.max(2, quarter) : 4 * quarter - odd;
    const open = groups ? (count / groups.count) * groups.keep : count;
    const spec = expertsWith({ count, topK: Math.min(topK, open), router });
    // A large rectangle is long in one direction only: the reference engine takes every wavelet's every step.
    const short = Math.min(columns, Math.max(1, Math.floor(runs(80, 700) / rows)));
    return { ...rest, spec, rows, columns: short };
  });

/** Small whole numbers, whose products' sums are exact and often equal. */
function drawn({ spec, rows, dims, seed }: Given) {
  let state = seed + 1;
  const next = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const dim = rows * dims;
  const input = Array.from({ length: dim }, () => next(3) - 1);
  const values = Float32Array.from({ length: spec.count * dim }, () =>
    next(4) === 0 ? next(3) - 1 : 0,
  );
  const routerBias = Float32Array.from({ length: spec.count }, () => next(3) / 8);
  const weights: ExpertsWeights = {
    kind: 'experts',
    // Shares of scores far apart would be lost in what is added to them.
    ...{ router: { values, scale: spec.router.score === 'softmax' ? 1 / 8 : 1 }, experts: [] },
    ...(spec.router.bias !== 'none' && { routerBias }),
  };
  return { input, weights };
}

/** The best first, of equal ones the lower number: scores by hand. */
function sorted(spec: ExpertsSpec, weights: ExpertsWeights, input: number[]): number[] {
  const { bias, score } = spec.router;
  const { values, scale } = weights.router;
  const logits = Array.from({ length: spec.count }, (_, expert) => {
    let logit = bias === 'logit' ? weights.routerBias![expert] : 0;
    for (const [i, x] of input.entries()) logit += scale * values[expert * input.length + i] * x;
    return logit;
  });
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  const scored = {
    sigmoid: (logit: number) => 1 / (1 + Math.exp(-logit)),
    softmax: (logit: number) => Math.exp(logit) / total,
    'softmax-of-top': (logit: number) => logit,
  };
  const compared =
    bias === 'choice'
      ? logits.map((logit, expert) => scored[score](logit) + weights.routerBias![expert])
      : logits;
  return [...compared.keys()].sort((a, b) => compared[b] - compared[a] || a - b);
}

describe('a router', () => {
  it('chooses as a stable sort does, in the same time on every engine and with any numbers', () => {
    let ties = 0;
    fc.assert(
      fc.property(cases, (given) => {
        const wafer = wse3();
        wafer.fabric = { ...wafer.fabric, queueDepth: given.queueDepth };
        const { spec, columns, rows } = given;
        const machine = { ...wafer, width: columns, height: rows };
        const { program, choiceAt, memoryOf } = routerProgram(given, machine);
        const { input, weights } = drawn(given);
        const memory = memoryOf(weights, input);
        const found = reference({ program, wafer: machine, memory });
        const normed = Float64Array.from(input);
        const plain = choose(spec, weights, { stream: normed, normed }, 0);
        if (spec.router.groups === undefined)
          expect(plain.experts).toEqual(sorted(spec, weights, input).slice(0, spec.topK));
        if (plain.gap === 0) ties++;
        for (const core of memory) {
          const choice = core.subarray(choiceAt, choiceAt + 2 * spec.topK);
          expect([...choice.subarray(0, spec.topK)]).toEqual(plain.experts);
          for (const [i, weight] of plain.weights.entries())
            expect(Math.abs(choice[spec.topK + i] - weight)).toBeLessThan(
              1e-6 * Math.max(1, weight),
            );
        }
        expect(found.routeHazards).toBe(0);
        expect(fast({ program, wafer: machine })).toEqual(found);
        const other = memoryOf(drawn({ ...given, seed: given.seed + 1 }).weights, input);
        expect(reference({ program, wafer: machine, memory: other })).toEqual(found);
      }),
      { seed: 17, numRuns: runs(6, 12) },
    );
    // The last chosen expert and the first that is left out are often equal.
    expect(ties).toBeGreaterThan(4);
  }, 240_000);
});

describe('groups of experts', () => {
  /** Scores are biases: nothing comes in. Three groups of two experts. */
  const chosen = (scores: number[], keep: number, topK: number, rows: number) => {
    const machine = { ...wse3(), width: 5, height: rows };
    const groups = { count: 3, keep };
    const router = { score: 'softmax-of-top', bias: 'logit', groups } as const;
    const spec = expertsWith({ count: 6, topK, router });
    const of = { spec, rows, columns: 5, dims: 1, groups: 2, form: 'echoed' } as const;
    const { program, choiceAt, memoryOf } = routerProgram(of, machine);
    const weights: ExpertsWeights = {
      kind: 'experts',
      router: { values: new Float32Array(6 * rows), scale: 1 },
      ...{ routerBias: Float32Array.from(scores), experts: [] },
    };
    const memory = memoryOf(
      weights,
      Array.from({ length: rows }, () => 0),
    );
    reference({ program, wafer: machine, memory });
    return [...memory.at(-1)!.subarray(choiceAt, choiceAt + topK)];
  };

  it.each([1, 2, 4, 9])('are as good as their two best, the lower one first: %i rows', (rows) => {
    // Nine, ten and nine.
    const scores = [9, 0, 5, 5, 1, 8];
    expect(chosen(scores, 1, 2, rows)).toEqual([2, 3]);
    expect(chosen(scores, 2, 3, rows)).toEqual([0, 2, 3]);
    expect(chosen(scores, 3, 3, rows)).toEqual([0, 5, 2]);
    // Two equal ones in a group count both, and negative ones too.
    expect(chosen([-3, -3, -1, -9, -4, -1], 1, 2, rows)).toEqual([5, 4]);
  });
});

describe('biases of the choice', () => {
  it('choose, and are no part of the weights', () => {
    const router = { score: 'sigmoid', bias: 'choice', renormalise: true, scale: 1.5 } as const;
    const spec = expertsWith({ count: 4, topK: 2, router });
    const of = { spec, rows: 1, columns: 5, dims: 1, groups: 2, form: 'echoed' } as const;
    const { program, choiceAt, memoryOf } = routerProgram(of, { ...wse3(), width: 5, height: 1 });
    // Sigmoids are 1/2, 3/4, 1/4 and 3/4; with the biases 1/2, 0, 5/4 and -1/4.
    const values = Float32Array.of(0, Math.log(3), -Math.log(3), Math.log(3));
    const weights: ExpertsWeights = {
      kind: 'experts',
      ...{ router: { values, scale: 1 }, experts: [] },
      routerBias: Float32Array.of(0, -0.75, 1, -1),
    };
    const memory = memoryOf(weights, [1]);
    reference({ program, wafer: { ...wse3(), width: 5, height: 1 }, memory });
    const normed = Float64Array.of(1);
    const plain = choose(spec, weights, { stream: normed, normed }, 0);
    // 1/4 and 1/2 of their sum, times the scale.
    for (const found of [
      ...memory.map((core) => [...core.subarray(choiceAt, choiceAt + 4)]),
      [...plain.experts, ...plain.weights],
    ]) {
      expect(found.slice(0, 2)).toEqual([2, 0]);
      expect(found[2]).toBeCloseTo(0.5, 6);
      expect(found[3]).toBeCloseTo(1, 6);
    }
  });
});

describe('shares of all experts', () => {
  // Logits of which the shares are 3/22, 9/22, 1/22 and 9/22; with the biases about 0.14, 0.11, 0.55 and 0.06.
  const values = Float32Array.of(0, Math.log(3), -Math.log(3), Math.log(3));
  const weights: ExpertsWeights = {
    kind: 'experts',
    ...{ router: { values, scale: 1 }, experts: [] },
    routerBias: Float32Array.of(0, -0.3, 0.5, -0.35),
  };

  it.each([
    [{ bias: 'choice', renormalise: true, scale: 1.5 }, [2, 0], [0.375, 1.125]],
    [{ bias: 'choice', renormalise: false, scale: 2 }, [2, 0], [1 / 11, 3 / 11]],
    // The second group has the larger sum.
    [{ bias: 'choice', groups: { count: 2, keep: 1 } }, [2, 3], [0.1, 0.9]],
    [{ groups: { count: 2, keep: 1 }, renormalise: false }, [1, 0], [9 / 22, 3 / 22]],
  ] as const)('are compared with %o, and weights are made of them', (router, experts, shares) => {
    const spec = expertsWith({ count: 4, topK: 2, router });
    for (const rows of [1, 3]) {
      const machine = { ...wse3(), width: 5, height: rows };
      const of = { spec, rows, columns: 5, dims: 1, groups: 2, form: 'echoed' } as const;
      const { program, choiceAt, memoryOf } = routerProgram(of, machine);
      const wide = Float32Array.from({ length: 4 * rows }, (_, i) => {
        return i % rows === 0 ? values[i / rows] : 0;
      });
      const own = { ...weights, router: { values: wide, scale: 1 } };
      const memory = memoryOf(
        own,
        Array.from({ length: rows }, () => 1),
      );
      const counted = reference({ program, wafer: machine, memory });
      expect(fast({ program, wafer: machine })).toEqual(counted);
      for (const core of memory) {
        const found = [...core.subarray(choiceAt, choiceAt + 4)];
        expect(found.slice(0, 2)).toEqual(experts);
        expect(found[2]).toBeCloseTo(shares[0], 6);
        expect(found[3]).toBeCloseTo(shares[1], 6);
      }
    }
  });
});
