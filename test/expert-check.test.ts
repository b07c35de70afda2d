/** Choices of experts in runs that compute: which ones may differ from the plain decoder's, and what is said of it. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { checkResult } from '../src/decode/compute.js';
import { placementOf } from '../src/decode/place.js';
import { addChoice, followed, noRouting } from '../src/decode/routing-check.js';
import { simulateSteps } from '../src/decode/simulate.js';
import type { Engine, RunInput } from '../src/engine/engine.js';
import { reference } from '../src/engine/reference/reference.js';
import type { FloatType } from '../src/numeric/types.js';
import { checkFailure, checkText } from '../src/report/check-text.js';
import type { ExpertsSpec } from '../src/model/mlp-spec.js';
import { modelOf } from './helpers/dense-models.js';
import { expertLayer } from './helpers/expert-models.js';
import { runnerOf } from './helpers/runner.js';

const config = loadConfig('configs/tiny.yaml');

/** A choice of the wafer's where the plain decoder chose 4 and 1 by a margin. */
function differing(chosen: number[], margin: number, type: FloatType = 'f32') {
  const routing = noRouting();
  const plain = { experts: [4, 1], taken: [4, 1], weights: [0.6, 0.4], gap: 1, margin };
  addChoice(routing, type, { token: 3, layer: 2 }, chosen, plain);
  return routing;
}

describe('a choice', () => {
  it('agrees in any order', () => {
    expect(differing([4, 1], 0)).toEqual({ agree: 1, of: 1, margin: 0 });
    expect(differing([1, 4], 0.5)).toEqual({ agree: 1, of: 1, margin: 0.5 });
  });

  it('may be another in near ties alone, which are wider in 16 bits', () => {
    expect(differing([4, 0], 1e-5)).toEqual({ agree: 0, of: 1, margin: 1e-5 });
    expect(differing([4, 0], 1.1e-5).wrong).toEqual({
      ...{ token: 3, layer: 2, chosen: [4, 0], expected: [4, 1], margin: 1.1e-5 },
    });
    expect(differing([4, 0], 0.03, 'f16').wrong).toBeUndefined();
    expect(differing([4, 0], 0.031, 'f16').wrong).toBeDefined();
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
    const plain = { experts: [3, 5], taken: [3, 5], weights: [1, 1], gap: 1, margin: 0.25 };
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
      ...{ expertsAgree: { agree: 1, of: 1 }, routingMargin: 0.5, passed: true },
    });
    expect(right).not.toHaveProperty('wrongExperts');
    expect(checkText(right)).toContain(
      '  1 of 1 choices of experts are those of the plain implementation, whose least margin is 5.00e-1: passed',
    );
    const wrong = of(differing([4, 0], 0.5));
    expect(wrong).toMatchObject({ expertsAgree: { agree: 0, of: 1 }, passed: false });
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
  const host = { shards: 1, memo: true, now: () => 0, rss: () => 0 };
  const options = { ...host, engine: 'reference', runner: runnerOf(engine) } as const;
  return (await simulateSteps(own, placementOf(own), options)).check!;
}

/** Changes the cells of a buffer on every core that has it. */
function overwrite({ program, memory }: RunInput, name: string, to: (value: number) => number) {
  program.roleOf.forEach((role, core) => {
    const buffer = program.roles[role].buffers.find((of) => of.name === name);
    if (buffer === undefined) return;
    for (let i = buffer.at; i < buffer.at + buffer.length; i++)
      memory![core][i] = to(memory![core][i]);
  });
}

describe('a run', () => {
  it('agrees in every layer and step', async () => {
    const check = await spoilt(() => {});
    expect(check).toMatchObject({ expertsAgree: { agree: 6, of: 6 }, passed: true });
    expect(check.routingMargin).toBeGreaterThan(1e-5);
  });

  it('whose router chooses the worst fails by its experts, not by its logits', async () => {
    const check = await spoilt((input) => overwrite(input, 'wRouter', (weight) => -weight));
    expect(check.passed).toBe(false);
    expect(check.expertsAgree!.agree).toBeLessThan(6);
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
    expect(check).toMatchObject({ expertsAgree: { agree: 6, of: 6 }, passed: false });
    expect(check.logitsMaxRelativeError).toBeGreaterThan(1e-4);
  });
});
