/** What several users at once are said to do: sums by hand, and what the document makes of them. */
import type { Starts } from '../src/engine/engine.js';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { timeFull } from '../src/decode/pipeline.js';
import { crossingCycles } from '../src/lowering/places.js';
import type { RunDetail } from '../src/report/detail.js';
import { simulate } from '../src/studies/run/run.js';
import { cases } from './helpers/full.js';
import { pipelineOf, prepare } from './monolith.js';
import { OPTIONS } from './helpers/options.js';

async function run(sets: string[]) {
  const details: RunDetail[] = [];
  const onDetail = (detail: RunDetail) => void details.push(detail);
  const config = loadConfig('configs/tiny.yaml', [
    'workload.data=false',
    'workload.tokens=1',
    'placement.rows=7',
    'placement.layerColumns=5',
    ...sets,
  ]);
  return { ...(await simulate(config, { ...OPTIONS, onDetail })), detail: details[0] };
}

const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

describe('with 1 to 11 users', () => {
  it('work and wavelets are those of one times the users, and every cycle has one cause', async () => {
    const one = await run([]);
    for (const users of cases([1, 2, 6, 11], [3, 4, 5, 7, 8, 9, 10])) {
      const { decode, fabric, placement } = await run([`workload.batch=${users}`]);
      const { coreCycles, cyclesPerToken, breakdown } = decode;
      expect(coreCycles.compute).toBe(users * one.decode.coreCycles.compute);
      expect(coreCycles.setup).toBe(users * one.decode.coreCycles.setup);
      expect(fabric.waveletHops).toBe(users * one.fabric.waveletHops);
      expect(decode.specialShare).toBe(one.decode.specialShare);
      expect(Math.min(...Object.values(coreCycles))).toBeGreaterThanOrEqual(0);
      expect(sum(Object.values(coreCycles))).toBe(placement.coresUsed * cyclesPerToken);
      expect(sum(Object.values(breakdown).map(({ cycles }) => cycles))).toBe(cyclesPerToken);
      for (const { cycles, compute, communication } of Object.values(breakdown)) {
        expect(compute).toBeGreaterThanOrEqual(0);
        expect(compute).toBeLessThanOrEqual(cycles);
        expect(compute + communication).toBe(cycles);
      }
    }
  });

  it('maps count the tokens of all: busy cycles are compute and set-up of the document', async () => {
    for (const users of [1, 4]) {
      const { decode, detail, fabric } = await run([`workload.batch=${users}`]);
      const { compute, setup } = decode.coreCycles;
      expect(sum(detail.maps[0].busy)).toBe(compute + setup);
      const busiest = detail.maps[0].link.reduce((a, b) => Math.max(a, b), 0);
      expect(fabric.peakLinkUtilization).toBe(busiest / decode.cyclesPerToken);
    }
  });

  it('full pipelines follow each other as closely as users beyond those wait', async () => {
    const { stages, places, run } = await prepare(['placement.rows=6'], 4);
    const tiny = await prepare(['placement.rows=6'], 4);
    const { alone, spacing, users } = await timeFull(stages, places, run);
    for (const batch of [1, 2, 3, users - 1, users, users + 1, 3 * users]) {
      const { timing } = await pipelineOf(tiny, batch);
      expect(timing.cycles, `batch ${batch}`).toBe(Math.max(alone, batch * spacing));
    }
    expect(users * spacing).toBeGreaterThan(alone);
    expect((users - 1) * spacing).toBeLessThanOrEqual(alone);
  });
});

