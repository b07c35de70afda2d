/** Decoding with drafted tokens in a run's document: rounds, what their cycles are, and the speed that follows. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { Memo } from '../src/decode/memo.js';
import type { SimulateOptions } from '../src/decode/options.js';
import { createRunner } from '../src/decode/runner.js';
import type { RunDocument } from '../src/report/document.js';
import { runTable } from '../src/report/table.js';
import { ROUND_ROWS } from '../src/report/speculation-text.js';
import { simulate } from '../src/studies/run/run.js';
import { sensitivityOf, uncertainNumbers } from '../src/studies/sensitivity/sensitivity.js';
import { cases, FULL } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { simulateTimes } from './helpers/times.js';

const TINY = ['workload.data=false', 'workload.tokens=1', 'placement.rows=6'];
const MODEL = ['draft.config=models/tiny.json'];

function configOf(speculation: string[], more: string[] = []) {
  const asked = speculation.map((set) => `workload.speculation.${set}`);
  return loadConfig('configs/tiny.yaml', [...TINY, ...asked, ...more]);
}

/** What it knows of lines serves all runs. */
const shared = { ...OPTIONS, runner: createRunner(OPTIONS) };

function run(speculation: string[], more: string[] = [], options: SimulateOptions = shared) {
  return simulateTimes(configOf(speculation, more), options);
}

function roundsOf({ decode }: RunDocument) {
  const { rounds, ...mean } = decode.speculation!;
  return { rounds, mean };
}

const sumOf = (rows: object) => Object.values(rows).reduce((sum, n) => sum + Number(n), 0);

/** What every round says of itself. */
function expectSound(document: RunDocument): void {
  const { rounds, mean } = roundsOf(document);
  for (const { cycles, drafted, accepted, ...rows } of rounds) {
    expect(sumOf(rows)).toBe(cycles);
    expect(accepted).toBeLessThanOrEqual(drafted);
    // One user alone has no row of others.
    for (const [key] of ROUND_ROWS)
      if (key === 'others') expect(rows).not.toHaveProperty(key);
      else expect(Number.isInteger(rows[key])).toBe(true);
  }
  const total = rounds.reduce((sum, { cycles }) => sum + cycles, 0);
  expect(mean.cyclesPerRound).toBeCloseTo(total / rounds.length, 8);
  expect(sumOf(mean.breakdown)).toBeCloseTo(mean.cyclesPerRound, 6);
  expect(mean.drafted).toBe(rounds.reduce((sum, { drafted }) => sum + drafted, 0));
  expect(mean.accepted).toBe(rounds.reduce((sum, { accepted }) => sum + accepted, 0));
  expect(mean.tokensPerRound).toBeCloseTo(1 + mean.accepted / rounds.length, 8);
  const { clockHz } = loadConfig('configs/tiny.yaml').wafer;
  const speed = ((mean.accepted + rounds.length) * clockHz) / total;
  expect(mean.tokensPerSecondPerUser / speed).toBeCloseTo(1, 8);
}

describe('rounds of one token', () => {
  const drafts = cases([[MODEL]], [[['draft.ngram=2']], [['draft.mtp=assumed']]]);
  it.each(drafts)('are plain decoding to the cycle: %j', async (draft) => {
    const more = ['workload.tokens=2'];
    const plain = await simulateTimes(loadConfig('configs/tiny.yaml', [...TINY, ...more]), OPTIONS);
    const one = await run([...draft, 'tokens=1'], more);
    const { rounds, mean } = roundsOf(one);
    const { speculation: _, ...decode } = one.decode;
    expect(decode).toEqual(plain.decode);
    expect(rounds.map(({ cycles }) => cycles)).toEqual(plain.steps.map(({ cycles }) => cycles));
    expect(rounds.map(({ verify }) => verify)).toEqual(rounds.map(({ cycles }) => cycles));
    expect(mean.drafted).toBe(0);
    expect(one.placement.draft).toBeUndefined();
    expectSound(one);
  });
});

describe('rounds of which nothing is accepted', () => {
  it('are longer than a plain token by rows that add up, each of them simulated', async () => {
    const none = await run([...MODEL, 'tokens=4', 'acceptance=0']);
    const { rounds } = roundsOf(none);
    expect(rounds).toHaveLength(1);
    const [{ verify, draft, comparison, transport, cycles }] = rounds;
    expect(verify).toBe(none.decode.cyclesPerToken);
    expect(cycles).toBeGreaterThan(verify);
    // Three tokens of a model as large as this one, which has fewer cores.
    expect(draft).toBeGreaterThan(3 * 4_000);
    expect(Math.min(comparison, transport)).toBeGreaterThan(0);
    expectSound(none);
  });

  it('are slower than plain decoding', async () => {
    const { decode } = await run([...MODEL, 'tokens=2', 'acceptance=0']);
    expect(decode.speculation!.tokensPerSecondPerUser).toBeLessThan(decode.tokensPerSecondPerUser);
  });
});

describe('a look-up by the host', () => {
  it('waits for the host there and back, and its tokens follow each other at a spacing', async () => {
    const cyclesOf = async (tokens: number) => {
      const document = await run(['draft.ngram=2', `tokens=${tokens}`, 'acceptance=0.5']);
      expectSound(document);
      return roundsOf(document).rounds[0];
    };
    const { io, clockHz } = loadConfig('configs/tiny.yaml').wafer;
    const [two, three, four] = [await cyclesOf(2), await cyclesOf(3), await cyclesOf(4)];
    expect(two.draft).toBeGreaterThanOrEqual(2 * io.latencySeconds * clockHz);
    expect(two.draft).toBeLessThan(2 * io.latencySeconds * clockHz + 10);
    // The first token selects, and holds the others up.
    expect(two.rollback).toBeGreaterThan(0);
    const more = (a: typeof two, b: typeof two) => b.cycles - a.cycles;
    expect(more(two, three)).toBeGreaterThan(2_000);
    expect(more(three, four)).toBeGreaterThan(2_000);
    expect(more(three, four)).toBeLessThan(two.verify);
  });
});

