/** The page of a run in a real browser: drawn, hovered, zoomed, in light and in dark, and safe. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunDetail } from '../../src/report/detail.js';
import type { RunDocument } from '../../src/report/document.js';
import { htmlReport } from '../../src/report/html.js';
import { reportRun, TOOLS } from '../helpers/report-run.js';
import { bigRun } from './big-run.js';

const MAP = '#map[data-drawn]';
/** Pixels per core of the small run, whose 30 rows fill the canvas: 560 less its border. */
const SCALE = 558 / 30;

let browser: Browser;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-'));
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
});
afterAll(async () => {
  await browser?.close();
  rmSync(home, { recursive: true });
});

let page: Page;
/** What the page complained of, and what it asked the network for. */
let complaints: string[];
let requests: string[];
beforeEach(() => {
  complaints = [];
  requests = [];
});
afterEach(async () => {
  await page.close();
  const fetched = requests.filter((url) => !/^(?:file|data):/.test(url));
  const wrong = [...complaints, ...fetched];
  if (wrong.length > 0) throw new Error(`the page complains or fetches: ${wrong.join('\n')}`);
});

/** Opens the page of a run; milliseconds until it is drawn. */
async function open(
  { run, detail }: { run: RunDocument; detail: RunDetail },
  colorScheme: 'light' | 'dark' = 'light',
): Promise<number> {
  const file = join(home, 'report.html');
  writeFileSync(file, htmlReport(run, detail, 'text', TOOLS));
  page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 1000 } });
  page.on('console', (message) => {
    // Reading pixels back is these tests' doing.
    if (!message.text().includes('getImageData')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => requests.push(request.url()));
  const begun = performance.now();
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector(MAP);
  return performance.now() - begun;
}

/** Moves the pointer to the middle of a core while the whole wafer is shown. */
async function pointAt(x: number, y: number): Promise<void> {
  const { width } = (await page.locator('#map').boundingBox())!;
  const left = (width - 40 * SCALE) / 2;
  await page.hover('#map', { position: { x: left + (x + 0.5) * SCALE, y: (y + 0.5) * SCALE } });
}

const core = () => page.textContent('#core');
const zoom = async () => Number(await page.getAttribute('#map', 'data-zoom'));
const drawn = (what: string) => page.waitForSelector(`#map[data-drawn="${what}"]`);
/** Red, green, blue and opacity of the canvas at a point. */
const pixel = (x: number, y: number) =>
  page.evaluate<number[]>(
    `[...document.getElementById('map').getContext('2d').getImageData(${x}, ${y}, 1, 1).data]`,
  );

describe('a report in the browser', () => {
  it('shows what the core under the pointer does', async () => {
    const small = reportRun('layer');
    await open(small);
    await pointAt(30, 10);
    const { busy, waiting, sram, link } = small.detail.maps[0];
    const at = 10 * 40 + 30;
    const bytes = sram[at].toLocaleString('en-US');
    expect(await core()).toBe(
      `Core 30, 10 in layer 1 · busy ${busy[at]} cycles (13.0 %) · waiting ${waiting[at]} cycles (29.7 %)` +
        ` · SRAM ${bytes} bytes (41.6 %) · link load ${link[at]} wavelets (0.1 %)`,
    );
    await pointAt(30, 2);
    expect(await core()).toContain('Core 30, 2 in no region');
    await page.mouse.move(0, 0);
    expect(await core()).toContain('Point at a core');
  });

  it('draws what is chosen, each core in the colour of its number', async () => {
    await open(reportRun('layer'));
    const { width } = (await page.locator('#map').boundingBox())!;
    const at = (x: number) => Math.round((width - 40 * SCALE) / 2 + (x + 0.5) * SCALE);
    const middle = Math.round(15.5 * SCALE);
    // Busy grows from west to east; the ends of the light scale.
    expect(await pixel(at(0), middle)).toEqual([0xf1, 0xee, 0xe6, 255]);
    expect(await pixel(at(39), middle)).toEqual([0x47, 0x12, 0x3a, 255]);
    // Nothing in rows without a region.
    expect((await pixel(at(39), Math.round(2.5 * SCALE)))[3]).toBe(0);
    await page.click('text=SRAM');
    await drawn('0 sram -1');
    const [west, east] = [await pixel(at(0), middle), await pixel(at(39), middle)];
    expect(Math.abs(west[0] - east[0])).toBeLessThan(20);
    expect(await page.getAttribute('button:has-text("SRAM")', 'aria-pressed')).toBe('true');
    expect(await page.getAttribute('button:has-text("busy")', 'aria-pressed')).toBe('false');
  });

  it('zooms with the wheel at the pointer, with buttons and with keys', async () => {
    await open(reportRun('layer'));
    const whole = await zoom();
    await pointAt(30, 10);
    await page.mouse.wheel(0, -200);
    await expect.poll(zoom).toBeGreaterThan(whole * 1.5);
    // The same core is under the pointer still.
    await pointAt(30.05, 10);
    expect(await core()).toContain('Core 30, 10 ');
    await page.click('#fit');
    expect(await zoom()).toBe(whole);
    await page.click('#in');
    expect(await zoom()).toBeCloseTo(whole * 1.5, 2);
    await page.click('#out');
    expect(await zoom()).toBe(whole);
    await page.focus('#map');
    await page.keyboard.press('+');
    expect(await zoom()).toBeCloseTo(whole * 1.25, 2);
    await page.keyboard.press('0');
    expect(await zoom()).toBe(whole);
  });

  it('moves with the pointer that drags it', async () => {
    await open(reportRun('layer'));
    await page.click('#in');
    await page.click('#in');
    await page.hover('#map', { position: { x: 500, y: 250 } });
    const before = await core();
    await page.mouse.down();
    const box = (await page.locator('#map').boundingBox())!;
    await page.mouse.move(box.x + 460, box.y + 220);
    await page.mouse.up();
    // The core that was grabbed is where the pointer is.
    expect(await core()).toBe(before);
  });

  it('shows a layer large when it is chosen, with a scale of its own', async () => {
    await open(reportRun('layer'));
    const whole = await zoom();
    expect(await page.textContent('#most')).toBe('139 cycles (13.9 %)');
    await page.selectOption('#region', { label: 'layer 0' });
    await drawn('0 busy 0');
    expect(await zoom()).toBeGreaterThan(whole);
    expect(await page.textContent('#least')).toBe('100');
    expect(await page.textContent('#most')).toBe('119 cycles (11.9 %)');
  });

  it('changes to another wafer and its layers', async () => {
    await open(reportRun('layer', 2));
    await page.selectOption('#wafer', { label: 'wafer 1' });
    await drawn('1 busy -1');
    expect(await page.locator('#region option').allTextContents()).toEqual([
      'whole wafer',
      'layer 2',
      'layer 3',
    ]);
    await pointAt(0, 10);
    expect(await core()).toContain('Core 0, 10 in layer 2 · busy 101 cycles');
  });

  it('is dark for a reader whose system is dark, at once when that changes', async () => {
    const back = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const top = async () => (await pixel(560, 300)).slice(0, 3);
    await open(reportRun('layer'), 'dark');
    const [dark, darkMap] = [await back(), await top()];
    await page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(back).not.toBe(dark);
    await expect.poll(top).not.toEqual(darkMap);
    expect(dark).toBe('rgb(20, 22, 26)');
  });

  it('runs no script that a name brings along', async () => {
    const attacks = [
      '<img src=x onerror=alert(1)>',
      '</script><script>alert(1)</script>',
      '"><svg onload=alert(1)>',
    ];
    await open(reportRun(attacks.join(' ')));
    await pointAt(30, 10);
    expect(await core()).toContain(`in ${attacks.join(' ')} 1 ·`);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(2);
    expect(await page.locator('#region option').last().textContent()).toBe(
      `${attacks.join(' ')} 1`,
    );
  });

  it('of 870,000 cores is smaller than 3 MB and drawn within 2 seconds', async () => {
    expect(await open(bigRun())).toBeLessThan(2_000);
    expect(readFileSync(join(home, 'report.html')).length).toBeLessThan(3_000_000);
    await page.hover('#map', { position: { x: 550, y: 300 } });
    expect(await core()).toMatch(/^Core \d+, \d+ in layer \d+ · busy [\d,]+ cycles/);
  });
});
