/** The page of a comparison: operators by what changed, and what differs core by core. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operatorChanges } from '../src/report/changes.js';
import { differenceMap } from '../src/report/difference-map.js';
import { QUANTITIES } from '../src/report/html-maps.js';
import { mapsOf } from '../src/report/page/unpack.js';
import { comparison } from '../src/studies/compare/compare.js';
import { comparePage } from '../src/studies/compare/page.js';
import { readRunCores } from '../src/studies/compare/run-cores.js';
import { IncomparableError } from '../src/studies/incomparable.js';
import { wafersim } from './helpers/command-line.js';
import { reportRun, TOOLS } from './helpers/report-run.js';

const operator = (cycles: number) => ({ cycles, compute: cycles, communication: 0 });

describe('operators of two runs', () => {
  it('are ranked by what changed, either way, and add up to the difference of the runs', () => {
    const before = { a: operator(100), b: operator(50), c: operator(10), gone: operator(5) };
    const after = { a: operator(90), b: operator(80), c: operator(10), new: operator(5) };
    const changes = operatorChanges(before, after);
    expect(changes.map(({ operator: name, difference }) => [name, difference])).toEqual([
      ['b', 30],
      ['a', -10],
      ['gone', -5],
      ['new', 5],
      ['c', 0],
    ]);
    const sum = (of: typeof before | typeof after) =>
      Object.values(of).reduce((all, { cycles }) => all + cycles, 0);
    const whole = changes.reduce((all, { difference }) => all + difference, 0);
    expect(whole).toBe(sum(after) - sum(before));
  });
});

describe('the map of what differs', () => {
  const first = reportRun('layer');
  const other = reportRun('layer');
  const [map] = other.detail.maps;
  map.busy[7] += 40;
  map.busy[8] -= 3;
  map.links[4 * 9 + 3] += 2;
  map.link[9] += 1;

  it('has of every core its number less that of the first run, each link by itself', async () => {
    const found = differenceMap(first, other, (bytes) => deflateSync(bytes));
    if (typeof found === 'string') throw new Error(found);
    const mapOf = mapsOf(found.wafers[0], found.quantities);
    const different = async (name: (typeof QUANTITIES)[number]) =>
      [...(await mapOf(QUANTITIES.indexOf(name)))].flatMap((value, core) =>
        value === 0 ? [] : [[core, value]],
      );
    expect(await different('busy')).toEqual([
      [7, 40],
      [8, -3],
    ]);
    expect(await different('west')).toEqual([[9, 2]]);
    expect(await different('link')).toEqual([[9, 1]]);
    expect(await different('east')).toEqual([]);
  });

  it('is none where the wafers have other cores', () => {
    const wide = { ...map, width: map.height, height: map.width };
    const detail = { ...other.detail, maps: [wide] };
    expect(differenceMap(first, { ...other, detail }, deflateSync)).toBe(
      'the wafers have different cores: 40 x 30 and 30 x 40',
    );
  });
});

describe('the page of a comparison', () => {
  const [first, other] = [reportRun('layer'), reportRun('layer')];
  const attack = '</script><img src=x onerror=alert(1)>';
  const document = comparison([first.run, other.run], ['before', attack]);

  it('shows names as text, and says why a map is missing', () => {
    const page = comparePage(document, [first.detail, undefined], 'the text', TOOLS);
    expect(page).not.toContain('<img');
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page).toContain('no map, as no numbers of the cores are known of');
    expect(page).not.toContain('id="map"');
  });

  it('has a map where the cores of both are known', () => {
    const page = comparePage(document, [first.detail, other.detail], 'the text', TOOLS);
    expect(page).toContain('id="map"');
    expect(page).not.toContain('no map, as');
  });
});

describe('compare -o', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  it('writes document, text and page, with a map of what differs', async () => {
    const directory = join(home, 'compared');
    const { status, stdout } = await wafersim(
      ...['compare', 'configs/tiny.yaml', '--strategies', 'row-major,snake'],
      ...['--set', 'workload.data=false', '-o', directory],
    );
    expect(status).toBe(0);
    expect(readdirSync(directory).sort()).toEqual([
      ...['compare.html', 'compare.json', 'compare.txt', 'summary.csv'],
    ]);
    expect(readFileSync(join(directory, 'compare.txt'), 'utf8')).toBe(stdout);
    const page = readFileSync(join(directory, 'compare.html'), 'utf8');
    expect(page).toContain('What changed: snake');
    expect(page).toContain('<option value="0">snake</option>');
  });
});

describe('the cores of a finished run', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  /** An array of numpy's: a header whose end is at a multiple of 64 bytes, then the numbers. */
  function npy(shape: number[], values: number[]): Uint8Array {
    const text = `{'descr': '<u8', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
    const header = Buffer.from(
      `\u0093NUMPY\u0001\u0000\u0076\u0000${text.padEnd(117)}\n`,
      'latin1',
    );
    return Buffer.concat([header, Buffer.from(BigUint64Array.from(values, BigInt).buffer)]);
  }

  const shape = [1, 1, 2];
  const numbers: Record<string, number[]> = {
    ...{ compute: [5, 6], setup: [1, 2], waitInput: [30, 40], waitOutput: [3, 4] },
    ...{ waitToken: [10, 20], sramBytes: [2 ** 40, 7], north: [1, 2], east: [3, 4] },
    ...{ south: [9, 6], west: [7, 8], idle: [1, 1] },
  };
  function directory(name: string, arrays: Record<string, Uint8Array>): string {
    const path = join(home, name);
    mkdirSync(path);
    const files = Object.entries(arrays).map(([array, bytes]) => [`${array}.npy`, bytes]);
    writeFileSync(join(path, 'cores.npz'), zipSync(Object.fromEntries(files)));
    return path;
  }
  const arrays = () =>
    Object.fromEntries(Object.entries(numbers).map(([name, of]) => [name, npy(shape, of)]));

  it('are what its cores.npz has, waiting without that for the token', () => {
    const [map] = readRunCores(directory('whole', arrays()))!.maps;
    expect([map.wafer, map.width, map.height]).toEqual([0, 2, 1]);
    expect([...map.busy]).toEqual([6, 8]);
    expect([...map.waiting]).toEqual([23, 24]);
    expect([...map.sram]).toEqual([2 ** 40, 7]);
    expect([...map.links]).toEqual([1, 3, 9, 7, 2, 4, 6, 8]);
    expect([...map.link]).toEqual([9, 8]);
  });

  it('are none without the file, and refused in one line if it is damaged', () => {
    mkdirSync(join(home, 'none'));
    expect(readRunCores(join(home, 'none'))).toBeUndefined();
    const { compute: _, ...rest } = arrays();
    const refusal = (path: string) => {
      try {
        readRunCores(path);
      } catch (error) {
        expect(error).toBeInstanceOf(IncomparableError);
        return (error as Error).message.replace(home, '');
      }
      return 'nothing is refused';
    };
    expect(refusal(directory('less', rest))).toBe(
      '/less: cores.npz: expected an array compute, found none',
    );
    const short = { ...arrays(), setup: npy(shape, [1]) };
    expect(refusal(directory('short', short))).toContain('expected an array of 64-bit');
    const other = { ...arrays(), setup: npy([1, 2, 1], [1, 2]) };
    expect(refusal(directory('other', other))).toContain('all alike');
    writeFileSync(join(home, 'none', 'cores.npz'), 'no archive');
    expect(refusal(join(home, 'none'))).toMatch(/^\/none: cores\.npz: /);
  });
});
