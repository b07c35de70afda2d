/** Where programs run without threads: one after the other, with pauses for other work, until they are to stop. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LimitError } from '../src/engine/engine.js';
import { createPause, createRunner, type RunnerOptions } from '../src/decode/runner.js';
import { R, W, cell, fabric, loaded, move, program, role, route } from './helpers/programs.js';
import { E, testWafer, work } from './helpers/programs.js';
import type { Program } from '../src/program/program.js';

const wafer = testWafer();
/** So many wavelets from one core to the next. */
const send = (wavelets: number) =>
  program(2, [
    role('sends', {
      routes: [route(0, R, E)],
      buffers: [loaded(1)],
      operations: [move(fabric(0), cell(0, 0), wavelets)],
    }),
    role('takes', {
      routes: [route(0, W, R)],
      buffers: [loaded(1)],
      operations: [move(cell(0, 0), fabric(0), wavelets)],
    }),
  ]);
const busy = (cycles: number) => program(1, [role('works', { operations: [work(cycles)] })]);

/** A clock on which every look takes a second, so that others get a turn at every slice. */
function slow(more: Partial<RunnerOptions> = {}) {
  let seconds = 0;
  return createRunner({ engine: 'reference', shards: 1, now: () => seconds++, ...more });
}

describe('a runner without threads', () => {
  it('runs programs in the order in which they came, one at a time', async () => {
    const runner = slow();
    const ended: string[] = [];
    const run = async (name: string, wavelets: number) => {
      await runner.run({ program: send(wavelets), wafer });
      ended.push(name);
    };
    await Promise.all([run('long', 20_000), run('short', 1)]);
    expect(ended).toEqual(['long', 'short']);
  });

  it('runs the next one though one has failed', async () => {
    const runner = slow();
    const fails = runner.run({
      program: send(9),
      wafer: { ...wafer, core: { sramBytes: 0 } as never },
    });
    const next = runner.run({ program: busy(9), wafer });
    await expect(fails).rejects.toThrow();
    expect((await next).cycles).toBe(9);
  });

  it.each(['reference', 'fast'] as const)(
    'holds every program to its limit: %s',
    async (engine) => {
      const runner = slow({ engine, maxCycles: 10 });
      expect((await runner.run({ program: busy(10), wafer })).cycles).toBe(10);
      await expect(runner.run({ program: busy(11), wafer })).rejects.toThrow(
        /is not over in cycle 10, its limit/,
      );
    },
  );

  /** Stops a program of many slices, for some reason, at the twentieth look at the clock. */
  async function stoppedBy(reason: Error) {
    const controller = new AbortController();
    let looks = 0;
    const now = () => {
      if (++looks === 20) controller.abort(reason);
      return looks;
    };
    const runner = slow({ signal: controller.signal, now });
    const running = runner.run({ program: send(200_000), wafer, name: 'layer 3' });
    return { error: await running.catch((error: unknown) => error), runner };
  }

  it('rejects with the reason for which it is stopped, and takes nothing more', async () => {
    const reason = new Error('enough');
    const { error, runner } = await stoppedBy(reason);
    expect(error).toBe(reason);
    await expect(runner.run({ program: busy(1), wafer })).rejects.toBe(reason);
  });

  it('says of a limit in which cycle of which program it was, and which cores wait', async () => {
    const { error } = await stoppedBy(new LimitError('time is up'));
    const { message, cycle } = error as LimitError;
    expect(cycle).toBeGreaterThan(1000);
    expect(message).toMatch(/^time is up in cycle \d+ of 'layer 3': .*core \(0,0\)/);
    expect(message).toContain(` in cycle ${cycle} of `);
  });
});

describe('a breath', () => {
  it('lets others in once 10 ms have gone by, and not before', async () => {
    let seconds = 0;
    const pause = createPause({ now: () => seconds, signal: undefined });
    const others = async (at: number) => {
      let heard = false;
      const timer = setImmediate().then(() => (heard = true));
      seconds = at;
      await pause();
      const first = heard;
      await timer;
      return first;
    };
    expect(await others(0.009)).toBe(false);
    expect(await others(0.01)).toBe(true);
    // The next ones are counted from there.
    expect(await others(0.019)).toBe(false);
    expect(await others(0.021)).toBe(true);
  });
});

describe('numbers without their times', () => {
  const memory = (given: Program) =>
    Array.from(given.roleOf, (_, core) => Float32Array.of(core + 7));

  it('are for the fast engine, in slices with pauses', async () => {
    let looks = 0;
    const runner = slow({ engine: 'fast', now: () => ++looks });
    const given = send(5);
    expect(runner.computes(given)).toBe(true);
    expect(slow().computes(given)).toBe(false);
    const numbers = memory(given);
    await runner.compute({ program: given, wafer, memory: numbers });
    expect([...numbers[1]]).toEqual([7]);
    expect(looks).toBeGreaterThan(1);
  });

  it('stop where they are to stop', async () => {
    const controller = new AbortController();
    const runner = slow({ engine: 'fast', signal: controller.signal });
    controller.abort(new LimitError('enough'));
    const given = send(5);
    const computed = runner.compute({ program: given, wafer, memory: memory(given) });
    await expect(computed).rejects.toThrow('enough');
  });

  it('of a program that waits for ever end as the machine says', async () => {
    const given = send(5);
    given.roles[1].operations = [move(cell(0, 0), fabric(0), 6)];
    const computed = slow({ engine: 'fast' }).compute({
      program: given,
      wafer,
      memory: memory(given),
    });
    await expect(computed).rejects.toThrow(/waits for input on colour 0/);
  });
});
