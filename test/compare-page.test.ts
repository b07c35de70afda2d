/** The page of a comparison: operators by what changed, and what differs core by core. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operatorChanges } from '../src/report/changes.js';
import { differenceMap } from '../src/report/difference-map.js';
import { QUANTITIES } from '../src/report/html-maps.js';
import { mapsOf } from '../src/report/page/unpack.js';
import { comparison } from '../src/studies/compare/compare.js';
import { comparePage } from '../src/studies/compare/page.js';
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
    expect(readdirSync(directory).sort()).toEqual(['compare.html', 'compare.json', 'compare.txt']);
    expect(readFileSync(join(directory, 'compare.txt'), 'utf8')).toBe(stdout);
    const page = readFileSync(join(directory, 'compare.html'), 'utf8');
    expect(page).toContain('What changed: snake');
    expect(page).toContain('<option value="0">snake</option>');
  });
});
