/** Synthetic traffic: which cores send what, and where it arrives. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadHardware } from '../src/config.js';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { ConfigError } from '../src/config/errors.js';
import { EAST } from '../src/hardware/mesh.js';
import { sendColors, sendsOf, type Program, type TrafficOp } from '../src/program/program.js';
import { kernelTable } from '../src/report/table.js';
import { runKernel, type KernelOptions } from '../src/studies/kernel/kernel.js';
import { windowOf } from '../src/studies/kernel/traffic-result.js';
import { FULL } from './helpers/full.js';
import { kernelWafer, programOf } from './kernel-programs.js';

function timesOf(program: Program, core: number): number {
  const op = program.roles[program.roleOf[core]].operations[0];
  return op?.kind === 'traffic' ? op.times.length : 0;
}

describe('traffic', () => {
  const shift = { pattern: 'shift', distance: 3, mesh: '12x4', load: 0.2, cycles: 500, seed: 'a' };

  it('of a shift crosses as many links as it is far, from every core with a partner', () => {
    const program = programOf('traffic', shift);
    const result = reference({ program, wafer: kernelWafer() });
    const sent = Array.from(program.roleOf, (_, core) => timesOf(program, core));
    expect(sent.map((n, core) => n > 0 === core % 12 < 9)).not.toContain(false);
    expect(result.sent).toBe(sent.reduce((sum, n) => sum + n, 0));
    expect(result.delivered).toBe(result.sent);
    expect(result.waveletHops).toBe(3 * result.sent);
  });

  it('of a shift puts as many colours on a link as it is far', () => {
    const program = programOf('traffic', { ...shift, load: 1, cycles: 300 });
    const { linkWavelets } = reference({ program, wafer: kernelWafer() });
    expect(linkWavelets[5 * 4 + EAST]).toBe(3 * 300);
  });

  it('to neighbours crosses one link', () => {
    const program = programOf('traffic', {
      pattern: 'neighbor',
      mesh: '6x2',
      load: 0.5,
      cycles: 200,
    });
    const result = reference({ program, wafer: kernelWafer() });
    expect(result.sent).toBeGreaterThan(0);
    expect(result.waveletHops).toBe(result.sent);
    expect(result.delivered).toBe(result.sent);
  });

  it('by multicast is delivered to every other core of the row', () => {
    const program = programOf('traffic', {
      pattern: 'multicast',
      mesh: '9x3',
      load: 0.3,
      cycles: 200,
    });
    const result = reference({ program, wafer: kernelWafer() });
    expect(result.sent).toBeGreaterThan(0);
    expect(result.delivered).toBe(8 * result.sent);
  });

  it('by multicast reaches the distance asked for, from the first of every few cores', () => {
    const options = { pattern: 'multicast', distance: 3, mesh: '10x2', load: 0.3, cycles: 200 };
    const program = programOf('traffic', options);
    const result = reference({ program, wafer: kernelWafer() });
    const sent = Array.from(program.roleOf, (_, core) => timesOf(program, core));
    const receivers = sent.map((_, core) => Math.min(3, 9 - (core % 10)));
    expect(sent.map((n, core) => n > 0 === ((core % 10) % 4 === 0))).not.toContain(false);
    expect(result.delivered).toBe(sent.reduce((sum, n, core) => sum + n * receivers[core], 0));
  });

  it('of a shift takes one colour more than it is far', () => {
    const { roles } = programOf('traffic', shift);
    const colors = new Set(roles.flatMap(({ routes }) => routes.map(({ color }) => color)));
    expect(colors).toEqual(new Set([0, 1, 2, 3]));
  });

  it('has the load that was asked for, within four standard deviations', () => {
    const [load, cycles] = [0.1, 20_000];
    const program = programOf('traffic', { pattern: 'neighbor', mesh: '2x1', load, cycles });
    const deviation = Math.sqrt(cycles * load * (1 - load));
    expect(Math.abs(timesOf(program, 0) - load * cycles)).toBeLessThan(4 * deviation);
  });

  it('is the same for the same seed and another for another', () => {
    const run = (seed: string) =>
      reference({ program: programOf('traffic', { ...shift, seed }), wafer: kernelWafer() });
    expect(run('a')).toEqual(run('a'));
    expect(run('b').linkWavelets).not.toEqual(run('a').linkWavelets);
  });
});

const host = { now: () => 0, rss: () => 0 };

function trafficOf(program: Program, core: number): TrafficOp | undefined {
  const op = program.roles[program.roleOf[core]].operations[0];
  return op?.kind === 'traffic' ? op : undefined;
}

async function refusal(options: KernelOptions, wafer = kernelWafer()): Promise<string> {
  try {
    await runKernel('traffic', options, wafer, 'fast', host);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'none';
}

/** Sum over cores of what is sent, times how far that is. */
function hopsOf(program: Program, distance: (core: number, turn: number) => number): number {
  let hops = 0;
  for (let core = 0; core < program.roleOf.length; core++) {
    const op = trafficOf(program, core);
    if (op === undefined) continue;
    for (let i = 0; i < sendsOf(op); i++) hops += distance(core, op.turns?.[i] ?? 0);
  }
  return hops;
}

