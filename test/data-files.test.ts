/** The data of a run directory: what numpy and readers of Parquet find in it adds up to the document. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataFiles } from '../src/cli/run-files.js';
import { loadConfig } from '../src/config.js';
import { placementOf } from '../src/decode/place.js';
import type { CoreAt, RunDetail } from '../src/report/detail.js';
import type { RunDocument } from '../src/report/document.js';
import type { Content } from '../src/store/whole.js';
import { simulate } from '../src/studies/run/run.js';
import { cases } from './helpers/full.js';

const SETS: [name: string, sets: string[]][] = [
  ['one user', []],
  ['eleven users', ['workload.batch=11']],
  ...cases<[string, string[]]>(
    [],
    [['three users', ['workload.batch=3', 'hardware.costs.programStart=40']]],
  ),
  ['two wafers', ['hardware.wafers=2', 'hardware.height=13', 'workload.batch=2']],
  ['the published mapping', ['mapping=waferllm', 'placement.rows=12']],
];

interface Written {
  /** The last core of each region, which are traced. */
  cores: CoreAt[];
  run: RunDocument;
  files: Record<string, Uint8Array>;
}

const known = new Map<string, Promise<Written>>();

/** A run and its files, once for all tests. */
function writtenOf(sets: string[]): Promise<Written> {
  const key = sets.join(' ');
  const written = known.get(key) ?? write(sets);
  known.set(key, written);
  return written;
}

async function write(sets: string[]): Promise<Written> {
  const config = loadConfig('configs/tiny.yaml', ['workload.data=false', ...sets]);
  const cores = placementOf(config).regions.map(({ wafer, x, y, width, height }) => {
    return { wafer, x: x + width - 1, y: y + height - 1 };
  });
  let detail: RunDetail | undefined;
  const run = await simulate(config, {
    ...{ engine: 'fast', shards: 1, memo: true, now: () => 0, rss: () => 0 },
    onDetail: (of) => (detail = of),
    traceCores: cores,
  });
  const files = Object.entries(dataFiles(run, detail!)).map(([name, content]) => {
    return [name, bytesOf(content)];
  });
  return { cores, run, files: Object.fromEntries(files) as Record<string, Uint8Array> };
}

function bytesOf(content: Content): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content);
  return content instanceof Uint8Array
    ? content
    : Buffer.concat([...content].map((piece) => Buffer.from(piece)));
}

/** A plane by its name, as numpy's format has it. */
function planesOf(npz: Uint8Array): Map<string, { shape: number[]; values: BigUint64Array }> {
  return new Map(
    Object.entries(unzipSync(npz)).map(([name, bytes]) => {
      expect(Buffer.from(bytes.subarray(0, 8)).toString('latin1')).toBe('\u0093NUMPY\u0001\u0000');
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint16(8, true);
      expect((10 + length) % 64).toBe(0);
      const header = Buffer.from(bytes.subarray(10, 10 + length)).toString('latin1');
      const shape =
        /^\{'descr': '<u8', 'fortran_order': False, 'shape': \(([\d, ]+)\), \} *\n$/.exec(header);
      const values = new BigUint64Array(bytes.slice(10 + length).buffer);
      const sizes = shape![1].split(',').filter((text) => text.trim() !== '');
      return [name.replace(/\.npy$/, ''), { shape: sizes.map(Number), values }];
    }),
  );
}

const rowsIn = async (parquet: Uint8Array): Promise<Record<string, unknown>[]> =>
  parquetReadObjects({ file: new Uint8Array(parquet).buffer });

const sum = (values: Iterable<bigint>) => {
  let all = 0n;
  for (const value of values) all += value;
  return Number(all);
};

const CAUSES = ['compute', 'setup', 'waitInput', 'waitOutput', 'idle'] as const;
const DIRECTIONS = ['north', 'east', 'south', 'west'];

