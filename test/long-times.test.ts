/** Times beyond 2^31 and 2^32 cycles are exact; what is beyond 2^53 - 1 is refused in one line. */
import { describe, expect, it } from 'vitest';
import { loadConfig, loadHardware } from '../src/config.js';
import { LAST_CYCLE, MachineError, type RunInput } from '../src/engine/engine.js';
import { timeOf } from '../src/program/timing.js';
import { countable } from '../src/decode/countable.js';
import { simulate } from '../src/studies/run/run.js';
import { diffKernel } from '../src/studies/diff/diff.js';
import { kernelProgram, runKernel } from '../src/studies/kernel/kernel.js';
import { wafersim } from './helpers/command-line.js';
import { engines } from './helpers/engines.js';
import { E, R, W, cell, fabric, loaded, move, role, route, row } from './helpers/programs.js';
import { testWafer, traffic, work } from './helpers/programs.js';
import { kernelWafer } from './kernel-programs.js';

/** What a product on one core takes here, whatever is known of the machine. */
const COSTS = ['programStart=0', 'setup.f32=21', 'matvec.call=0', 'matvec.row.f32=1'];
const SETS = COSTS.map((cost) => `hardware.costs.${cost}`);
const { wafer: wse3 } = loadHardware('wse3', SETS);
const host = { now: () => 0, rss: () => 0 };
const each = (cycles: number) => ({ f16: cycles, f32: cycles });
const matvec = (iterations: number) => ({ rows: 100, padded: 100, iterations, dtype: 'f32' });

/** A core sends to another, which sends back, `rounds` times; each operation costs `setup`. */
function pingPong(rounds: number, setup: number): RunInput {
  const times = Array.from({ length: rounds });
  const side = (first: boolean) => {
    const [out, into] = first ? [0, 1] : [1, 0];
    const ops = [move(fabric(out), cell(0), 1), move(cell(0), fabric(into), 1)];
    return role(first ? 'first' : 'second', {
      routes: [route(out, R, first ? E : W), route(into, first ? E : W, R)],
      operations: times.flatMap(() => (first ? ops : ops.toReversed())),
      buffers: [loaded(1)],
    });
  };
  return { program: row(side(true), side(false)), wafer: testWafer({}, { setup: each(setup) }) };
}