describe('patterns of traffic', () => {
  const run = (program: Program, wafer = kernelWafer()) => {
    const result = fast({ program, wafer, instants: true });
    expect(result.sent).toBeGreaterThan(0);
    expect(result.delivered).toBe(result.sent);
    expect(result.routeHazards).toBe(0);
    return result;
  };
  const PATTERNS: KernelOptions[] = [
    { pattern: 'neighbor', mesh: '12x3' },
    { pattern: 'shift', distance: 23, mesh: '40x2' },
    { pattern: 'uniform', mesh: '12x3' },
    { pattern: 'multicast', mesh: '12x3', distance: 4 },
    { pattern: 'transpose', mesh: '24x24' },
    { pattern: 'hot-spot', mesh: '5x5' },
    { pattern: 'hot-spot', sources: 24, mesh: '40x30' },
  ];

  it.each(PATTERNS)('%j: a colour has one route at a router', (options) => {
    const { roles } = programOf('traffic', { ...options, load: 0.1, cycles: 40 });
    for (const { routes } of roles) {
      const colors = routes.map(({ color }) => color);
      expect(new Set(colors).size).toBe(colors.length);
      expect(Math.max(-1, ...colors)).toBeLessThan(24);
    }
  });

  it('uniform: each wavelet goes to one of the distances whose colours fit, at random', () => {
    const program = programOf('traffic', {
      pattern: 'uniform',
      mesh: '40x1',
      load: 1,
      cycles: 500,
    });
    const counts = Array.from({ length: 40 }, (_, core) => {
      const turns = [...(trafficOf(program, core)?.turns ?? [])];
      return [0, 1, 2, 3, 4].map((turn) => turns.filter((one) => one === turn).length);
    });
    // 2 + 3 + 4 + 5 + 6 colours of 24: the distances 1 to 5.
    for (const core of [0, 17, 34])
      for (const count of counts[core])
        expect(Math.abs(count - 100)).toBeLessThan(4 * Math.sqrt(80));
    // Near the edge only those that stay in the row: 4 at x = 35, one at x = 38.
    expect(counts[35].map((count) => count > 0)).toEqual([true, true, true, true, false]);
    expect([sendsOf(trafficOf(program, 38)!), sendColors(trafficOf(program, 38)!).length]).toEqual([
      500, 1,
    ]);
    expect(sendsOf(trafficOf(program, 39)!)).toBe(0);
    expect(run(program).waveletHops).toBe(hopsOf(program, (_, turn) => turn + 1));
  });

  it('uniform: with fewer colours, or on a narrow mesh, the distances are fewer', () => {
    const most = (colors: number, mesh: string) => {
      const wafer = { ...kernelWafer(), fabric: { ...kernelWafer().fabric, colors } };
      const options = { pattern: 'uniform', mesh, load: 0.5, cycles: 50 };
      return Math.max(
        ...programOf('traffic', options, wafer).roles.map(({ operations: [op] }) =>
          op?.kind === 'traffic' ? sendColors(op).length : 0,
        ),
      );
    };
    expect([most(24, '30x1'), most(27, '30x1'), most(19, '30x1'), most(2, '30x1')]).toEqual([
      5, 6, 4, 1,
    ]);
    expect([most(24, '3x1'), most(24, '2x1')]).toEqual([2, 1]);
  });

  it('transpose: from (x, y) to (y, x)', () => {
    const side = 24;
    const program = programOf('traffic', {
      pattern: 'transpose',
      mesh: '24x24',
      load: 0.05,
      cycles: 200,
    });
    const { instants, waveletHops } = run(program);
    for (let core = 0; core < side * side; core++) {
      const mirrored = (core % side) * side + Math.floor(core / side);
      const taken = instants!.takenFrom[mirrored + 1] - instants!.takenFrom[mirrored];
      const sent = instants!.enteredFrom[core + 1] - instants!.enteredFrom[core];
      expect([core, taken]).toEqual([core, core === mirrored ? 0 : sent]);
    }
    const distance = (core: number) => 2 * Math.abs((core % side) - Math.floor(core / side));
    expect(waveletHops).toBe(hopsOf(program, distance));
  });

  it('hot spot: all cores, or as many as asked for, to the core in the middle', () => {
    for (const [mesh, sources] of [
      ['5x5', 24],
      ['4x3', 11],
      ['33x20', 24],
      ['33x20', 3],
    ] as const) {
      const [width, height] = mesh.split('x').map(Number);
      const program = programOf('traffic', {
        pattern: 'hot-spot',
        mesh,
        sources,
        load: 0.1,
        cycles: 200,
      });
      const { instants, waveletHops, delivered } = run(program);
      const [x, y] = [Math.floor(width / 2), Math.floor(height / 2)];
      const middle = y * width + x;
      expect(instants!.takenFrom[middle + 1] - instants!.takenFrom[middle]).toBe(delivered);
      const senders = [...program.roleOf.keys()].filter(
        (core) => (trafficOf(program, core)?.color ?? -1) >= 0,
      );
      expect(senders).toHaveLength(sources);
      expect(senders).not.toContain(middle);
      const distance = (core: number) =>
        Math.abs((core % width) - x) + Math.abs(Math.floor(core / width) - y);
      expect(waveletHops).toBe(hopsOf(program, distance));
    }
  });

  it('are refused in one line where colours run out, with what would do', async () => {
    const rest = { load: 0.1, cycles: 10 };
    expect(await refusal({ pattern: 'transpose', mesh: '32x32', ...rest })).toBe(
      'kernel traffic: mesh: expected a square up to 24x24 (each column takes a colour, and the fabric has 24), found 32x32',
    );
    expect(await refusal({ pattern: 'transpose', mesh: '8x9', ...rest })).toContain(
      'a square up to 24x24',
    );
    expect(await refusal({ pattern: 'hot-spot', mesh: '8x8', sources: 63, ...rest })).toBe(
      'kernel traffic: sources: expected a whole number from 1 to 24 (each source takes a colour at the hot spot, and the fabric has 24), found 63',
    );
    expect(await refusal({ pattern: 'hot-spot', mesh: '2x2', sources: 4, ...rest })).toContain(
      'from 1 to 3',
    );
    expect(await refusal({ pattern: 'uniform', mesh: '8x8', distance: 6, ...rest })).toBe(
      'kernel traffic: distance: expected a whole number from 1 to 5 (a distance takes one colour more than it is far, and the fabric has 24), found 6',
    );
    expect(
      await refusal({ pattern: 'uniform', mesh: '8x8', loads: '0.1,0', cycles: 10 }),
    ).toContain('loads: expected up to 100 numbers over 0');
    expect(await refusal({ pattern: 'uniform', mesh: '8x8', loads: '0.1,', cycles: 10 })).toContain(
      'loads: expected up to 100 numbers over 0',
    );
    expect(await refusal({ pattern: 'uniform', mesh: '8x8', loads: '0.1', ...rest })).toContain(
      'found both',
    );
    expect(await refusal({ pattern: 'uniform', mesh: '8x8', cycles: 10 })).toContain(
      'load: expected a number',
    );
  });

  it('on more than 65,536 cores no row is as another', () => {
    const options = { pattern: 'neighbor', mesh: '700x100', load: 0.3, cycles: 4 };
    const program = programOf('traffic', options);
    const rows = Array.from({ length: 100 }, (_, y) =>
      Array.from(
        { length: 700 },
        (_, x) => trafficOf(program, y * 700 + x)?.times.join() ?? '',
      ).join(';'),
    );
    expect(new Set(rows).size).toBe(100);
    const { sent, linkWavelets, end } = fast({ program, wafer: kernelWafer() });
    expect(sent).toBe(hopsOf(program, () => 1));
    if (!FULL) return;
    const truth = reference({ program, wafer: kernelWafer() });
    expect([sent, linkWavelets, end]).toEqual([truth.sent, truth.linkWavelets, truth.end]);
  });
});

