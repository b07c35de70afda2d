/** The check of a run that computes: its logits against plain ones, its choices against its own logits. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { Engine, RunInput } from '../src/engine/engine.js';
import { reference } from '../src/engine/reference/reference.js';
import { firstLargest, checkResult, relativeError } from '../src/decode/compute.js';
import { checkFailure, checkText } from '../src/report/check-text.js';
import type { CheckResult } from '../src/report/document.js';
import type { Operation } from '../src/program/program.js';
import { placementOf } from '../src/decode/place.js';
import { simulateSteps } from '../src/decode/simulate.js';
import { cases, FULL } from './helpers/full.js';
import { runnerOf } from './helpers/runner.js';
import { simulateTimes } from './helpers/times.js';

const TINY = 'configs/tiny.yaml';
/** Regions that are small compute soon. */
const SMALL = ['placement.rows=6', 'placement.layerColumns=5'];
const options = { engine: 'reference', shards: 1, memo: true, now: () => 0, rss: () => 0 } as const;

describe('the first largest logit', () => {
  it.each([
    [[3, 1, 2], 0],
    [[1, 3, 2], 1],
    [[1, 2, 3], 2],
    [[1, 3, 3], 1],
    [[-1, -1], 0],
    [[-0, 0], 0],
    [[-5, -Infinity], 0],
    [[1, NaN, 3], -1],
    [[NaN, 3], -1],
    [[3, NaN], -1],
  ])('of %j is number %i', (logits, first) => {
    expect(firstLargest(logits)).toBe(first);
  });
});

describe('the relative error', () => {
  it('is the largest difference over the largest plain logit', () => {
    expect(relativeError([1, -8, 3], [1, -10, 4])).toBe(0.2);
    expect(relativeError([1, 2], [1, 2])).toBe(0);
  });
  it.each([[[NaN, 1]], [[1, NaN]]])('of %j is NaN', (logits) => {
    expect(relativeError(logits, [1, 1])).toBeNaN();
  });
});

describe('the verdict', () => {
  const { model, workload } = loadConfig(TINY, ['workload.batch=3']);
  const of = (...steps: [error: number, largest: number, chosen: number][]) =>
    checkResult(
      { model, workload },
      steps.map(([maxRelativeError, largest, chosen]) => ({ maxRelativeError, largest, chosen })),
      'wafer',
    );

  it('is that of the worst step, the tolerance included', () => {
    expect(of([1e-5, 4, 4], [1e-4, 7, 7], [0, 0, 0])).toEqual({
      logitsMaxRelativeError: 1e-4,
      tolerance: 1e-4,
      choice: true,
      head: 'wafer',
      users: { checked: [0], of: 3 },
      passed: true,
    });
    expect(of([1.01e-4, 4, 4], [0, 7, 7])).toMatchObject({ choice: true, passed: false });
  });

  it.each([
    ['NaN among the logits', [NaN, -1, 4], { chosen: 4, largest: null }],
    ['no number chosen', [0, 5, NaN], { chosen: null, largest: 5 }],
    ['another token', [0, 5, 6], { chosen: 6, largest: 5 }],
    ['always token 0', [0, 5, 0], { chosen: 0, largest: 5 }],
    ['none of the vocabulary', [0, 5, 2 ** 24], { chosen: 2 ** 24, largest: 5 }],
  ] as const)('fails with %s, and names the first such step', (_, step, found) => {
    const result = of([0, 0, 0], [...step], [0, 1, 2]);
    expect(result).toMatchObject({
      choice: false,
      passed: false,
      wrongChoice: { step: 1, ...found },
    });
  });

  it('fails with NaN logits whatever is chosen', () => {
    expect(of([NaN, 3, 3])).toMatchObject({ choice: true, passed: false });
  });
});

describe('the check as text', () => {
  const passed: CheckResult = {
    logitsMaxRelativeError: 2.1e-5,
    tolerance: 1e-4,
    choice: true,
    head: 'wafer',
    users: { checked: [0], of: 4 },
    passed: true,
  };
  const failed = { ...passed, choice: false, passed: false };

  it('says what was compared, and for which users', () => {
    expect(checkText(passed).split('\n')).toEqual([
      '  logits differ by 2.10e-5 of the largest, tolerance 1e-4: passed',
      "  every chosen token is the first largest of the wafer's own logits: passed",
      '  computed for user 0 of 4; the others run the same programs',
    ]);
    expect(checkText({ ...passed, head: 'host' })).toContain(
      "largest of the host's logits: passed",
    );
    expect(checkText({ ...passed, users: { checked: [0], of: 1 } })).not.toContain('user');
  });

  it('tells a wrong choice from wrong logits, and both in one line', () => {
    const wrongChoice = { step: 2, chosen: 0, largest: 57 };
    const choice = checkText({ ...failed, wrongChoice });
    expect(choice).toContain('tolerance 1e-4: passed\n');
    expect(choice).toContain("step 2 chose token 0 where the wafer's own logits have their first");
    expect(choice).toMatch(/largest at 57: FAILED$/m);
    expect(checkFailure({ ...failed, wrongChoice })).toBe(
      "check: failed, step 2 chose token 0 where the wafer's own logits have their first largest at 57",
    );
    const logits = { ...passed, logitsMaxRelativeError: 0.5, passed: false };
    expect(checkText(logits)).toMatch(/^ {2}logits differ .*: FAILED\n.*: passed\n/);
    expect(checkFailure(logits)).toBe(
      'check: failed, logits differ by 5.00e-1 of the largest, tolerance 0.0001',
    );
  });

  it('says NaN also where JSON has made it null', () => {
    const nan = { ...failed, logitsMaxRelativeError: NaN };
    for (const check of [nan, JSON.parse(JSON.stringify(nan)) as CheckResult]) {
      const wrongChoice = { step: 0, chosen: null, largest: null };
      const line = checkFailure({ ...check, wrongChoice });
      expect(line).toContain('logits differ by NaN of the largest');
      expect(line).toContain(
        "step 0 chose token NaN where the wafer's own logits are not all numbers",
      );
      expect(checkText(check)).toContain('differ by NaN of the largest, tolerance 1e-4: FAILED');
    }
  });
});

