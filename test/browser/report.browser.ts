/** The page of a run in a real browser: drawn, hovered, zoomed, in light and in dark, and safe. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { RunDetail } from '../../src/report/detail.js';
import type { RunDocument } from '../../src/report/document.js';
import { htmlReport } from '../../src/report/html.js';
import { reportRun, TOOLS } from '../helpers/report-run.js';
import { seriousFindings } from './axe.js';
import { bigRun } from './big-run.js';
import { LOOKS, overflow, usePages, type Look } from './open-page.js';

const MAP = '#map[data-drawn]';
/** Pixels per core of the small run, whose 30 rows fill the canvas: 560 less its border. */
const SCALE = 558 / 30;

const pages = usePages();
let page: Page;

interface Shown {
  run: RunDocument;
  detail: RunDetail;
}

/** Opens the page of a run; milliseconds until it is drawn. */
async function open({ run, detail }: Shown, look: Look = {}): Promise<number> {
  const html = htmlReport(run, detail, 'text', TOOLS);
  const begun = performance.now();
  page = await pages.open(html, look);
  await page.waitForSelector(MAP);
  return performance.now() - begun;
}

/** Waits until all numbers of the map are there. */
const whole = () => page.waitForSelector('#map[data-whole]');

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
    await whole();
    await pointAt(30, 10);
    const { busy, waiting, sram, link } = small.detail.maps[0];
    const at = 10 * 40 + 30;
    const bytes = sram[at].toLocaleString('en-US');
    expect(await core()).toBe(
      `Core 30, 10 in layer 1 · busy ${busy[at]} cycles (13.0 %) · waiting ${waiting[at]} cycles (29.7 %)` +
        ` · SRAM ${bytes} bytes (41.6 %) · link load ${link[at]} wavelets (0.1 %)` +
        ' · north 0 wavelets (0.0 %) · east 1 wavelets (0.1 %) · south 0 wavelets (0.0 %)' +
        ' · west 0 wavelets (0.0 %)',
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
    await open(reportRun('layer'), { colorScheme: 'dark' });
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

  it('has a scale of its own for each region, of logarithms, and of percentiles', async () => {
    await open(reportRun('layer'));
    const { width } = (await page.locator('#map').boundingBox())!;
    const at = async (x: number) =>
      pixel(Math.round((width - 40 * SCALE) / 2 + (x + 0.5) * SCALE), Math.round(15.5 * SCALE));
    const [low, high] = [
      [0xf1, 0xee, 0xe6, 255],
      [0x47, 0x12, 0x3a, 255],
    ];
    // Busy grows from west to east, in two regions of 20 columns each.
    expect(await at(19)).not.toEqual(high);
    await page.check('#each');
    await page.waitForSelector('#map[data-scale="linear each"]');
    expect([await at(0), await at(19), await at(20), await at(39)]).toEqual([low, high, low, high]);
    expect(await page.textContent('#most')).toBe('most of the region');
    await page.uncheck('#each');
    await page.selectOption('#scale', 'percentile');
    await page.waitForSelector('#map[data-scale="percentile"]');
    expect([await at(0), await at(39)]).toEqual([low, high]);
    expect(await page.textContent('#middle')).toBe('middle 120');
    await page.selectOption('#scale', 'log');
    await page.waitForSelector('#map[data-scale="log"]');
    expect(await page.textContent('#middle')).toBe('middle 118');
  });

  it('zooms with two fingers, about the point between them', async () => {
    await open(reportRun('layer'), { width: 390, hasTouch: true });
    await page.locator('#map').scrollIntoViewIfNeeded();
    const box = (await page.locator('#map').boundingBox())!;
    const before = await zoom();
    const session = await page.context().newCDPSession(page);
    const touch = async (type: 'touchStart' | 'touchMove' | 'touchEnd', apart: number) => {
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      const touchPoints =
        type === 'touchEnd' ? [] : [-1, 1].map((sign, id) => ({ x: x + sign * apart, y, id }));
      await session.send('Input.dispatchTouchEvent', { type, touchPoints });
    };
    await touch('touchStart', 30);
    for (const apart of [45, 60, 75, 90]) await touch('touchMove', apart);
    await touch('touchEnd', 0);
    await expect.poll(zoom).toBeCloseTo(before * 3, 1);
  });

  it('goes from core to core with the keys, and says each', async () => {
    await open(reportRun('layer'));
    await whole();
    await page.focus('#map');
    await page.keyboard.press('Shift+ArrowRight');
    expect(await core()).toContain('Core 20, 15 in layer 1');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowUp');
    expect(await core()).toContain('Core 21, 14 in layer 1');
    expect(await page.getAttribute('#core', 'aria-live')).toBe('polite');
  });

  const span = async () =>
    Promise.all(
      ['data-from', 'data-to'].map(async (name) =>
        Number(await page.getAttribute('#timeline', name)),
      ),
    );

  it('zooms into the time to a stage that is clicked, whose region the map shows', async () => {
    await open(reportRun('layer', 2));
    expect(await span()).toEqual([0, 1_000]);
    await page.hover('rect[data-stage="3"][data-operator="1"]');
    expect(await page.textContent('#stage')).toBe(
      'layer 3: cycle 750 to 1,000, 250 cycles · layer b: 150 cycles, 0 of them compute',
    );
    await page.click('rect[data-stage="3"][data-operator="1"]');
    expect(await span()).toEqual([500, 1_000]);
    await drawn('1 busy 1');
    expect(await page.inputValue('#operator')).toBe('layer b');
    await page.click('#time-all');
    expect(await span()).toEqual([0, 1_000]);
    await page.focus('#timeline');
    await page.keyboard.press('+');
    expect(await span()).toEqual([100, 900]);
    await page.keyboard.press('ArrowRight');
    expect(await span()).toEqual([180, 980]);
  });

  it('goes from an operator to the map and the timeline, and from the map to the timeline', async () => {
    await open(reportRun('layer'));
    await page.click('button.operator:text("layer a")');
    expect(await page.inputValue('#operator')).toBe('layer a');
    const pale = await page.locator('#timeline rect[fill-opacity="0.15"]').count();
    expect(pale).toBe(2);
    await pointAt(30, 10);
    await page.mouse.down();
    await page.mouse.up();
    await drawn('0 busy 1');
    expect(await page.textContent('#timeline text.marked')).toBe('layer 1');
    await page.click('#floor [data-region="0"] rect');
    await drawn('0 busy 0');
    expect(await page.textContent('#timeline text.marked')).toBe('layer 0');
  });

  it('gives its document and its map away as files', async () => {
    const small = reportRun('layer');
    await open(small);
    const saved = async (button: string) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
      return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
    };
    const run = await saved('[data-file="run.json"]');
    expect(run.name).toBe('a1b2c3-run.json');
    expect(JSON.parse(run.bytes.toString())).toEqual(JSON.parse(JSON.stringify(small.run)));
    const map = await saved('#png');
    expect(map.name).toBe('a1b2c3-wafer-0-busy.png');
    expect(map.bytes.subarray(1, 4).toString()).toBe('PNG');
  });

  it('unfolds everything on paper', async () => {
    await open(reportRun('layer'));
    const unfolded = () => page.locator('details[open]').count();
    expect(await unfolded()).toBe(0);
    await page.evaluate('dispatchEvent(new Event("beforeprint"))');
    expect(await unfolded()).toBe(await page.locator('details').count());
    await page.evaluate('dispatchEvent(new Event("afterprint"))');
    expect(await unfolded()).toBe(0);
  });

  it.each(LOOKS)(
    'is usable by all in $colorScheme at $width pixels, and not cut off',
    async (look) => {
      await open(reportRun('layer', 2), look);
      await page.evaluate(
        'for (const one of document.querySelectorAll("details")) one.open = true',
      );
      expect(await seriousFindings(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    },
  );

  it('of 870,000 cores is smaller than 3 MB and drawn within 2 seconds, and answers 20 hovers in 0.2', async () => {
    expect(await open(bigRun())).toBeLessThan(2_000);
    expect(readFileSync(pages.file).length).toBeLessThan(3_000_000);
    await whole();
    await page.hover('#map', { position: { x: 550, y: 300 } });
    expect(await core()).toMatch(/^Core \d+, \d+ in layer \d+ · busy [\d,]+ cycles/);
    const spent = await page.evaluate<number>(`(() => {
      const map = document.getElementById('map');
      const { left, top } = map.getBoundingClientRect();
      const begun = performance.now();
      for (let i = 0; i < 20; i++)
        map.dispatchEvent(new PointerEvent('pointermove', { clientX: left + 400 + i * 7, clientY: top + 200 + i * 9 }));
      map.getContext('2d').getImageData(0, 0, 1, 1);
      return performance.now() - begun;
    })()`);
    expect(spent).toBeLessThan(200);
  });
});
