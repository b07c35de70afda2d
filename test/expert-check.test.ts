/** Choices of experts in runs that compute: which ones may differ from the plain decoder's, and what is said of it. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { checkResult, checkStep, firstLargest, type Numbers } from '../src/decode/compute.js';
import { placementOf } from '../src/decode/place.js';
import { addChoice, followed, noRouting } from '../src/decode/routing-check.js';
import { simulateSteps } from '../src/decode/simulate.js';
import type { Engine, RunInput } from '../src/engine/engine.js';
import { reference } from '../src/engine/reference/reference.js';
import type { FloatType } from '../src/numeric/types.js';
import { checkFailure, checkText } from '../src/report/check-text.js';
import type { ExpertsSpec, RouterSpec } from '../src/model/mlp-spec.js';
import type { ExpertsWeights } from '../src/model/model-weights.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { choose, type Choice } from '../src/model/plain/router.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { expertLayer, expertsWith } from './helpers/expert-models.js';
import { OPTIONS } from './helpers/options.js';
import { overwrite } from './helpers/overwrite.js';
import { runnerOf } from './helpers/runner.js';

const config = loadConfig('configs/tiny.yaml');

/** A choice of the wafer's where the plain decoder chose 4 and 1, of scores up to 1, by a margin before 0 and 2. */
function differing(chosen: number[], margin: number, type: FloatType = 'f32') {
  const least = 0.75 - Math.min(margin, 2);
  const compared = Float64Array.of(least, 0.75, least, -1, 1, -0.5);
  return judged(chosen, { experts: [4, 1], margin, compared }, type);
}

function judged(
  chosen: number[],
  of: Pick<Choice, 'experts' | 'margin' | 'compared' | 'groups'>,
  type: FloatType = 'f32',
) {
  const routing = noRouting();
  const plain = { taken: of.experts, weights: of.experts.map(() => 1), gap: 1, ...of };
  addChoice(routing, type, { token: 3, layer: 2 }, chosen, plain);
  return routing;
}

/** The plain decoder's choice among experts with these scores. */
function plainOf(scores: number[], topK: number, groups?: RouterSpec['groups']): Choice {
  const router = { score: 'softmax-of-top', bias: 'logit', ...(groups && { groups }) } as const;
  const weights: ExpertsWeights = {
    kind: 'experts',
    router: { values: new Float32Array(scores.length), scale: 1 },
    ...{ routerBias: Float32Array.from(scores), experts: [] },
  };
  const stream = new Float64Array(1);
  const spec = expertsWith({ count: scores.length, topK, router });
  return choose(spec, weights, { stream, normed: stream }, 0);
}