describe('accepted tokens', () => {
  it('are drawn from the seed, round after round, until the run has its tokens', async () => {
    const asked = [...MODEL, 'tokens=3', 'acceptance=[0.9,0.4]'];
    const first = await run(asked, ['workload.tokens=4']);
    const other = await run(asked, ['workload.tokens=4', 'workload.seed=5']);
    expectSound(first);
    const accepted = (document: RunDocument) => roundsOf(document).rounds.map((r) => r.accepted);
    if (FULL) expect(accepted(await run(asked, ['workload.tokens=4']))).toEqual(accepted(first));
    expect(accepted(other)).not.toEqual(accepted(first));
    const { mean, rounds } = roundsOf(first);
    expect(first.steps).toHaveLength(4);
    // Totals are those before the last round is cut.
    expect(mean.accepted + rounds.length).toBeGreaterThanOrEqual(4);
    expect(mean.accepted - rounds.at(-1)!.accepted + rounds.length - 1).toBeLessThan(4);
    expect(mean.assumedAcceptance).toEqual([0.9, 0.4]);
    expect(mean.expected!.tokensPerRound).toBeCloseTo(1 + 0.9 + 0.9 * 0.4, 12);
  });

  it('are all of them with a chance of 1, and called assumed where the speed is shown', async () => {
    const all = await run([...MODEL, 'tokens=3', 'acceptance=1']);
    const { mean } = roundsOf(all);
    expect(mean.accepted).toBe(mean.drafted);
    expect(mean.expected!.tokensPerRound).toBe(3);
    const text = runTable(all, { color: false });
    for (const line of text.split('\n'))
      if (line.includes('tokens/s') && line.includes('speculative'))
        expect(line).toContain('acceptance 1 assumed');
    expect(text).toContain(ROUND_ROWS[1][1]);
  });
});

describe('the draft', () => {
  it('shares the wafer if both fit, below the model, or has its own where that is asked for', async () => {
    const shared = await run([...MODEL, 'tokens=2', 'acceptance=1']);
    const { placement } = shared;
    const lowest = Math.max(...placement.regions.map(({ y, height }) => y + height));
    expect(placement.draft).toMatchObject({ model: 'tiny', shared: true, wafers: 0 });
    for (const { wafer, y } of placement.draft!.regions) {
      expect(wafer).toBe(0);
      expect(y).toBeGreaterThanOrEqual(lowest);
    }
    const own = await run([...MODEL, 'draft.wafers=1', 'tokens=2', 'acceptance=1']);
    expect(own.placement).toMatchObject({ wafers: 2, draft: { shared: false, wafers: 1 } });
    expect(own.placement.draft!.regions.every(({ wafer }) => wafer === 1)).toBe(true);
    // Tokens cross from wafer to wafer and back.
    const transport = (document: RunDocument) => roundsOf(document).rounds[0].transport;
    const { io, clockHz } = loadConfig('configs/tiny.yaml').wafer;
    const crossings = 2 * io.latencySeconds * clockHz;
    expect(transport(own) - transport(shared)).toBeGreaterThan(0.9 * crossings);
  });
});

describe('a document', () => {
  const asked = [...MODEL, 'tokens=3', 'acceptance=0.7'];
  /** With its critical path, outside `host`. */
  const whole = async (options: SimulateOptions) => {
    const config = configOf(asked, ['workload.tokens=2']);
    const { host: _, reuse: __, ...document } = await simulate(config, options);
    return document;
  };
  let all: ReturnType<typeof whole>;
  beforeAll(() => {
    all = whole(shared);
  });
  const hows = cases<[Memo]>([['none'], ['lines']], [['stages']]);
  it.each(hows)('is the same whatever is simulated once: %s', async (memo) => {
    expect(await whole({ ...OPTIONS, memo })).toEqual(await all);
  });

  it('is the same with two threads, and on the reference', async () => {
    const { decode } = await run(asked);
    for (const other of cases<object>([{ engine: 'reference' }], [{ shards: 2 }]))
      expect((await run(asked, [], { ...OPTIONS, ...other })).decode).toEqual(decode);
  });
});

describe('the uncertain numbers', () => {
  it('move the speed with drafted tokens too, where they have no other effect', async () => {
    const sets = ['draft.ngram=1', 'tokens=3', 'acceptance=0.8'];
    const asked = [...TINY, ...sets.map((set) => `workload.speculation.${set}`)];
    const document = await run(sets);
    const path = 'configs/tiny.yaml';
    // Of one number alone: the others would each take a run.
    const { provenance } = loadConfig(path, asked);
    const stated = uncertainNumbers(provenance).map(([name]) => name);
    expect(stated).toContain('io.latency');
    const found = await sensitivityOf(
      document,
      path,
      asked,
      OPTIONS,
      (name) => name === 'io.latency',
    );
    const [row] = found.sensitivity;
    const { tokensPerSecondPerUser: plain } = document.decode;
    expect(row.tokensPerSecondPerUser).toEqual([plain, plain]);
    const [low, high] = row.speculativeTokensPerSecondPerUser!;
    const base = document.decode.speculation!.expected!.tokensPerSecondPerUser;
    expect(low).toBeLessThan(base);
    expect(high).toBeGreaterThan(base);
    const text = runTable({ ...document, ...found }, { color: false });
    expect(text).toMatch(/hardware.io.latency/);
    expect(text).toContain('with drafted tokens, acceptance 0.8 assumed');
  });
});