describe.each(engines)('the %s engine', (_, engine) => {
  const failure = (input: RunInput) => {
    try {
      engine(input);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it.each([10, 2 ** 29, 2 ** 30 - 3, 2 ** 31 - 8, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40])(
    'counts rounds of a ping-pong with set-ups of %i cycles',
    (setup) => {
      const rounds = 5;
      const { cycles, end, setup: spent, waitInput } = engine(pingPong(rounds, setup));
      // There: a set-up, one cycle to send, ramp 2, hop 1, ramp 2, of which the last wavelet's cycle is one;
      // the receiver's set-up is long over. Back the same, and the first one is set up at the same time.
      const way = setup + 1 + 2 + 1 + 2 + 1;
      expect(cycles).toBe(2 * rounds * way);
      expect([...end]).toEqual([2 * rounds * way, (2 * rounds - 1) * way + setup + 2]);
      expect([...spent]).toEqual([2 * rounds * setup, 2 * rounds * setup]);
      expect(waitInput[0]).toBe(cycles - 2 * rounds * (setup + 1) - rounds);
    },
  );

  it.each([2 ** 31 - 20, 2 ** 31, 2 ** 33])('counts starts of %i and before 0', (start) => {
    const { program, wafer } = pingPong(1, 10);
    const from = (startAt: number[]) =>
      engine({ program, wafer, startAt: Float64Array.from(startAt) });
    const now = from([0, 0]);
    expect([...from([start, start]).end]).toEqual([...now.end].map((at) => at + start));
    expect([...from([-5, start]).end]).toEqual([...from([start - 1000, start]).end]);
    expect(from([-start, 0]).cycles).toBe(from([-1000, 0]).cycles);
  });

  it.each([2 ** 31 - 2, 2 ** 31, 2 ** 32 + 1, 2 ** 40])(
    'waits %i cycles for traffic that is due then',
    (due) => {
      const program = row(
        role('sends', {
          routes: [route(0, R, E)],
          operations: [traffic({ color: 0, times: [3, due] })],
        }),
        role('takes', {
          routes: [route(0, W, R)],
          operations: [traffic({ receive: 0, expect: 2 })],
        }),
      );
      const { end, waitInput } = engine({ program, wafer: testWafer() });
      expect([...end]).toEqual([due + 1, due + 2 + 1 + 2 + 1]);
      expect(waitInput[0]).toBe(due - 1);
    },
  );

  it('counts up to 2^53 - 1, and says so in one line beyond', () => {
    const program = row(role('works', { operations: [work(1)] }));
    const at = (setup: number) => ({ program, wafer: testWafer({}, { setup: each(setup) }) });
    expect(engine(at(LAST_CYCLE - 1)).cycles).toBe(LAST_CYCLE);
    const error = failure(at(LAST_CYCLE));
    expect(error).toBeInstanceOf(MachineError);
    expect(error).toMatchObject({ code: 'too-long', cycle: LAST_CYCLE, cores: [] });
    expect((error as Error).message).toBe(
      "too-long: 'test' runs beyond cycle 9007199254740991 (2^53 - 1), the last that can be counted exactly",
    );
    // No single core's operations take so long.
    expect(failure(pingPong(3, 2 ** 51 + 2 ** 50))).toEqual(error);
  });
});

describe('kernels', () => {
  it.each([
    [212_190, 2_147_574_990],
    [500_000, 5_060_500_000],
    [800_000_000_000, 8_096_800_000_000_000],
  ])('a matvec of %i iterations takes %i cycles', async (iterations, cycles) => {
    // 21 of set-up and 101 a row.
    expect(cycles).toBe(iterations * (21 + 100 * 101));
    for (const engine of ['fast', 'reference'] as const) {
      const document = await runKernel('matvec', matvec(iterations), wse3, engine, host);
      expect(document.cycles).toBe(cycles);
      expect(document.coreCycles).toMatchObject({ setup: iterations * 21, waitInput: 0, idle: 0 });
      expect(document.breakdown['matvec'].compute).toBe(cycles);
    }
    const found = await diffKernel('matvec', matvec(iterations), wse3, engines.slice(0, 2));
    expect(found.difference).toBeNull();
    expect(found.programs.map((each) => each.cycles)).toEqual([cycles]);
  });

  it('are refused in one line when they take longer than can be counted', async () => {
    for (const iterations of [1e12, Number.MAX_SAFE_INTEGER])
      await expect(runKernel('matvec', matvec(iterations), wse3, 'fast', host)).rejects.toThrow(
        /^too-long/,
      );
    expect(() => kernelProgram('matvec', matvec(2 ** 53), wse3)).toThrow(
      /from 1 to 9007199254740991/,
    );
  });

  it('grow by the set-ups on the longest path, however long those take', async () => {
    const options = { algorithm: 'ring', pes: 8, words: 8, dtype: 'f32' };
    const at = async (setup: number, engine: 'fast' | 'reference' = 'fast') => {
      const wafer = kernelWafer({ setup: each(setup) });
      const { host: _, ...document } = await runKernel('all-reduce', options, wafer, engine, host);
      return document;
    };
    const { cycles } = await at(1000);
    const slope = ((await at(2000)).cycles - cycles) / 1000;
    const rest = cycles - 1000 * slope;
    // The reduce-scatter is three operations; in each of 7 steps of the all-gather a core sends and takes.
    expect(slope).toBe(3 + 2 * (8 - 1));
    for (const setup of [2 ** 26, 2 ** 29, 2 ** 31, 2 ** 32, 2 ** 40]) {
      const document = await at(setup);
      expect(document.cycles).toBe(setup * slope + rest);
      expect(document).toEqual(await at(setup, 'reference'));
    }
  });

  it('are refused when the sums of all cores are beyond what can be counted', async () => {
    const options = { algorithm: 'chain', pes: 600, words: 1, dtype: 'f32' };
    const run = (setup: number) =>
      runKernel('reduce', options, kernelWafer({ setup: each(setup) }), 'fast', host);
    // 600 cores wait 2^43 cycles and a little.
    expect((await run(2 ** 43)).coreCycles!.setup).toBe(600 * 2 ** 43);
    await expect(run(2 ** 44)).rejects.toThrow(/^too-long: the sum of coreCycles is beyond/);
  });
});

describe('the command line', () => {
  it('prints what is long, and refuses what is too long with exit code 4 and one line', async () => {
    const kernel = (iterations: string) => {
      const options = ['--rows', '100', '--padded', '100', '--iterations', iterations];
      return wafersim('kernel', 'matvec', ...options, ...SETS.flatMap((set) => ['--set', set]));
    };
    expect((await kernel('500000')).stdout).toMatch(/^matvec: 5,060,500,000 cycles on WSE-3\n/);
    const { status, stdout, stderr } = await kernel('1000000000000');
    expect([status, stdout]).toEqual([4, '']);
    expect(stderr).toMatch(/^wafersim: too-long: .*\n$/);
  });
});

describe('what is counted', () => {
  it('is refused with its path beyond 2^53 - 1', () => {
    const fits = { a: [1, LAST_CYCLE], b: { c: 'text', d: null, e: 1e-3, f: NaN, g: -LAST_CYCLE } };
    expect(countable(fits)).toBe(fits);
    expect(() => countable({ a: { b: [1, LAST_CYCLE + 1] } }, 'top')).toThrow(
      /^too-long: top\.a\.b\.1 is beyond 9007199254740991/,
    );
    expect(() => countable(-(2 ** 60))).toThrow(/^too-long: a sum is beyond/);
  });

  it('times an operation that is repeated as so many in a row', () => {
    const { program } = kernelProgram('matvec', matvec(7), wse3);
    const [op] = program.roles[0].operations;
    expect(program.roles[0].operations).toHaveLength(1);
    expect(timeOf(op, wse3.costs)).toMatchObject({ setup: 7 * 21, cycles: 7 * 100 * 101 });
  });
});

describe('a link between wafers', () => {
  it('of one second takes 3,000,000,000 cycles each way at 3 GHz', async () => {
    const sizes = ['hardware.height=12', 'placement.rows=12', 'placement.layerColumns=16'];
    const short = ['workload.tokens=1', 'workload.data=false', 'hardware.wafers=2'];
    const run = async (latency: string) => {
      const link = ['hardware.clock=3 GHz', `hardware.io.latency=${latency}`];
      const config = loadConfig('configs/tiny.yaml', [...sizes, ...short, ...link]);
      const { decode } = await simulate(config, { engine: 'fast', shards: 1, memo: true, ...host });
      const { compute, setup, waitInput, waitOutput, idle } = decode.coreCycles;
      return { decode, all: compute + setup + waitInput + waitOutput + idle };
    };
    const [none, half, whole] = [await run('0 s'), await run('500 ms'), await run('1 s')];
    const cycles = ({ decode }: typeof none) => decode.cyclesPerToken;
    expect(cycles(half) - cycles(none)).toBe(2 * 1_500_000_000);
    expect(cycles(whole) - cycles(none)).toBe(2 * 3_000_000_000);
    const between = ({ decode }: typeof none) => decode.breakdown['between wafers'].cycles;
    expect(between(whole) - between(half)).toBe(2 * 1_500_000_000);
    // A little more for the bits, a little less where the last sender is still at work.
    expect(Math.abs(between(whole) - 6_000_000_000)).toBeLessThan(100);
    expect(whole.all / cycles(whole)).toBe(none.all / cycles(none));
    expect(whole.decode.coreCycles.compute).toBe(none.decode.coreCycles.compute);
  });

  it('so long that the cores together wait more than can be counted is refused', async () => {
    const sets = ['hardware.height=12', 'placement.rows=12', 'placement.layerColumns=16'];
    const short = ['workload.tokens=1', 'workload.data=false', 'hardware.wafers=2'];
    const config = loadConfig('configs/tiny.yaml', [...sets, ...short, 'hardware.io.latency=1 s']);
    const at = (clockHz: number) => {
      const wafer = { ...config.wafer, clockHz };
      return simulate({ ...config, wafer }, { engine: 'fast', shards: 1, memo: true, ...host });
    };
    const { decode, placement } = await at(2 ** 42);
    const { compute, setup, waitInput, waitOutput, idle } = decode.coreCycles;
    const all = decode.cyclesPerToken * placement.coresUsed;
    expect(compute + setup + waitInput + waitOutput + idle).toBe(all);
    expect(all).toBeGreaterThan(2 ** 50);
    await expect(at(2 ** 46)).rejects.toThrow(/^too-long: the sum of decode.coreCycles is beyond/);
  });
});