describe('a choice', () => {
  it('agrees in any order', () => {
    expect(differing([4, 1], 0)).toEqual({ agree: 1, of: 1, margin: 0 });
    expect(differing([1, 4], 0.5)).toEqual({ agree: 1, of: 1, margin: 0.5 });
  });

  it('may be another in near ties alone, which are wider in 16 bits', () => {
    expect(differing([4, 0], 0.9e-5)).toEqual({ agree: 0, of: 1, margin: 0.9e-5 });
    expect(differing([4, 0], 1.1e-5).wrong).toEqual({
      ...{ token: 3, layer: 2, chosen: [4, 0], expected: [4, 1], margin: 1.1e-5 },
    });
    expect(differing([4, 0], 0.015, 'f16').wrong).toBeUndefined();
    expect(differing([4, 0], 0.016, 'f16').wrong).toBeDefined();
  });

  it.each(['f32', 'f16'] as const)('may take in a tie what is in the tie: %s', (type) => {
    for (const chosen of [
      [4, 0],
      [2, 4],
    ])
      expect(differing(chosen, 0, type).wrong).toBeUndefined();
    // The worst in place of one of the tie, and the tie in place of the best.
    for (const chosen of [
      [4, 3],
      [4, 5],
      [1, 0],
      [0, 2],
    ])
      expect(differing(chosen, 0, type).wrong, chosen.join()).toBeDefined();
  });

  it('may take near groups, and the best of them', () => {
    // Totals of 9, 9, 5 and 9.1: the last one is clearly kept.
    const scores = [5, 4, 6, 3, 4, 1, 5.1, 4];
    const groups = { count: 4, keep: 2 };
    const plain = plainOf(scores, 2, groups);
    expect(plain).toMatchObject({ experts: [6, 0], gap: 0, margin: 0 });
    expect(judged([6, 2], plain).wrong).toBeUndefined();
    // No group may be far worse, none too many; of a group the best is taken, and of a kept one too.
    for (const chosen of [
      [6, 4],
      [0, 2],
      [6, 1],
      [6, 3],
      [0, 1],
      [2, 7],
    ])
      expect(judged(chosen, plain).wrong, chosen.join()).toBeDefined();
    // The last group is clearly kept, so that only one of the two before can be.
    expect(judged([0, 2], plainOf([5, 4, 5, 4, 1, 1, 4.6, 4.6], 2, groups)).wrong).toBeDefined();
    expect(judged([2, 6], plainOf([5, 4, 6, 3.1, 4, 1, 5.1, 4], 2, groups)).agree).toBe(1);
    expect(judged([0, 6], plainOf([5, 4, 6, 3.1, 4, 1, 5.1, 4], 2, groups)).wrong).toBeDefined();
  });

  it('of one expert twice, of none that there is or of no number is wrong in ties too', () => {
    expect(differing([4, 4], 0).wrong).toBeDefined();
    expect(differing([4, 0.5], 0).wrong).toBeDefined();
    expect(differing([4, NaN], 0).wrong?.chosen).toEqual([4, null]);
    expect(followed([4, 0], 5)).toEqual([4, 0]);
    for (const chosen of [
      [4, 4],
      [4, 5],
      [-1, 0],
      [0, NaN],
    ])
      expect(followed(chosen, 5)).toBeUndefined();
  });

  it('counts as the first wrong one only once', () => {
    const routing = differing([0, 2], 1);
    const compared = Float64Array.of(0, 0, 0, 1, 0, 0.75);
    const plain = {
      experts: [3, 5],
      taken: [3, 5],
      weights: [1, 1],
      gap: 1,
      margin: 0.25,
      compared,
    };
    addChoice(routing, 'f32', { token: 4, layer: 0 }, [3, 4], plain);
    expect(routing).toMatchObject({ agree: 0, of: 2, margin: 0.25, wrong: { token: 3 } });
  });
});

describe('the verdict', () => {
  const step = { maxRelativeError: 1e-7, largest: 5, chosen: 5 };
  const of = (routing = noRouting()) => checkResult(config, [step], 'wafer', [], routing);

  it('says how many agree, by which margin, and which is wrong', () => {
    const right = of(differing([4, 1], 0.5));
    expect(right).toMatchObject({
      ...{ expertsAgree: true, expertChoices: { agree: 1, of: 1 } },
      ...{ routingMargin: 0.5, passed: true },
    });
    expect(right).not.toHaveProperty('wrongExperts');
    expect(checkText(right)).toContain(
      '  1 of 1 choices of experts are those of the plain implementation, whose least margin is 5.00e-1: passed',
    );
    const wrong = of(differing([4, 0], 0.5));
    expect(wrong).toMatchObject({ expertsAgree: false, passed: false });
    expect(wrong.expertChoices).toEqual({ agree: 0, of: 1 });
    const line =
      'layer 2 chose experts 4, 0 for token 3 where the plain implementation chose 4, 1 by a margin of 5.00e-1';
    expect(checkText(wrong)).toContain(`: FAILED\n  ${line}`);
    expect(checkText(wrong)).toContain('tolerance 1e-4: passed');
    expect(checkFailure(wrong)).toBe(`check: failed, ${line}`);
    expect(checkText(of(differing([4, 0], 1e-7)))).toContain(
      '1.00e-7; the others are near ties: passed',
    );
  });

  it('says nothing of models without experts, and of no margin where all are chosen', () => {
    expect(of()).not.toHaveProperty('expertsAgree');
    expect(checkText(of())).not.toContain('experts');
    expect(of(differing([4, 1], Infinity))).not.toHaveProperty('routingMargin');
  });
});

