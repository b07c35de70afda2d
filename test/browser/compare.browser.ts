/** The page of a comparison in a real browser: a map of what differs, for the run that is chosen. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { comparison } from '../../src/studies/compare/compare.js';
import { comparePage } from '../../src/studies/compare/page.js';
import { reportRun, TOOLS } from '../helpers/report-run.js';
import { seriousFindings } from './axe.js';
import { LOOKS, overflow, usePages, type Look } from './open-page.js';

const pages = usePages();
let page: Page;

async function open(look: Look = {}): Promise<void> {
  const runs = [reportRun('layer'), reportRun('layer'), reportRun('layer')];
  // In the last run the first region is busier, in the second one the other region less.
  for (const [run, region, by] of [
    [2, 0, 40],
    [1, 1, -40],
  ] as const) {
    const [map] = runs[run].detail.maps;
    for (let y = 5; y < 25; y++)
      for (let x = 0; x < 20; x++) map.busy[y * map.width + region * 20 + x] += by;
  }
  const { breakdown } = runs[1].run.decode;
  breakdown['layer a'] = { ...breakdown['layer a'], cycles: 450 };
  const document = comparison(
    runs.map(({ run }) => run),
    ['before', 'less', 'more'],
  );
  const details = runs.map(({ detail }) => detail);
  page = await pages.open(comparePage(document, details, 'text', TOOLS), look);
  await page.waitForSelector('#map[data-whole]');
}

/** Red, green and blue in the middle of a region. */
async function colorOf(region: number): Promise<number[]> {
  const { width } = (await page.locator('#map').boundingBox())!;
  const scale = 558 / 30;
  const x = Math.round((width - 40 * scale) / 2 + (10 + region * 20) * scale);
  return page.evaluate<number[]>(
    `[...document.getElementById('map').getContext('2d').getImageData(${x}, ${Math.round(15 * scale)}, 1, 1).data].slice(0, 3)`,
  );
}

it('shows where the chosen run has more, and where less', async () => {
  await open();
  const [none, less, more] = [
    [0xf4, 0xf3, 0xef],
    [0x0b, 0x3a, 0x82],
    [0x7a, 0x33, 0x00],
  ];
  const near = (a: number[], b: number[]) =>
    Math.max(...a.map((value, i) => Math.abs(value - b[i])));
  expect(near(await colorOf(0), none)).toBeLessThan(4);
  expect(await colorOf(1)).toEqual(less);
  expect(await page.textContent('#most')).toBe('+40 cycles');
  await page.selectOption('#pair', { label: 'more' });
  await expect.poll(async () => colorOf(0)).toEqual(more);
  expect(near(await colorOf(1), none)).toBeLessThan(4);
});

it('ranks the operators by what changed', async () => {
  await open();
  const rows = await page
    .locator('section:has-text("What changed: less") tbody tr')
    .allInnerTexts();
  expect(rows.map((row) => row.split('\t').slice(0, 5))).toEqual([
    ['layer a', '500', '450', '-50', '-10.00 %'],
    ['all', '1,000', '1,000', '0', '0.00 %'],
  ]);
});

it.each(LOOKS)(
  'is usable by all in $colorScheme at $width pixels, and not cut off',
  async (look) => {
    await open(look);
    await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
    expect(await seriousFindings(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  },
);
