/**
 * One contract, several engines: whatever runs on the reference runs on every other engine with the
 * same counters to the cycle, the same numbers and the same failures.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig, loadHardware } from '../src/config.js';
import { compareRuns, diffConfig } from '../src/studies/diff/diff.js';
import { MachineError } from '../src/engine/engine.js';
import { kernelProgram, type KernelOptions } from '../src/studies/kernel/kernel.js';
import { differenceLine } from '../src/studies/diff/text.js';
import { contentionLine, createContention, observeContention } from './helpers/contention.js';
import { differenceFrom, differenceOn, listGenerated, TRUTH } from './helpers/contract.js';
import { engines } from './helpers/engines.js';
import { FULL } from './helpers/full.js';
import { programs } from './helpers/generate.js';
import { handwritten } from './helpers/handwritten.js';
import { testWafer } from './helpers/programs.js';
import { kernelWafer } from './kernel-programs.js';

const both = (cycles: number) => ({ f16: cycles, f32: cycles });
const COSTS = { programStart: 3, routeChange: 2, setup: both(5), issue: both(1), latency: both(4) };

/** Machines on which every handwritten program and kernel is run. */
const MACHINES = [
  testWafer(),
  testWafer({ queueDepth: 1 }, COSTS),
  testWafer({ queueDepth: 2, hopCycles: 2, rampCycles: 1 }),
  testWafer({ queueDepth: 3, hopCycles: 3, rampCycles: 3 }, COSTS),
  testWafer({ queueDepth: 9, colors: 5 }, { ...COSTS, latency: { f16: 7, f32: 2 } }),
];

const KERNELS: [name: string, KernelOptions][] = [
  ['reduce', { algorithm: 'chain', pes: 9, words: 40, dtype: 'f32' }],
  ['reduce', { algorithm: 'tree', pes: 11, words: 13, dtype: 'f32' }],
  ['reduce', { algorithm: 'star', pes: 9, words: 8, dtype: 'f16' }],
  ['reduce', { algorithm: 'two-phase', pes: 12, words: 21, group: 4, dtype: 'f32' }],
  ['broadcast', { pes: 10, words: 17, dtype: 'f32' }],
  ['all-reduce', { algorithm: 'tree', pes: 14, groups: 4, words: 9, dtype: 'f16' }],
  ['all-reduce', { algorithm: 'chain', pes: 8, words: 9, dtype: 'f32' }],
  ['all-reduce', { algorithm: 'ring', pes: 6, words: 12, dtype: 'f32' }],
  ['reduce', { algorithm: 'star', grid: '5x4', words: 7, dtype: 'f32' }],
  ['reduce', { algorithm: 'two-phase', grid: '4x6', words: 9, group: 2, dtype: 'f16' }],
  ['reduce', { algorithm: 'tree', pes: 9, words: 12, dtype: 'f16', relays: 'task' }],
  ['gather', { pes: 7, words: 11, dtype: 'f32' }],
  ['broadcast', { grid: '5x3', words: 12, dtype: 'f16' }],
  ['all-reduce', { algorithm: 'ring', pes: 7, words: 200, dtype: 'f32' }],
  ['all-reduce', { algorithm: 'star', grid: '4x3', words: 6, dtype: 'f16' }],
  ['all-reduce', { algorithm: 'library', grid: '4x3', words: 6, dtype: 'f32', function: 'max' }],
  ['all-reduce', { algorithm: 'star', grid: '4x3', words: 6, scheme: 'lines', dtype: 'f32' }],
  ['all-reduce', { algorithm: 'two-phase', pes: 9, words: 8, group: 3, dtype: 'f32' }],
  ['matvec', { rows: 6, padded: 8, iterations: 3, dtype: 'f32' }],
  ['gemv', { k: 24, n: 20, grid: '4x4', groups: 2, dtype: 'f16', algorithm: 'waferllm' }],
  ['gemm', { algorithm: 'mesh', grid: '5x5', m: 10, k: 15, n: 15, dtype: 'f16' }],
  ['gemm', { algorithm: 'cannon', grid: '4x4', m: 12, k: 8, n: 4, dtype: 'f32' }],
  ['gemm', { algorithm: 'summa', grid: '4x4', m: 8, k: 8, n: 12, dtype: 'f32', localRepeats: 2 }],
  ['layer', { mapping: 'waferllm', dim: 24, ffn: 40, seq: 16, grid: '6x6', groups: 2 }],
  ['traffic', { pattern: 'neighbor', mesh: '8x4', load: 0.6, cycles: 200 }],
  ['traffic', { pattern: 'shift', distance: 5, mesh: '16x3', load: 0.16, cycles: 300 }],
  ['traffic', { pattern: 'uniform', mesh: '14x3', load: 0.3, cycles: 200 }],
  ['traffic', { pattern: 'transpose', mesh: '9x9', load: 0.15, cycles: 150 }],
  ['traffic', { pattern: 'hot-spot', mesh: '5x5', load: 0.08, cycles: 150 }],
  ['traffic', { pattern: 'multicast', distance: 3, mesh: '9x3', load: 0.7, cycles: 150 }],
];

/** Decode steps: plain, grouped queries with norms, the published mapping; small and computing. */
const STEPS: [config: string, sets: string[]][] = [
  ['configs/tiny.yaml', ['workload.data=false', 'workload.tokens=1']],
  ...[
    [],
    ['model.config=models/tiny-qwen3.json', 'workload.data=false'],
    ['workload.data=false', 'hardware.fabric.queueDepth=1'],
  ].map((sets): [string, string[]] => [
    'configs/tiny.yaml',
    [...sets, 'workload.tokens=1', 'placement.rows=7', 'placement.layerColumns=5'],
  ]),
  ['configs/tiny.yaml', ['mapping=waferllm', 'exact=true', 'placement.rows=7']],
];

