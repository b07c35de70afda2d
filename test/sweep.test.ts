/** Sweeps from their plan to their results, here and in parts, undisturbed and not. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parquetReadObjects, parquetMetadata } from 'hyparquet';
import Papa from 'papaparse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, simulate, type SweepDocument } from '../src/index.js';
import { progressText } from '../src/cli/sweep-line.js';
import { wafersim } from './helpers/command-line.js';
import { planFile, QUICK, runsOf, storeOf, POINTS, PLAN } from './helpers/sweeps.js';

const MAIN = resolve('dist/cli/main.js');
const TINY = resolve('configs/tiny.yaml');
/** Quick points of one axis. */
const tiny = (axis: string) => [
  ...['sweep', TINY, '--axis', axis, '--jobs', '1'],
  ...QUICK.flatMap((set) => ['--set', set]),
];
const contexts = (...values: number[]) => tiny(`workload.context=${values.join(',')}`);

let home: string;
let plan: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-sweep-'));
  plan = planFile(home, PLAN);
});
afterAll(() => rmSync(home, { recursive: true }));

const documentOf = (text: string) => JSON.parse(text) as SweepDocument;

describe(`${POINTS} points`, () => {
  let local: Awaited<ReturnType<typeof wafersim>>;
  beforeAll(async () => {
    local = await wafersim('sweep', plan, '-o', join(home, 'local'), '--jobs', '2', '--json');
  });

  it('have a run each, as of a command that runs one of them alone', async () => {
    expect(local).toMatchObject({ status: 0, stderr: '' });
    const { counts, points, schema } = documentOf(local.stdout);
    expect(schema).toBe('wafersim.sweep/1');
    expect(counts).toEqual({ points: POINTS, ok: POINTS, refused: 0, failed: 0, missing: 0 });
    const lines = readFileSync(join(home, 'local/plan.ndjson'), 'utf8').trimEnd().split('\n');
    // One that follows others on its thread, which know most of its stages.
    for (const index of [3, POINTS - 1]) {
      const { key, settings } = JSON.parse(lines[index]) as { key: string; settings: string[] };
      const { host: _, ...run } = await simulate(loadConfig(TINY, settings), { shards: 1 });
      const stored = readFileSync(join(home, 'local/points', key, 'run.json'), 'utf8');
      const { host: __, ...found } = JSON.parse(stored) as typeof run & { host: object };
      expect(JSON.stringify(found)).toBe(JSON.stringify(run));
      expect(points[index].metrics.cyclesPerToken).toBe(run.decode.cyclesPerToken);
    }
  });

  it('are in two parts, whichever comes first, what they are in one', async () => {
    const store = join(home, 'parts');
    for (const shard of ['1/2', '0/2']) {
      const part = await wafersim('sweep', plan, '-o', store, '--shard', shard, '--jobs', '1');
      expect(part).toMatchObject({ status: 0, stderr: '' });
      expect(existsSync(join(store, 'results.csv'))).toBe(shard === '0/2');
    }
    const [parts, whole] = [storeOf(store), storeOf(join(home, 'local'))];
    expect(Object.keys(whole)).toHaveLength(POINTS + 6);
    expect(Object.keys(parts)).toEqual(Object.keys(whole));
    for (const [path, text] of Object.entries(whole)) expect(parts[path], path).toBe(text);
  });

  it('are known the second time: nothing runs, and the results are the same', async () => {
    const before = runsOf(join(home, 'local'));
    const again = await wafersim('sweep', plan, '-o', join(home, 'local'), '--json');
    expect(again).toEqual(local);
    expect(runsOf(join(home, 'local'))).toEqual(before);
  });

  it('are listed with their keys before they run, and with what is known', async () => {
    const dry = await wafersim('sweep', plan, '-o', join(home, 'dry'), '--dry-run', '--jobs=1');
    expect(existsSync(join(home, 'dry'))).toBe(false);
    const { points } = documentOf(local.stdout);
    for (const { key } of points) expect(dry.stdout).toContain(`  -  ${key}\n`);
    const known = await wafersim('sweep', plan, '-o', join(home, 'local'), '--dry-run', '--jobs=1');
    for (const { key } of points) expect(known.stdout).toContain(` ok  ${key}\n`);
    expect([dry.status, known.status]).toEqual([0, 0]);
  });

  it('give a row each in every format', async () => {
    const as = async (format: string) =>
      (await wafersim('sweep', '--status', '-o', join(home, 'local'), '--format', format)).stdout;
    expect(documentOf(await as('json')).points).toEqual(documentOf(local.stdout).points);
    expect(await as('csv')).toBe(readFileSync(join(home, 'local/results.csv'), 'utf8'));
    expect(await as('ndjson')).toBe(readFileSync(join(home, 'local/results.ndjson'), 'utf8'));
    expect((await as('markdown')).match(/^\| \d/gm)).toHaveLength(POINTS);
    expect((await as('table')).match(/^ {2}\d.* ok$/gm)).toHaveLength(POINTS);
  });

  it('have the same rows as CSV, as NDJSON and as Parquet, whose types do not depend on them', async () => {
    const text = (name: string) => readFileSync(join(home, 'local', name), 'utf8');
    const rows = text('results.ndjson')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows).toHaveLength(POINTS);
    expect(rows.at(-1)).toMatchObject({
      ...{ index: POINTS - 1, 'placement.strategy': 'greedy', 'workload.batch': 2, status: 'ok' },
      ...{ exitCode: 0, message: null },
    });
    const { data } = Papa.parse<Record<string, string>>(text('results.csv').trimEnd(), {
      header: true,
    });
    expect(data).toEqual(
      rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [name, value === null ? '' : String(value)]),
        ),
      ),
    );
    const bytes = readFileSync(join(home, 'local/results.parquet'));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const read = await parquetReadObjects({ file });
    expect(
      read.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            typeof value === 'bigint' ? Number(value) : value,
          ]),
        ),
      ),
    ).toEqual(rows);
    const types = parquetMetadata(file)
      .schema.slice(1)
      .map(({ name, type }) => [name, type]);
    expect(Object.fromEntries(types)).toMatchObject({
      ...{ index: 'INT64', key: 'BYTE_ARRAY', 'workload.context': 'INT64', message: 'BYTE_ARRAY' },
      ...{ cyclesPerToken: 'INT64', tpotMs: 'DOUBLE', peakLinkUtilization: 'DOUBLE' },
    });
  });

  it('have a front of those that none other beats', () => {
    const { pareto, points } = documentOf(local.stdout);
    const { x, y, front } = pareto;
    const of = ({ metrics }: (typeof points)[number]) => [metrics[x]!, metrics[y]!];
    const isBeaten = (point: (typeof points)[number]) => {
      const [a, b] = of(point);
      return points.some((other) => {
        const [c, d] = of(other);
        return c >= a && d >= b && (c > a || d > b);
      });
    };
    const best = points.filter((point) => !isBeaten(point)).map(({ index }) => index);
    expect(front.toSorted((a, b) => a - b)).toEqual(best);
    expect(best.length).toBeGreaterThan(1);
  });

  it('have a page that needs nothing else', () => {
    const page = readFileSync(join(home, 'local/sweep.html'), 'utf8');
    expect(page).toMatch(/<\/html>\n$/);
    expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(page.match(/<div class="axis"/g)).toHaveLength(5);
    expect(page).toContain('uplot');
  });
});