/** Three steps of the small model with an engine whose runs of one stage are spoilt. */
async function spoilt(stage: string, spoil: (input: RunInput) => void, ...sets: string[]) {
  const config = loadConfig(TINY, ['workload.tokens=3', ...SMALL, ...sets]);
  const engine: Engine = (input) => {
    if (input.program.name !== stage || input.memory === undefined) return reference(input);
    const copy = { ...input, program: structuredClone(input.program) };
    spoil(copy);
    return reference(copy);
  };
  return simulateSteps(config, placementOf(config), { ...options, runner: runnerOf(engine) });
}

const operations = ({ program }: RunInput): Operation[] =>
  program.roles.flatMap((r) => r.operations);

describe('a wafer whose head computes the logits right', () => {
  it.each([['model=models/tiny.json'], ['model=models/tiny-qwen3.json']])(
    'passes with %s, where no step chooses token 0',
    async (set) => {
      const { check, steps } = await spoilt('', () => {}, set, 'model.dtype=f32');
      expect(check).toMatchObject({ choice: true, passed: true, head: 'wafer' });
      expect(steps.map(({ token }) => token)).not.toContain(0);
    },
  );

  const faults: [string, (op: Operation) => void][] = [
    ['chooses always token 0', (op) => op.kind === 'keepIfEqual' && (op.otherwise = 0)],
    ['numbers its entries from 1', (op) => op.kind === 'argmax' && (op.first += 1)],
    ['takes the least', (op) => op.kind === 'vector' && op.fn === 'max' && (op.fn = 'min')],
    ['forgets to compare', (op) => op.kind === 'keepIfEqual' && (op.b = op.a)],
  ];
  it.each(faults)('but %s fails, with right logits', async (_, fault) => {
    const { check } = await spoilt('head', (input) => operations(input).forEach(fault));
    expect(check).toMatchObject({ choice: false, passed: false });
    if (check!.wrongChoice!.step === 0)
      expect(check!.logitsMaxRelativeError).toBeLessThan(check!.tolerance);
  });

  it('but leaves a number that is no token fails, and the run ends well', async () => {
    const { check, steps } = await spoilt('head', (input) =>
      operations(input).forEach((op) => op.kind === 'argmax' && (op.first += 1000)),
    );
    expect(check).toMatchObject({ choice: false, passed: false, wrongChoice: { step: 0 } });
    expect(check!.wrongChoice!.chosen).toBeGreaterThan(999);
    expect(steps.map(({ token }) => token)).toEqual([undefined, undefined, undefined]);
    expect(steps.every(({ cycles }) => cycles > 0)).toBe(true);
  });

  it('and one weight that is NaN fails, and the run ends well', async () => {
    const { check } = await spoilt('layer 1', ({ program, memory }) => {
      const core = program.roleOf.findIndex((role) => program.roles[role].name === 'layer');
      const norm = program.roles[program.roleOf[core]].buffers.find((b) => b.name === 'mlpNorm');
      memory![core][norm!.at] = NaN;
    });
    expect(check).toMatchObject({ choice: false, passed: false });
    expect(check!.logitsMaxRelativeError).toBeNaN();
  });
});

describe('a run with several users', () => {
  it('says for which of them it computed', async () => {
    const config = loadConfig(TINY, ['workload.batch=4', 'workload.tokens=1', ...SMALL]);
    const { check } = await simulateTimes(config, options);
    expect(check).toMatchObject({ users: { checked: [0], of: 4 }, choice: true, passed: true });
  });
});

describe('a run in the waferllm mapping', () => {
  it('says that its head is on the host, and checks the choice there', async () => {
    const sets = ['mapping=waferllm', 'exact=true', 'placement.rows=7'];
    const { check } = await simulateTimes(loadConfig(TINY, sets), options);
    expect(check).toMatchObject({ head: 'host', choice: true, passed: true });
  });
});

describe('the command', () => {
  const sets = [...SMALL, 'workload.tokens=1'].flatMap((set) => ['--set', set]);
  const small = ['--engine=reference', ...sets];
  const wafersim = (...args: string[]) =>
    spawnSync(process.execPath, ['test/helpers/spoilt-command.mjs', ...args], { encoding: 'utf8' });
  it('exits 1 where a weight is spoilt, says why in one line, and prints the run', () => {
    for (const form of cases<string[]>([['--json']], [[]])) {
      const { status, stdout, stderr } = wafersim('run', TINY, ...small, ...form);
      expect(stderr).toMatch(/^check: failed, logits differ by [\d.e+-]+ of the largest[^\n]*\n$/);
      if (form.length > 0) expect(JSON.parse(stdout)).toMatchObject({ check: { passed: false } });
      else expect(stdout).toMatch(/ {2}logits differ by .*: FAILED\n/);
      expect(status).toBe(1);
    }
  });
  it.runIf(FULL)('compares with exit 1 as well, and names the run', () => {
    const { status, stderr } = wafersim('compare', TINY, ...small, '--strategies=row-major,snake');
    expect(stderr).toMatch(/^row-major: check: failed[^\n]*\nsnake: check: failed[^\n]*\n$/);
    expect(status).toBe(1);
  });
});