describe('many equal layers', () => {
  const wafer = ['hardware.width=80', 'hardware.height=80', 'workload.context=200'];

  // In the first two the slowest layer is not the one that a token alone keeps longest.
  it.each([
    ['row-major', 3, 20, 8, false, 5695],
    ['row-major', 3, 20, 12, false, 5695],
    ['snake', 12, 8, 12, false, 4268],
    ['row-major', 12, 8, 8, true, 4251],
  ])('%s, %i rows of %i, %i layers: a full ring repeats at once', async (...shape) => {
    const [strategy, rows, columns, layers, tied, spacing] = shape;
    const placement = [`strategy=${strategy}`, `rows=${rows}`, `layerColumns=${columns}`];
    const sets = [...wafer, ...placement.map((set) => `placement.${set}`)];
    const tiny = await prepare(sets, layers, tied);
    const full = await timeFull(tiny.stages, tiny.places, tiny.run);
    expect(full.spacing).toBe(spacing);
    const users = layers + 5;
    const { timing, inFlight, simulatedTokens, repeatsAfter } = await pipelineOf(tiny, users);
    expect(inFlight).toBe(full.users);
    expect(repeatsAfter).toBe(1);
    // Before all tokens have been round once; a tied table, which takes each token twice, finds its pace later.
    expect(simulatedTokens).toBeLessThanOrEqual(tied ? 3 * inFlight : inFlight);
    expect(timing.cycles).toBe(users * spacing);
    const cores = tiny.placement.regions.reduce((n, { width, height }) => n + width * height, 0);
    expect(sum(Object.values(timing.causes))).toBe(cores * timing.cycles);
    expect(timing.causes.idle).toBe(0);
  });

  it('a ring that does not repeat is given up after three rounds, and reported as it was last', async () => {
    const tiny = await prepare(['placement.rows=6']);
    // One core of each layer is done later and later.
    let calls = 0;
    const run = async (index: number, startAt: Starts) => {
      const result = await tiny.run(index, startAt);
      const { region, origin } = tiny.stages[index];
      if (tiny.placement.regions[region].kind !== 'layer') return result;
      const more = 200 * calls++;
      const end = result.end.with(origin, result.end[origin] + more);
      const waitInput = result.waitInput.with(origin, result.waitInput[origin] + more);
      return { ...result, end, waitInput };
    };
    const users = 7;
    const { timing, ...rest } = await pipelineOf({ ...tiny, run }, users);
    const { inFlight, simulatedTokens, repeatsAfter, uses } = rest;
    expect(repeatsAfter).toBe(0);
    expect(simulatedTokens).toBe(3 * (users + inFlight));
    // Every user's token went through every stage once in the round.
    for (const stage of tiny.stages.keys())
      expect(sum(uses.filter((use) => use.stage === stage).map(({ tokens }) => tokens))).toBe(
        users,
      );
    expect(timing.cycles).toBeGreaterThan(users * 4422);
    expect(Math.min(...Object.values(timing.causes))).toBeGreaterThanOrEqual(0);
  });
});

describe('between wafers', () => {
  // Powers of two, so that no rounding of seconds gets in the way.
  const GIGA = 2 ** 30;
  const { wafer: small } = loadConfig('configs/tiny.yaml', []);
  const io = { latencySeconds: 2 ** -18, bitsPerSecond: GIGA };
  const wafer = { ...small, clockHz: GIGA, io };

  it('a slice takes the latency and its bits over the link', () => {
    expect(crossingCycles(wafer, 1536)).toBe(4096 + 1536);
    expect(crossingCycles(wafer, 0)).toBe(4096);
    expect(crossingCycles({ ...wafer, io: { ...io, bitsPerSecond: 2 * GIGA } }, 1)).toBe(4097);
  });

  it('a cycle that only the noise of decimal fractions begins is none', () => {
    const decimal = (latencySeconds: number, gbits: number, ghz: number) => ({
      ...small,
      clockHz: ghz * 1e9,
      io: { latencySeconds, bitsPerSecond: gbits * 1e9 },
    });
    // 5 us are 5,000 cycles at 1 GHz, 5,500 at 1.1 GHz; 1,536 bits at 1 Gbit/s as many ns.
    expect(crossingCycles(decimal(5e-6, 1, 1), 1536)).toBe(5000 + 1536);
    for (let bits = 0; bits <= 20_000; bits += 10) {
      expect(crossingCycles(decimal(5e-6, 1, 1), bits), `${bits} bits`).toBe(5000 + bits);
      expect(crossingCycles(decimal(5e-6, 1, 1.1), bits), `${bits} bits`).toBe(
        5500 + (bits / 10) * 11,
      );
      // 10 bits take 11/3 cycles at 3 Gbit/s: 5,500 + 11 * tens / 3, rounded up in whole numbers.
      const up = Math.floor((11 * (bits / 10) + 2) / 3);
      expect(crossingCycles(decimal(5e-6, 3, 1.1), bits), `${bits} bits`).toBe(5500 + up);
    }
    // A cycle that is begun counts, however little of it: a bit takes a hundredth at 100 Gbit/s.
    expect(crossingCycles(decimal(1, 100, 1), 1)).toBe(1e9 + 1);
    expect(crossingCycles(decimal(1, 100, 1), 101)).toBe(1e9 + 2);
    expect(crossingCycles(decimal(1, 1, 3), 0)).toBe(3e9);
  });

  it('all rows of a region cross, with 32 bits for each number, and the token alone', async () => {
    const at = async (gbits: number) => {
      const { decode } = await run([
        'hardware.height=12',
        'placement.rows=12',
        'placement.layerColumns=16',
        'hardware.wafers=2',
        'hardware.clock=1.073741824 GHz',
        'hardware.io.latency=3.814697265625 us',
        `hardware.io.bandwidth=${1.073741824 * gbits} Gbit/s`,
      ]);
      return decode.breakdown['between wafers'].cycles;
    };
    // 12 rows of 4 numbers to the second wafer, one number back: half the cycles at twice the rate.
    expect((await at(1)) - (await at(2))).toBe((12 * 4 * 32 + 32) / 2);
  });
});