describe('the plain decoder', () => {
  const model = modelOf([layerWith(), expertLayer({ count: 5 })]);
  const weights = randomWeights(model, seededRandom('follows'));
  const forced = [undefined, [4, 0]];

  it('goes through the experts that it is given, and says which it would have chosen', () => {
    const [own, other] = [createPlainDecoder(model, weights), createPlainDecoder(model, weights)];
    const logits = own.step(7);
    const { experts } = own.choices[1]!;
    expect(own.choices[1]!.taken).toEqual(experts);
    expect(other.step(7, [undefined, experts])).toEqual(logits);
    expect(createPlainDecoder(model, weights).step(7, forced)).not.toEqual(logits);
    const third = createPlainDecoder(model, weights);
    third.step(7, forced);
    expect(third.choices[1]).toMatchObject({ experts, taken: [4, 0] });
  });

  it('goes through those of the wafer, whose logits are then the same', () => {
    const logits = createPlainDecoder(model, weights).step(7, forced);
    const outcome = () => ({ logits, chosen: firstLargest(logits), experts: forced });
    const memory = { images: [], head: 'wafer', begin: () => {}, outcome } as const;
    const plain = createPlainDecoder(model, weights);
    const more = { checks: [], inPrompt: [], routing: noRouting() };
    const numbers: Numbers = { model, memory: { ...memory, images: [] }, plain, token: 7, ...more };
    checkStep(numbers, undefined);
    expect(numbers.checks[0].maxRelativeError).toBe(0);
    expect(numbers.routing).toMatchObject({ agree: 0, of: 1, wrong: { token: 0, layer: 1 } });
  });
});

/** Three steps of two layers with experts, with an engine whose runs of the second one are spoilt. */
async function spoilt(
  spoil: (input: RunInput) => void,
  router: Partial<ExpertsSpec['router']> = {},
) {
  const model = modelOf([expertLayer({ router }), expertLayer({ router, inner: 7 })]);
  const sets = ['workload.tokens=3', 'placement.rows=4', 'placement.layerColumns=5'];
  const own = { ...loadConfig('configs/tiny.yaml', sets), model };
  const engine: Engine = (input) => {
    if (input.program.name !== 'layer 1' || input.memory === undefined) return reference(input);
    const copy = { ...input, program: structuredClone(input.program) };
    spoil(copy);
    return reference(copy);
  };
  const options = { ...OPTIONS, engine: 'reference', runner: runnerOf(engine) } as const;
  return (await simulateSteps(own, placementOf(own), options)).check!;
}

describe('a run', () => {
  it('agrees in every layer and step', async () => {
    const check = await spoilt(() => {});
    expect(check).toMatchObject({
      expertsAgree: true,
      expertChoices: { agree: 6, of: 6 },
      passed: true,
    });
    expect(check.routingMargin).toBeGreaterThan(1e-5);
  });

  it('whose router chooses the worst fails by its experts, and names the first', async () => {
    const check = await spoilt((input) => overwrite(input, 'wRouter', (weight) => -weight));
    expect(check.passed).toBe(false);
    expect(check.expertChoices!.agree).toBeLessThan(6);
    expect(check.wrongExperts).toMatchObject({ layer: 1, token: 0 });
  });

  it('whose weights of the chosen are wrong fails by its logits, not by its experts', async () => {
    const check = await spoilt(
      ({ program }) => {
        for (const { operations } of program.roles)
          for (const op of operations)
            if (op.kind === 'vector' && op.b && 'constant' in op.b && op.b.constant === 2.5)
              op.b.constant = 2;
      },
      { scale: 2.5 },
    );
    expect(check).toMatchObject({
      expertsAgree: true,
      expertChoices: { agree: 6, of: 6 },
      passed: false,
    });
    expect(check.logitsMaxRelativeError).toBeGreaterThan(1e-4);
  });
});