describe.each(SETS)('the data of a run with %s', (_, sets) => {
  let written: Written;
  let planes: ReturnType<typeof planesOf>;
  beforeAll(async () => {
    written = await writtenOf(sets);
    planes = planesOf(written.files['cores.npz']);
  });

  it('has every core-cycle of the document by its cause, and none outside the regions', () => {
    const { decode, placement } = written.run;
    const total = (name: string) => sum(planes.get(name)!.values);
    expect(Object.fromEntries(CAUSES.map((cause) => [cause, total(cause)]))).toEqual(
      decode.coreCycles,
    );
    const before = decode.waits!.filter(({ on }) => on === 'handOff' || on === 'otherToken');
    expect(total('waitToken')).toBe(before.reduce((all, { coreCycles }) => all + coreCycles, 0));
    const { shape, values } = planes.get('compute')!;
    expect(shape[0]).toBe(placement.wafers);
    expect(values).toHaveLength(shape[0] * shape[1] * shape[2]);
    // Each core of a region has the whole step, where the round is whole repetitions.
    const cycles = values.map((_, i) =>
      CAUSES.reduce((all, of) => all + planes.get(of)!.values[i], 0n),
    );
    const used = cycles.filter((all) => all > 0n);
    expect(used).toHaveLength(placement.coresUsed);
    expect(new Set(used)).toEqual(new Set([BigInt(decode.cyclesPerToken)]));
  });

  it('has the memory of the fullest core', () => {
    const { values } = planes.get('sramBytes')!;
    const most = values.reduce((a, b) => (a > b ? a : b));
    expect(Number(most)).toBe(written.run.placement.sramPeakBytesPerCore);
  });

  it('has the links of the planes, and the hops of the document on one wafer', async () => {
    const links = await rowsIn(written.files['links.parquet']);
    const { fabric, placement, decode } = written.run;
    const hops = sum(links.map(({ wavelets }) => wavelets as bigint));
    if (placement.wafers === 1) expect(hops).toBe(fabric.waveletHops);
    else expect(hops).toBeLessThan(fabric.waveletHops);
    const busiest = links.reduce((most, { wavelets }) => Math.max(most, Number(wavelets)), 0);
    expect(busiest / decode.cyclesPerToken).toBe(fabric.peakLinkUtilization);
    const { shape } = planes.get('north')!;
    const all = DIRECTIONS.map((name) => sum(planes.get(name)!.values));
    expect(all.reduce((a, b) => a + b)).toBe(hops);
    for (const { wafer, x, y, direction, wavelets } of links.slice(0, 200)) {
      const at = (Number(wafer) * shape[1] + Number(y)) * shape[2] + Number(x);
      expect(planes.get(String(direction))!.values[at]).toBe(wavelets);
    }
  });

  it('has the operations of traced cores one after the other, as long as the planes say', async () => {
    const rows = await rowsIn(written.files['operations.parquet']);
    const { shape } = planes.get('compute')!;
    const { workload, hardware } = written.run.config as {
      workload: { batch: number };
      hardware: { costs: { programStart: number } };
    };
    expect(written.cores.length).toBeGreaterThan(0);
    for (const { wafer, x, y } of written.cores) {
      const own = rows
        .filter((row) => row['wafer'] === wafer && row['x'] === x && row['y'] === y)
        .map((row) =>
          ['fromCycle', 'toCycle', 'setupCycles', 'index'].map((of) => Number(row[of])),
        );
      // Programs that start together start anew in each stage, which is no operation.
      const starts = own.filter(([, , , index]) => index === 0).length;
      const starting = sets.includes('mapping=waferllm') ? starts * hardware.costs.programStart : 0;
      const spent = own.reduce((all, [from, to]) => all + to - from, starting);
      const at = (wafer * shape[1] + y) * shape[2] + x;
      const plane = (name: string) => Number(planes.get(name)!.values[at]);
      const work = plane('compute') + plane('setup') + plane('waitInput') + plane('waitOutput');
      expect(starts).toBeGreaterThan(0);
      expect(spent * workload.batch).toBe(work - plane('waitToken'));
      let reached = -Infinity;
      for (const [from, to, setup] of own) {
        expect(from).toBeGreaterThanOrEqual(reached);
        expect(to).toBeGreaterThanOrEqual(from + setup);
        reached = to;
      }
    }
  });
});

describe('python', () => {
  const hasNumpy = spawnSync('python3', ['-c', 'import numpy']).status === 0;
  const folder = mkdtempSync(join(tmpdir(), 'wafersim-data-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.runIf(hasNumpy)('loads cores.npz with numpy', async () => {
    const { run, files } = await writtenOf([]);
    writeFileSync(join(folder, 'cores.npz'), files['cores.npz']);
    const script = `
import json, numpy, sys
planes = numpy.load(sys.argv[1])
print(json.dumps({name: [str(planes[name].dtype), list(planes[name].shape), int(planes[name].sum())] for name in planes.files}))`;
    const { stdout } = spawnSync('python3', ['-c', script, join(folder, 'cores.npz')]);
    const loaded = JSON.parse(String(stdout)) as Record<string, [string, number[], number]>;
    for (const cause of CAUSES)
      expect(loaded[cause]).toEqual(['uint64', [1, 24, 32], run.decode.coreCycles[cause]]);
    const hops = DIRECTIONS.reduce((all, name) => all + loaded[name][2], 0);
    expect(hops).toBe(run.fabric.waveletHops);
  });
});
