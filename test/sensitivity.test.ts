/** The uncertain numbers of the hardware, varied one at a time, on the small configuration. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { RunDocument, Sensitivity } from '../src/report/document.js';
import { runTable } from '../src/report/table.js';
import { sensitivityOf, uncertainNumbers } from '../src/studies/sensitivity/sensitivity.js';
import { placementOf } from '../src/decode/place.js';
import { agrees, watched } from '../src/hardware/watched.js';
import { simulate } from '../src/studies/run/run.js';
import { SMALL, temporaryFolder, TINY } from './config-files.js';
import { FULL } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());

// The head's code would not fit its cores at the high end of this range.
const LINES = `
hardware:
  extends: ${SMALL}
  core: { code: { head: { value: 1500 B, range: [500 B, 60 KiB], source: test } } }
model: { config: ${TINY}, dtype: f32 }
workload: { data: true, context: 8, tokens: 2 }
placement: { rows: 7, layerColumns: 5, growth: minimal }
`;

/** Layers as wide as is fastest. */
const WIDE = 'configs/tiny.yaml';

let path: string;
let run: RunDocument;
let all: Sensitivity[];
const named = (name: string) => all.find(({ parameter }) => parameter === `hardware.${name}`)!;

beforeAll(async () => {
  path = folder.write('run.yaml', LINES);
  const plain = await simulate(loadConfig(path), OPTIONS);
  run = { ...plain, ...(await sensitivityOf(plain, path, [], OPTIONS)) };
  all = run.sensitivity!;
}, 300_000);

describe('every number that states a range', () => {
  it('is varied, save those that take no part in timing', () => {
    const { provenance } = loadConfig(path);
    const ranges = Object.entries(provenance).filter(([, { range }]) => range);
    const varied = all.map(({ parameter }) => parameter.replace('hardware.', ''));
    expect(ranges.length).toBeGreaterThan(20);
    expect(varied.toSorted()).toEqual(ranges.map(([name]) => name).toSorted());
    const range: [number, number] = [1, 2];
    const stated = { a: { source: 's' }, b: { source: 's', range }, power: { source: 's', range } };
    expect(uncertainNumbers(stated)).toEqual([['b', range]]);
  });

  it('of the clock moves the speed in proportion', () => {
    const base = run.decode.tokensPerSecondPerUser;
    expect(named('clock').range).toEqual([0.75e9, 1.1e9]);
    expect(named('clock').atEnds[0]).toBeCloseTo((0.75 / 0.875) * base, 6);
    expect(named('clock').atEnds[1]).toBeCloseTo((1.1 / 0.875) * base, 6);
  });

  it('gives what a run with that value gives', async () => {
    const { decode } = await simulate(loadConfig(path, ['hardware.fabric.hopCycles=1']), OPTIONS);
    const faster = decode.tokensPerSecondPerUser;
    const base = run.decode.tokensPerSecondPerUser;
    expect(faster).toBeGreaterThan(base);
    expect(named('fabric.hopCycles')).toEqual({
      parameter: 'hardware.fabric.hopCycles',
      range: [1, 2],
      tokensPerSecondPerUser: [base, faster],
      atEnds: [faster, base],
    });
  });

  it('of 16-bit operations does nothing to a 32-bit model', () => {
    const base = run.decode.tokensPerSecondPerUser;
    expect(named('costs.latency.f16').tokensPerSecondPerUser).toEqual([base, base]);
  });

  it('that is said to have no effect has none, all of them together', async () => {
    const base = run.decode.tokensPerSecondPerUser;
    const still = all.filter(({ atEnds }) => atEnds.every((speed) => speed === base));
    expect(still.length).toBeGreaterThan(5);
    for (const end of [0, 1] as const) {
      const sets = still.map(({ parameter, range }) => `${parameter}=${range[end]}`);
      const { decode } = await simulate(loadConfig(path, sets), OPTIONS);
      expect(decode.cyclesPerToken).toBe(run.decode.cyclesPerToken);
    }
  }, 300_000);

  it.skipIf(!FULL)(
    'has the same effect on several threads, and is reported as it is simulated',
    async () => {
      const progress: string[] = [];
      const onProgress = ({ done, total }: { done: number; total: number }) =>
        progress.push(`${done} of ${total}`);
      const threads = { ...OPTIONS, shards: 2, onProgress };
      const { sensitivity, sensitivityBand } = await sensitivityOf(run, path, [], threads);
      expect(sensitivity).toEqual(all);
      expect(sensitivityBand).toEqual(run.sensitivityBand);
      const simulated = progress.length;
      expect(progress.at(-1)).toBe(`${simulated} of ${simulated}`);
      expect(simulated).toBeLessThan(2 * all.length);
    },
    300_000,
  );

  it('that the machine refuses at one end says why', () => {
    const { atEnds, refused, tokensPerSecondPerUser } = named('core.code.head');
    expect(atEnds[1]).toBeNull();
    expect(refused).toMatch(/tiny needs/);
    expect(tokensPerSecondPerUser.every((speed) => speed > 0)).toBe(true);
  });
});

describe('the placement', () => {
  it('is made anew for the numbers that it depends on', () => {
    const load = (...sets: string[]) => loadConfig(WIDE, sets);
    const base = load();
    const { wafer: seen, readings } = watched(base.wafer);
    const placement = placementOf({ ...base, wafer: seen });
    expect(placement).toEqual(placementOf(base));
    const others = Object.entries(base.provenance).flatMap(([name, { range }]) => {
      if (range === undefined) return [];
      const set = `hardware.${name}=${range[1]}`;
      return agrees(readings, load(set).wafer) ? [set] : [];
    });
    expect(others.length).toBeGreaterThan(20);
    expect(placementOf(load(...others))).toEqual(placement);
    const rows = load('hardware.costs.matvec.row.f32=90');
    expect(agrees(readings, rows.wafer)).toBe(false);
    expect(placementOf(rows)).not.toEqual(placement);
  });
});

describe('the bands', () => {
  it('hold every single effect, and all together reach further', () => {
    const { oneAtATime, allAtOnce } = run.sensitivityBand!;
    const speeds = all.flatMap((row) => row.tokensPerSecondPerUser);
    expect(oneAtATime).toEqual([Math.min(...speeds), Math.max(...speeds)]);
    expect(allAtOnce[0]!).toBeLessThan(oneAtATime[0]);
    expect(allAtOnce[1]!).toBeGreaterThan(oneAtATime[1]);
  });

  it('stand in the headline, and the strongest effect first in its table', () => {
    const text = runTable(run, { color: false });
    expect(text.split('\n')[0]).toMatch(
      /^[\d,]+ tokens\/s \([\d,]+ to [\d,]+ over the uncertain parameters\)$/,
    );
    const span = (row: Sensitivity) =>
      row.tokensPerSecondPerUser[1] - row.tokensPerSecondPerUser[0];
    const strongest = all.toSorted((a, b) => span(b) - span(a))[0];
    const lines = text.split('\n');
    const title = lines.indexOf('Uncertain numbers');
    expect(lines[title + 2]).toContain(strongest.parameter);
    expect(text).toMatch(/core\.code\.head .*refused/);
  });

  it('are in no run without them', () => {
    const { sensitivity: _, sensitivityBand: __, ...plain } = run;
    const text = runTable(plain, { color: false });
    expect(text.split('\n')[0]).toMatch(/tokens\/s per user$/);
    expect(text).not.toContain('Uncertain numbers');
  });
});