describe('a sweep that was left', () => {
  it('runs what is missing, and what is damaged with a line that says so', async () => {
    const store = join(home, 'left');
    const args = [...contexts(4, 5, 6, 7), '-o', store];
    const first = await wafersim(...args);
    const whole = storeOf(store);
    const before = runsOf(store);
    const [gone, cut, ...kept] = Object.keys(before);
    rmSync(join(store, 'points', gone), { recursive: true });
    writeFileSync(join(store, 'points', cut, 'run.json'), '{"schema": "wafersim.run/1", "ke');
    const again = await wafersim(...args);
    expect(again.stdout).toBe(first.stdout);
    expect(again.stderr).toBe(
      `wafersim: ${join(store, 'points', cut)}: damaged, its point runs again\n`,
    );
    expect(storeOf(store)).toEqual(whole);
    for (const key of kept) expect(runsOf(store)[key]).toBe(before[key]);
  });

  it('is refused with another plan, or where something else lies', async () => {
    const store = join(home, 'left');
    const other = await wafersim(...contexts(4, 5, 6, 9), '-o', store);
    expect(other.stderr).toMatch(
      /left: -o expects a new directory or the store of this plan, found that of another: point 3 has .*workload\.context=7\n$/,
    );
    writeFileSync(join(store, 'notes.txt'), '');
    const foreign = await wafersim(...contexts(4, 5, 6, 7), '-o', store);
    expect(foreign.stderr).toMatch(
      /left: -o expects a new directory or the store of this plan, found notes\.txt in it\n$/,
    );
    expect([other.status, foreign.status]).toEqual([2, 2]);
  });
});

