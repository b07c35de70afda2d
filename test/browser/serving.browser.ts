/** The page of a serving run in a real browser: charts that zoom and say numbers, and a list that sorts. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { htmlReport } from '../../src/report/html.js';
import { pageRequests } from '../../src/studies/serve/page-requests.js';
import { reportRun, servingOf, TOOLS } from '../helpers/report-run.js';
import { options, pipeline, request, serve } from '../serving-helpers.js';
import { seriousFindings } from './axe.js';
import { LOOKS, overflow, usePages, type Look } from './open-page.js';

const CHARTS = ['arrivals', 'system', 'tokens', 'ttftMs', 'tpotMs', 'e2elMs'];

const pages = usePages();
let page: Page;

const requests = Array.from({ length: 40 }, (_, id) => request(id, id * 2e6, 50 + id, 30));
const { served } = serve(requests, options(pipeline(8, 10_000)));

async function open(look: Look = {}): Promise<void> {
  const { run, detail } = reportRun('layer');
  const scenarios = ['</script><script>alert(1)</script>', 'two'].map((name) => ({
    ...servingOf(name),
    limits: { ttftMs: 5, e2elMs: 12 },
  }));
  const lists = scenarios.map(() => pageRequests(served, { ttftMs: 5, e2elMs: 12 }, 2));
  const html = htmlReport({ ...run, serving: scenarios[0], scenarios }, detail, 'text', TOOLS, {
    requests: lists,
  });
  page = await pages.open(html, look);
  await page.waitForSelector('#e2elMs-1 canvas');
}

const legend = async (id: string) =>
  (await page.locator(`#${id} .u-legend`).innerText()).replaceAll(/\s+/g, ' ');

it('draws every chart of every scenario, with axes and limits', async () => {
  await open();
  for (const id of CHARTS.flatMap((name) => [`${name}-0`, `${name}-1`])) {
    const painted = await page.evaluate<boolean>(`(() => {
      const canvas = document.querySelector('#${id} canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value !== 0);
    })()`);
    expect(painted, id).toBe(true);
  }
  expect(await legend('arrivals-0')).toContain('goodput: completed within the limits');
  expect(await legend('ttftMs-0')).toContain('limit');
  // There is none for it.
  expect(await legend('tpotMs-0')).not.toContain('limit');
});

it('says the numbers under the pointer, in all charts over time at once', async () => {
  await open();
  const over = page.locator('#system-0 .u-over');
  await over.scrollIntoViewIfNeeded();
  const { width, height } = (await over.boundingBox())!;
  await over.hover({ position: { x: width / 2, y: height / 2 } });
  const said = /requests in the system([\d.]+)/;
  await expect.poll(async () => legend('system-0')).toMatch(said);
  const { inSystem } = servingOf('').series;
  expect(inSystem.map((n) => n.toLocaleString('en-US'))).toContain(
    said.exec(await legend('system-0'))![1],
  );
  expect(await legend('tokens-0')).toMatch(/output tokens\/s[\d,.]+/);
});

it('zooms into the time that is dragged over', async () => {
  await open();
  const over = page.locator('#tokens-0 .u-over');
  await over.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await over.boundingBox())!;
  const last = async () => {
    await page.mouse.move(x + width - 2, y + height / 2);
    return Number(/seconds([\d.]+)/.exec(await legend('tokens-0'))?.[1]);
  };
  const before = await last();
  await page.mouse.move(x + 10, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width / 2, y + height / 2, { steps: 4 });
  await page.mouse.up();
  await expect.poll(last).toBeLessThan(before * 0.7);
  await page.mouse.dblclick(x + width / 2, y + height / 2);
  await expect.poll(last).toBe(before);
});

it('sorts the requests by a column, and shows those that are asked for', async () => {
  await open();
  await page.click('summary:has-text("two: one by one")');
  const cells = async (column: number) =>
    page.locator(`#requests-1 tbody tr :nth-child(${column})`).allInnerTexts();
  const heads = await page.locator('#requests-1 thead th').allInnerTexts();
  const column = heads.indexOf('E2EL, ms') + 1;
  expect(column).toBeGreaterThan(1);
  await page.click('#requests-1 thead button:has-text("E2EL, ms")');
  const up = (await cells(column)).map(Number);
  expect(up).toEqual([...up].sort((a, b) => a - b));
  expect(up).toHaveLength(40);
  await page.click('#requests-1 thead button:has-text("E2EL, ms")');
  expect((await cells(column)).map(Number)).toEqual([...up].reverse());
  await page.fill('#filter-1', 'good=false');
  const left = (await cells(1)).length;
  expect(left).toBe(
    served.filter(
      (one) =>
        !(one.firstTokenNs - one.arrivalNs <= 5e6 && one.lastTokenNs - one.arrivalNs <= 12e6),
    ).length,
  );
  expect(await page.textContent('#count-1')).toBe(`${left} of 40 requests`);
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