const GENERATED = { numRuns: 300, seed: 20250302 };

const ALL = { machines: MACHINES, steps: STEPS, generated: { most: GENERATED.numRuns, long: 60 } };

/**
 * In `npm test`. Threads have the fast engine's tables and clock, which it shows on more machines and programs;
 * what is theirs are the cuts, which few show as well as many. Each number of threads has others. Stages of a decode
 * step on threads are in engine-sharded.test.ts.
 */
const SOME: Record<string, typeof ALL> = {
  fast: { ...ALL, steps: [STEPS[1], STEPS[2], STEPS[4]], generated: { most: 120, long: 20 } },
  '2 threads': {
    machines: [MACHINES[3]],
    steps: [],
    generated: { most: 40, long: 8 },
  },
  '3 threads': {
    machines: [MACHINES[1]],
    steps: [],
    generated: { most: 30, long: 6 },
  },
};

/** In the full tests: threads have half of the programs and every second machine for a kernel, each other ones. */
const MORE: Record<string, typeof ALL> = {
  fast: ALL,
  '2 threads': {
    ...ALL,
    steps: [STEPS[0], STEPS[2], STEPS[4]],
    generated: { most: 150, long: 30 },
  },
  '3 threads': { ...ALL, steps: [STEPS[1], STEPS[3]], generated: { most: 150, long: 30 } },
};

const others = engines.filter(([name]) => name !== TRUTH[0]);

describe.each(others)('the %s engine does what the reference does', (...engine) => {
  const { machines, steps, generated } = (FULL ? MORE : SOME)[engine[0]];

  it.each(handwritten)('with %s', (_, program) => {
    for (const wafer of machines) {
      expect(differenceFrom({ program, wafer }, engine)).toBe('');
      const startAt = Int32Array.from(program.roleOf, (_, core) => ((core * 5) % 7) - 3);
      expect(differenceFrom({ program, wafer, startAt }, engine)).toBe('');
    }
  });

  const small = loadHardware('configs/hardware/small.yaml', []).wafer;
  const isFast = engine[0] === 'fast';
  // In `npm test` a kernel runs on one of the machines, or on two, and the next one on the next.
  const ofKernel = (i: number) => {
    if (FULL && isFast) return [...MACHINES, small];
    return (isFast || FULL ? [i, i + 2] : [i]).map((n) => MACHINES[n % MACHINES.length]);
  };
  const kernels = KERNELS.map(([name, options], i) => [name, options, ofKernel(i)] as const);

  it.each(kernels)('in kernel %s %j', (name, options, on) => {
    for (const { fabric, costs } of on) {
      const wafer = { ...kernelWafer(costs), fabric: { ...fabric, colors: 24 } };
      const { program } = kernelProgram(name, options, wafer);
      const { outcome, difference } = compareRuns({ program, wafer }, [TRUTH, engine]);
      expect(outcome).not.toBeInstanceOf(MachineError);
      expect(difference && differenceLine(difference.first)).toBeUndefined();
    }
  });

  it.each(steps)('in the stages of %s %j', async (path, sets) => {
    const { difference, programs } = await diffConfig(loadConfig(path, sets), [TRUTH, engine]);
    expect(difference && differenceLine(difference.first)).toBeNull();
    expect(programs.length).toBeGreaterThan(0);
    expect(programs.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  const onGenerated = (most: number, numRuns: number) => {
    const property = fc.property(programs(most), (given) => {
      const difference = differenceOn(given, engine);
      if (difference !== '') throw new Error(`${difference}\n${listGenerated(given)}`);
    });
    fc.assert(property, { ...GENERATED, numRuns });
  };

  it(`on ${generated.most} generated programs`, () => {
    onGenerated(0, generated.most);
  });

  it.each([31, 32, 40])(`on ${generated.long} generated programs with costs up to 2^%i`, (bits) => {
    onGenerated(2 ** bits, generated.long);
  });
});

describe('the programs of the contract', () => {
  it.skipIf(!FULL)('contend, multicast, change routes and fail', () => {
    const counts = createContention();
    for (const given of fc.sample(programs(), GENERATED)) observeContention(counts, given);
    console.log(contentionLine(counts));
    const atLeast = {
      'blocked wavelet': 150,
      'full queue': 150,
      multicast: 75,
      'back-pressure': 75,
    };
    const forms = { 'turned switch': 75, task: 75 };
    const more = { 'route change': 75, 'route hazard': 1, 'machine error': 25, programs: 300 };
    for (const [kind, least] of Object.entries({ ...atLeast, ...forms, ...more }))
      expect([kind, counts[kind as keyof typeof counts] >= least]).toEqual([kind, true]);
  });

  it('written by hand fail for several reasons, and most do not fail', () => {
    const codes = handwritten.map(([, program]) => {
      try {
        TRUTH[1]({ program, wafer: testWafer() });
        return 'fine';
      } catch (error) {
        return error instanceof MachineError ? error.code : String(error);
      }
    });
    const failing = ['bad-route', 'deadlock', 'fine', 'left-over', 'route-change', 'two-inputs'];
    expect([...new Set(codes)].sort()).toEqual([...failing, 'unwritten']);
    expect(codes.filter((code) => code === 'fine').length).toBeGreaterThan(12);
  });
});
