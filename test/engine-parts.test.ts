/** Parts of a program that nothing connects: which there are, and that to run them one by one changes nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadHardware } from '../src/config.js';
import { wholeRun, type RunInput } from '../src/engine/engine.js';
import { fast, tablesOf, toResult } from '../src/engine/fast/fast.js';
import { createMachine } from '../src/engine/fast/machine.js';
import { partsOf } from '../src/engine/fast/parts.js';
import { firstWay, runMachine } from '../src/engine/fast/run.js';
import { layTables, startsOf } from '../src/engine/fast/tables.js';
import { createShards } from '../src/engine/sharded/sharded.js';
import type { Program, Role } from '../src/program/program.js';
import { kernelProgram } from '../src/studies/kernel/kernel.js';
import { differenceFrom } from './helpers/contract.js';
import { isSound } from '../src/engine/fast/sound.js';
import { byParts, onThreads } from './helpers/engines.js';
import { handwritten } from './helpers/handwritten.js';
import { count } from './helpers/full.js';
import { E, N, R, S, W, changeRoute, role, route, testWafer } from './helpers/programs.js';
import type { Generated } from './helpers/generate.js';
import { stacked, stackedPrograms } from './helpers/stacked.js';

/** A program whose cores have these roles, row by row. */
function rows(...of: Role[][]): Program {
  const roles = [...new Set(of.flat())];
  return {
    ...{ name: 'rows', width: of[0].length, height: of.length, roles, labels: [''] },
    roleOf: Uint16Array.from(of.flat(), (each) => roles.indexOf(each)),
  };
}

function firstsOf(program: Program, leastCores = 1): number[] {
  return [...(partsOf(program, layTables(program, testWafer()), leastCores) ?? [])];
}

describe('parts', () => {
  const to = (outputs: number) => role(`to ${outputs}`, { routes: [route(0, R, outputs)] });
  const [still, east, south, north] = [to(R), to(E), to(S), to(N)];
  const west = role('west', { operations: [changeRoute(0, R, W)] });
  const idle = role('idle', {});

  it('are stretches of cores without a link to the others', () => {
    expect(firstsOf(rows([east, still, still], [still, east, still]))).toEqual([0, 2, 3, 4, 6]);
    expect(firstsOf(rows([still, south], [still, still]))).toEqual([0, 1, 4]);
    expect(firstsOf(rows([still, still], [north, still]))).toEqual([0, 3, 4]);
  });

  it('are as large as is asked for, the last one aside', () => {
    expect(firstsOf(rows([east, still, still], [still, east, still]), 2)).toEqual([0, 2, 4, 6]);
    expect(firstsOf(rows([east, still, still], [still, east, still]), 4)).toEqual([]);
  });

  it('are connected by routes that an operation sets, too', () => {
    expect(firstsOf(rows([still, still, still], [still, west, still]))).toEqual([0, 1, 2, 3, 5, 6]);
  });

  it('are of cores that do something', () => {
    expect(firstsOf(rows([idle, still], [idle, idle], [still, idle]))).toEqual([0, 1, 2]);
  });

  it('are one where columns are connected, which lie across each other', () => {
    expect(firstsOf(rows([south, south], [still, still]))).toEqual([]);
  });
});

describe.each(byParts)('generated programs in %s', (...engine) => {
  it('run as by the reference, and fail as there', () => {
    const same = ({ program, wafer, startAt }: Generated) => {
      expect(differenceFrom({ program, wafer, startAt }, engine)).toBe('');
    };
    const numRuns = count(30, 300);
    fc.assert(fc.property(stackedPrograms(), same), { numRuns, seed: 20261130 });
  });
});

describe('on two threads', () => {
  const onParts = onThreads(2, 1);
  const team = { machine: createMachine(), threads: 1, leastCores: 1, run: 0, apart: false };

  /** All that the machine counts, in parts and as one. */
  function expectSame({ program, wafer, startAt }: RunInput | Generated): void {
    const input = { program, wafer, ...(startAt && { startAt }) };
    if (!isSound(program, wafer)) return;
    const tables = layTables(program, wafer);
    const whole = runMachine(tables.image, startsOf(input, tables), { ...team, bits: 32 });
    expect(onParts(input, tables)).toEqual(whole);
  }

  it('a label ends last on the first of the cores that end it last, whatever part they are in', () => {
    // Parts from one on end last, at the same time: which thread has the first of them is chance.
    for (let from = 140; from < 150; from++) {
      const later = Array.from({ length: 300 }, (_, part) => (part < from ? 0 : 9));
      expectSame(copiesOf('a chain of sums', later));
    }
    fc.assert(fc.property(stackedPrograms(), expectSame), { numRuns: count(20, 200), seed: 1 });
  });

  it('wavelets that meet are counted in all parts', () => {
    const hazards = (later: number[]) =>
      fast(copiesOf('one colour from two sides', later)).routeHazards;
    expect(hazards([0])).toBeGreaterThan(0);
    expect(hazards([0, 0, 5, 9, 9, 2])).toBe(6 * hazards([0]));
    expectSame(copiesOf('one colour from two sides', [0, 0, 5, 9, 9, 2]));
  });
});

/** Copies of a program written by hand, so much later each. */
function copiesOf(name: string, later: number[]): RunInput {
  const [, program] = handwritten.find(([one]) => one === name)!;
  const startAt = new Float64Array(program.roleOf.length);
  const all = stacked({ program, startAt, memory: () => [] }, later);
  return { program: all.program, startAt: all.startAt, wafer: testWafer() };
}

describe('a network of rows', () => {
  const { wafer } = loadHardware('configs/hardware/wse3.yaml', []);
  const options = { pattern: 'shift', distance: 8, load: 0.1, cycles: 60, seed: '1' };
  const { program } = kernelProgram('traffic', { ...options, mesh: '64x64' }, wafer);
  const input = { program, wafer };
  const tables = tablesOf(input)!;
  const { image } = tables;
  const starts = startsOf(input, tables);

  it('runs in parts unless it is said to run as one, and counts the same', () => {
    expect(image.parts).toHaveLength(64 / 4 + 1);
    const way = firstWay(image, starts);
    expect(way.apart).toBe(true);
    const team = { machine: createMachine(), threads: 1, leastCores: 1, run: 0 };
    const whole = runMachine(image, starts, { ...team, ...way, apart: false });
    expect(runMachine(image, starts, { ...team, ...way })).toEqual(whole);
    expect(fast(input)).toEqual(toResult(input, tables, whole));
  });

  it('runs in parts on threads, with the result of one', async () => {
    expect(firstWay(image, starts, 2).apart).toBe(true);
    const shards = createShards(2, { leastCores: 1 });
    try {
      expect(await shards.run(input, async (begin) => wholeRun(begin()))).toEqual(fast(input));
    } finally {
      await shards.close();
    }
  });

  it('is shared out by cores where one part is larger than what a thread would have of it', () => {
    const uneven = { ...image, parts: Int32Array.from([0, 64, 4096]) };
    expect(firstWay(uneven, starts, 2).apart).toBe(false);
    expect(firstWay(uneven, starts).apart).toBe(true);
  });
});