describe('what traffic says of the network', () => {
  const measure = (
    options: KernelOptions,
    wafer = kernelWafer(),
    engine: 'fast' | 'reference' = 'fast',
  ) => runKernel('traffic', options, wafer, engine, host);
  const fabric = (parts: object) => ({
    ...kernelWafer(),
    fabric: { ...kernelWafer().fabric, ...parts },
  });

  it('measures the middle half of the cycles of generation', async () => {
    expect([windowOf(100), windowOf(10), windowOf(1)]).toEqual([
      { from: 25, to: 75 },
      { from: 2, to: 8 },
      { from: 0, to: 1 },
    ]);
  });

  it('a lone wavelet takes two ramps and its links', async () => {
    for (const [hopCycles, rampCycles] of [
      [1, 2],
      [2, 3],
      [5, 1],
    ]) {
      const wafer = fabric({ hopCycles, rampCycles, queueDepth: 16 });
      const { traffic } = await measure(
        { pattern: 'shift', distance: 7, mesh: '8x1', load: 0.2, cycles: 400 },
        wafer,
      );
      const cycles = 2 * rampCycles + 7 * hopCycles;
      const exactly = { mean: cycles, p50: cycles, p99: cycles };
      expect(traffic!.latency).toEqual({ fromInjection: exactly, fromGeneration: exactly });
      expect(traffic!.senders).toBe(1);
    }
  });

  it('does not count the start of the program', async () => {
    const wafer = kernelWafer({ programStart: 50 });
    const options = { pattern: 'neighbor', mesh: '2x1', load: 0.5, cycles: 100 };
    const { traffic, cycles } = await measure(options, wafer);
    const plain = await measure(options);
    expect(traffic).toEqual(plain.traffic);
    expect(cycles).toBe(plain.cycles + 50);
  });

  it('at full rate: what is offered is accepted', async () => {
    const { traffic } = await measure({ pattern: 'neighbor', mesh: '2x1', load: 1, cycles: 100 });
    expect(traffic).toMatchObject({
      ...{ senders: 1, offeredLoad: 1, acceptedLoad: 1, saturated: false, saturatedSenders: 0 },
      window: { from: 25, to: 75, deliveries: 50 },
      latency: {
        fromInjection: { mean: 5, p50: 5, p99: 5 },
        fromGeneration: { mean: 5, p50: 5, p99: 5 },
      },
    });
  });

  it('at four times what a ramp of one slot takes: from injection as ever, from generation ever later', async () => {
    const wafer = fabric({ queueDepth: 1 });
    for (const engine of ['fast', 'reference'] as const) {
      const { traffic } = await measure(
        { pattern: 'neighbor', mesh: '2x1', load: 1, cycles: 100 },
        wafer,
        engine,
      );
      // Wavelet k, generated in cycle k, enters the ramp in cycle 4k and is taken five cycles later: of those
      // taken in cycles 25 to 74 the first is 5, the last 17; measured are 25 to 74, at 3k + 5.
      expect(traffic).toEqual({
        ...{
          senders: 1,
          offeredLoad: 1,
          acceptedLoad: 13 / 50,
          saturated: true,
          saturatedSenders: 1,
        },
        window: { from: 25, to: 75, deliveries: 50 },
        latency: {
          fromInjection: { mean: 5, p50: 5, p99: 5 },
          fromGeneration: { mean: 3 * 49.5 + 5, p50: 3 * 49.5 + 5, p99: 225.53 },
        },
      });
    }
  });

  it('of a multicast counts each delivery, and the wavelet once', async () => {
    const { traffic } = await measure({ pattern: 'multicast', mesh: '4x1', load: 1, cycles: 100 });
    // Two ramps and 1, 2 or 3 links.
    expect(traffic).toMatchObject({
      ...{ senders: 1, offeredLoad: 1, acceptedLoad: 1, saturated: false },
      window: { deliveries: 150 },
      latency: { fromInjection: { mean: 6, p50: 6, p99: 7 } },
    });
  });

  it('a link shared by two colours is full at half a wavelet each', async () => {
    const options = { pattern: 'shift', distance: 2, mesh: '40x2', cycles: 2000 };
    const at = async (load: number) => (await measure({ ...options, load })).traffic!;
    expect(await at(0.4)).toMatchObject({ saturated: false, saturatedSenders: 0 });
    const over = await at(0.8);
    expect(over.saturated).toBe(true);
    expect(over.offeredLoad).toBeGreaterThan(0.78);
    // All but the first and last senders of a row share their links with another.
    expect(over.acceptedLoad).toBeGreaterThan(0.49);
    expect(over.acceptedLoad).toBeLessThan(0.54);
  });

  it('of nothing measured says nothing', async () => {
    const { traffic } = await measure({ pattern: 'neighbor', mesh: '1x3', load: 0.5, cycles: 20 });
    expect(traffic).toEqual({
      ...{ senders: 0, offeredLoad: 0, acceptedLoad: 0, saturated: false, saturatedSenders: 0 },
      window: { from: 5, to: 15, deliveries: 0 },
      latency: { fromInjection: null, fromGeneration: null },
    });
  });

  it('deeper queues hold wavelets that would wait at their source; as many are accepted', async () => {
    const options = { pattern: 'shift', distance: 8, mesh: '32x2', load: 0.2, cycles: 2000 };
    const [four, sixteen] = await Promise.all(
      [4, 16].map(async (queueDepth) => (await measure(options, fabric({ queueDepth }))).traffic!),
    );
    const [a, b] = [four.latency, sixteen.latency];
    expect(b.fromInjection!.mean).toBeGreaterThan(2 * a.fromInjection!.mean);
    expect(Math.abs(b.fromGeneration!.mean / a.fromGeneration!.mean - 1)).toBeLessThan(0.01);
    expect(sixteen.acceptedLoad).toBeCloseTo(four.acceptedLoad, 2);
  });

  it('takes with deeper queues what docs/kernels.md says', async () => {
    const rows: string[] = [];
    for (const depth of [4, 16]) {
      const sets = [`hardware.fabric.queueDepth=${depth}`];
      const { wafer } = loadHardware('configs/hardware/wse3.yaml', sets);
      const options = { pattern: 'shift', distance: 8, mesh: '32x2', load: 0.2, cycles: 2000 };
      const { acceptedLoad, latency } = (await measure(options, wafer)).traffic!;
      expect(acceptedLoad).toBe(0.125);
      const [injected, generated] = [latency.fromInjection!, latency.fromGeneration!];
      rows.push(`| ${depth} | ${injected.mean.toFixed(0)} | ${generated.mean.toFixed(0)} |\n`);
    }
    expect(readFileSync('docs/kernels.md', 'utf8')).toContain(`|--:|\n${rows.join('')}\n`);
  });

  it('is the same for both engines, for all patterns', async () => {
    const rest = { load: 0.15, cycles: 150 };
    for (const pattern of ['neighbor', 'uniform', 'multicast', 'transpose'])
      expect((await measure({ pattern, mesh: '7x7', ...rest })).traffic).toEqual(
        (await measure({ pattern, mesh: '7x7', ...rest }, kernelWafer(), 'reference')).traffic,
      );
  });

  it('with several loads is a row for each, as each alone has it', async () => {
    const options = { pattern: 'uniform', mesh: '9x3', cycles: 200 };
    const curve = await measure({ ...options, loads: '0.05, 0.2,0.5' });
    const alone = await Promise.all(
      [0.05, 0.2, 0.5].map(async (load) => ({ load, run: await measure({ ...options, load }) })),
    );
    expect(curve.loads).toEqual(
      alone.map(({ load, run }) => ({ load, cycles: run.cycles, ...run.traffic })),
    );
    const { cycles, traffic, coreCycles } = alone[2].run;
    expect(curve).toMatchObject({ cycles, traffic, coreCycles });
    expect(curve.config.options).toMatchObject({ pattern: 'uniform', loads: [0.05, 0.2, 0.5] });
    expect(curve.config.options).not.toHaveProperty('load');
    const text = kernelTable(curve, { color: false });
    for (const { load, run } of alone) {
      const { mean } = run.traffic!.latency.fromGeneration!;
      expect(text).toMatch(new RegExp(String.raw`^  ${load} .* ${mean.toFixed(1)} `, 'm'));
    }
  });

  it('as a table names both latencies, the loads and the verdict', async () => {
    const text = kernelTable(
      await measure({ pattern: 'neighbor', mesh: '2x1', load: 1, cycles: 100 }),
      {
        color: false,
      },
    );
    expect(text).toMatch(/from injection \(entering the ramp\) +5\.0 +5\.0 +5\.0/);
    expect(text).toMatch(/from generation +5\.0 +5\.0 +5\.0/);
    expect(text).toContain(
      'offered 1.000, accepted 1.000 wavelets per sending core and cycle; not saturated',
    );
    expect(text).toContain('50 deliveries');
    expect(text).toContain('deeper queues');
  });
});
