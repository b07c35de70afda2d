/** The page of a sweep in a real browser: charts, and a table that sorts and filters. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sweepPage } from '../../src/report/sweep-html.js';
import { seriousFindings } from './axe.js';
import { launch, LOOKS, overflow, watch } from './open-page.js';
import type { SweepPageData } from '../../src/report/page/sweep-data.js';

const ATTACK = '</script><script>alert(1)</script><img src=x onerror=alert(1)>';
const column = (
  name: string,
  kind: 'point' | 'axis' | 'metric',
  cells: (string | number | null)[],
) => ({
  ...{ name, kind, title: name, cells },
  isNumber: cells.every((cell) => typeof cell !== 'string'),
});
/** Four points, one of which does not fit. */
const DATA: SweepPageData = {
  title: ATTACK,
  set: ['a=1'],
  counts: { points: 4, ok: 3, refused: 1, failed: 0, missing: 0 },
  columns: [
    column('index', 'point', [0, 1, 2, 3]),
    column('workload.context', 'axis', [512, 1024, 512, 1024]),
    column('placement.strategy', 'axis', ['snake', 'snake', 'greedy', ATTACK]),
    column('status', 'point', ['ok', 'ok', 'ok', 'does not fit']),
    { ...column('speed', 'metric', [20, 3, 100, null]), unit: 'tokens/s', better: 'higher' },
    { ...column('cores', 'metric', [10, 20, 30, null]), unit: 'cores', better: 'lower' },
  ],
  pareto: { x: 'speed', y: 'cores', front: [0, 2] },
  shown: ['speed'],
  operators: [{ qkv: 10, down: 20 }, { qkv: 12, down: 20 }, { qkv: 15, down: 4 }, null],
};

let browser: Browser;
let page: Page;
let home: string;
const complaints: string[] = [];
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-'));
  browser = await launch();
  const file = join(home, 'sweep.html');
  const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');
  writeFileSync(file, sweepPage(DATA, sha256));
  page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  watch(page, complaints, { may: /^(?:file|data):/ });
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector('#pareto canvas');
});
afterAll(async () => {
  await browser?.close();
  rmSync(home, { recursive: true });
});

const rows = () => page.locator('#points tbody tr').allInnerTexts();
const points = async () => (await rows()).map((row) => row.split(/\s/)[0]);

it('has a chart of the front and one for each axis, drawn', async () => {
  for (const id of ['pareto', 'axis-0', 'axis-1']) {
    const painted = await page.evaluate<boolean>(`(() => {
      const canvas = document.querySelector('#${id} canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value !== 0);
    })()`);
    expect(painted, id).toBe(true);
  }
  expect(await page.locator('#ways').innerText()).toMatch(
    /speed higher, cores lower\. 2 of 3 points/,
  );
  await page.selectOption('#y', 'speed');
  expect(await page.locator('#ways').innerText()).toMatch(/1 of 3 points/);
});

it('puts two points side by side: what is better, and the operators by what changed', async () => {
  const cells = async (table: string) =>
    (await page.locator(`#${table} tbody tr`).allInnerTexts()).map((row) => row.split('\t'));
  // Points without a run cannot be chosen.
  expect(await page.locator('#other option').count()).toBe(3);
  await page.selectOption('#other', '2');
  expect(await cells('metrics')).toEqual([
    ['speed', '20', '100', '+80', '+400.00 %', 'better'],
    ['cores', '10', '30', '+20', '+200.00 %', 'worse'],
  ]);
  expect(await cells('operators')).toEqual([
    ['down', '20', '4', '-16', '-80.00 %'],
    ['qkv', '10', '15', '+5', '+50.00 %'],
    ['all', '30', '19', '-11', '-36.67 %'],
  ]);
  expect(await page.locator('#pair').innerText()).toBe(
    'They differ in placement.strategy: snake, greedy.',
  );
});

it.each(LOOKS)(
  'is usable by all in $colorScheme at $width pixels',
  async ({ colorScheme, width }) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 1000 });
    expect(await seriousFindings(page)).toEqual([]);
    await expect.poll(async () => overflow(page)).toBe(0);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 1280, height: 1000 });
  },
);

it('sorts, the better end first and what is missing last', async () => {
  expect(await points()).toEqual(['0', '1', '2', '3']);
  const speed = page.locator('#points th button', { hasText: 'speed' });
  await speed.click();
  expect(await points()).toEqual(['2', '0', '1', '3']);
  await speed.click();
  expect(await points()).toEqual(['1', '0', '2', '3']);
  expect(await page.locator('#points tr.front').count()).toBe(2);
});

it('filters by words, by columns and by bounds', async () => {
  const left = async (text: string) => {
    await page.fill('#filter', text);
    return (await points()).toSorted();
  };
  expect(await left('snake')).toEqual(['0', '1']);
  expect(await left('status:fit')).toEqual(['3']);
  expect(await left('speed>3, workload.context=512')).toEqual(['0', '2']);
  expect(await left('speed>=3 cores<=20')).toEqual(['0', '1']);
  expect(await page.locator('#count').innerText()).toBe('2 of 4 points');
  expect(await left('')).toHaveLength(4);
});

it('runs no script that a name brings along, and fetches nothing', async () => {
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.locator('h1').innerText()).toBe(ATTACK);
  expect(complaints).toEqual([]);
});