describe('a point', () => {
  it('that does not fit has its result, which is never tried again', async () => {
    const store = join(home, 'large');
    const args = [...tiny('workload.batch=1,4000'), '-o', store];
    const first = await wafersim(...args, '--json');
    expect([first.status, first.stderr]).toEqual([0, '']);
    const { counts, points } = documentOf(first.stdout);
    expect(counts).toMatchObject({ points: 2, ok: 1, refused: 1 });
    expect(points[1]).toMatchObject({ status: 'does not fit', exitCode: 4, metrics: {} });
    const folder = join(store, 'points', points[1].key);
    expect(readdirSync(folder)).toEqual(['error.json']);
    const error = JSON.parse(readFileSync(join(folder, 'error.json'), 'utf8')) as {
      message: string;
    };
    const alone = await wafersim(
      'run',
      TINY,
      ...[...QUICK, 'workload.batch=4000'].flatMap((set) => ['--set', set]),
    );
    expect(alone).toMatchObject({ status: 4, stderr: `wafersim: ${error.message}\n` });
    writeFileSync(join(folder, 'error.json'), JSON.stringify({ ...error, message: 'as before' }));
    const again = await wafersim(...args, '--retry-failed');
    expect(again.stdout).toContain('point 1: does not fit: as before\n');
    expect(again.status).toBe(0);
  });

  it('that failed otherwise is a failure of the sweep, until it is tried again', async () => {
    const args = [...contexts(6), '-o', join(home, 'failed')];
    const dry = documentOf((await wafersim(...args, '--dry-run', '--json')).stdout);
    const [{ key }] = dry.points;
    const folder = join(home, 'failed/points', key);
    mkdirSync(folder, { recursive: true });
    const error = { schema: 'wafersim.error/1', key, status: 'failed', exitCode: 5 };
    writeFileSync(
      join(folder, 'error.json'),
      JSON.stringify({ ...error, message: 'out of memory' }),
    );
    const failed = await wafersim(...args);
    expect(failed.stdout).toMatch(/^1 points: 0 with a run, 1 failed;/);
    expect(failed.stdout).toContain('point 0: failed: out of memory\n');
    expect(failed.status).toBe(1);
    expect((await wafersim(...args, '--retry-failed')).status).toBe(0);
    expect(readdirSync(folder)).toEqual(['run.json']);
  });

  it('that reached a limit is tried again where failures are', async () => {
    const args = [...contexts(4), '-o', join(home, 'limit')];
    const limited = await wafersim(...args, '--max-cycles', '50');
    expect(limited.stdout).toMatch(/point 0: limit reached: '[^']+' is not over in cycle 50/);
    const known = await wafersim('sweep', '--status', '-o', join(home, 'limit'));
    expect(known.stdout).toBe(limited.stdout);
    expect((await wafersim(...args, '--retry-failed')).stdout).toMatch(/^ {2}0 .* ok$/m);
  });

  it('with the key of another one is run once, for both', async () => {
    const store = join(home, 'twins');
    const args = ['sweep', TINY, '--axis', 'hardware.clock=1 GHz,1000 MHz', '--jobs', '1'];
    const { status, stdout } = await wafersim(
      ...args,
      ...QUICK.flatMap((set) => ['--set', set]),
      '-o',
      store,
      '--json',
    );
    const { points } = documentOf(stdout);
    expect(status).toBe(0);
    expect(points.map(({ index }) => index)).toEqual([0, 1]);
    expect(points[1]).toEqual({ ...points[0], index: 1, axes: { 'hardware.clock': '1000 MHz' } });
    expect(readdirSync(join(store, 'points'))).toEqual([points[0].key]);
  });
});

describe('a sweep without room', () => {
  it('says so in one line, and goes on where it was once there is some', async () => {
    const store = join(home, 'full');
    const args = [...contexts(4, 5), '-o', store];
    const full = spawnSync(
      'bash',
      ['-c', 'ulimit -f 8; exec "$@"', 'bash', process.execPath, MAIN, ...args],
      { encoding: 'utf8' },
    );
    expect(full.stderr).toMatch(/^wafersim: EFBIG[^\n]*run\.json'\n$/);
    expect([full.status, full.stdout]).toEqual([5, '']);
    expect((await wafersim(...args)).status).toBe(0);
    expect(readdirSync(store).toSorted()).toEqual([
      ...['plan.ndjson', 'plan.yaml', 'points'],
      ...['results.csv', 'results.ndjson', 'results.parquet', 'sweep.html'],
    ]);
  });
});

describe('progress', () => {
  it('says what is done, what does not fit, what was known and what is left', () => {
    const some = {
      what: 'running',
      done: 137,
      total: 576,
      refused: 12,
      failed: 0,
      known: 40,
    } as const;
    expect(progressText({ ...some, secondsLeft: 2460 })).toBe(
      '137 of 576, 12 do not fit, 40 known, 41 min left',
    );
    expect(progressText({ ...some, refused: 0, failed: 3, known: 0, secondsLeft: 80 })).toBe(
      '137 of 576, 3 failed, 80 s left',
    );
    expect(progressText({ ...some, done: 576, secondsLeft: 0 })).toBe(
      '576 of 576, 12 do not fit, 40 known',
    );
    expect(progressText({ ...some, what: 'placing', done: 3 })).toBe('placing point 4 of 576');
  });
});
