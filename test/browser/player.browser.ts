/** The player of a kernel's page in a real browser: played, stepped, searched, listened to, on a desk and on a phone. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { createReplay } from '../../src/recording/replay.js';
import type { Recording } from '../../src/recording/recording.js';
import { kernelPage } from '../../src/report/html-kernel.js';
import { coreText, cycleText } from '../../src/report/page/player-text.js';
import { runKernel, type KernelOptions } from '../../src/studies/kernel/kernel.js';
import { recordKernel } from '../../src/studies/kernel/record.js';
import { kernelWafer } from '../kernel-programs.js';
import { TOOLS } from '../helpers/report-run.js';
import { seriousFindings } from './axe.js';
import { LOOKS, overflow, usePages, type Look } from './open-page.js';

const pages = usePages();

let page: Page;

const CHAIN = { algorithm: 'chain', pes: 8, words: 60, dtype: 'f32' };
const ALL_REDUCE = { algorithm: 'two-phase', grid: '8x8', words: 16, dtype: 'f32' };

/** Opens the page of a kernel. */
async function open(name: string, options: KernelOptions, look: Look = {}): Promise<Recording> {
  const wafer = kernelWafer();
  const host = { now: () => 0, rss: () => 0, path: true };
  const document = await runKernel(name, options, wafer, 'fast', host);
  const recording = recordKernel(document, wafer) as Recording;
  page = await pages.open(kernelPage(document, recording, 'text', TOOLS), look);
  await page.waitForSelector('.mesh[data-cycle]');
  return recording;
}

const cycle = async () => Number(await page.getAttribute('.mesh', 'data-cycle'));
const says = () => page.textContent('.says');
const press = (label: string) => page.click(`.player button[aria-label="${label}"]`);

/** Moves the pointer to a core of a mesh so many cores wide. */
async function middleOf(columns: number, x: number, y: number) {
  const { width } = (await page.locator('.mesh').boundingBox())!;
  const pitch = width / columns;
  return { x: (x + 0.5) * pitch, y: (y + 0.5) * pitch };
}

/** Whether the picture has an ink of the style in a square around a point. */
const hasInk = (name: string, [x, y]: readonly [number, number], half: number) =>
  page.evaluate<boolean>(`(() => {
    const canvas = document.querySelector('.mesh');
    const style = getComputedStyle(document.querySelector('.player'));
    const hex = style.getPropertyValue('--${name}').trim().slice(1);
    const ink = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
    const box = [${x - half}, ${y - half}, ${2 * half}, ${2 * half}].map((at) => Math.round(at * devicePixelRatio));
    const { data } = canvas.getContext('2d').getImageData(...box);
    for (let i = 0; i < data.length; i += 4) if (ink.every((part, c) => data[i + c] === part)) return true;
    return false;
  })()`);

describe('the player', () => {
  it('steps, and says each cycle as the recording has it', async () => {
    const recording = await open('reduce', CHAIN);
    const { seek } = createReplay(recording);
    expect(await says()).toBe(cycleText(seek(0)));
    for (const at of [1, 2, 3]) {
      await press('One cycle on');
      expect(await says()).toBe(cycleText(seek(at)));
    }
    await press('One cycle back');
    expect(await cycle()).toBe(2);
    await press('Last cycle');
    expect(await cycle()).toBe(recording.to - 1);
    expect(await says()).toBe(cycleText(seek(recording.to - 1)));
    await press('First cycle');
    await press('One cycle back');
    expect(await cycle()).toBe(0);
  });

  it('goes to a cycle that is written, slid or pointed to', async () => {
    const recording = await open('reduce', CHAIN);
    await page.fill('.player input[type=number]', '40');
    await page.press('.player input[type=number]', 'Enter');
    expect(await cycle()).toBe(40);
    await page.fill('.player input[type=range]', '33');
    expect(await cycle()).toBe(33);
    const { width } = (await page.locator('.overview').boundingBox())!;
    await page.click('.overview', { position: { x: width / 2, y: 10 } });
    expect(Math.abs((await cycle()) - recording.to / 2)).toBeLessThanOrEqual(1);
    await page.fill('.player input[type=number]', '');
    await page.press('.player input[type=number]', 'Enter');
    expect(Math.abs((await cycle()) - recording.to / 2)).toBeLessThanOrEqual(1);
  });

  it('plays at the speed that is chosen, to the end, and can be stopped', async () => {
    const recording = await open('reduce', CHAIN);
    await page.selectOption('.player select', '1000');
    await press('Play');
    await expect.poll(cycle).toBe(recording.to - 1);
    expect(await page.textContent('.player button[aria-label="Play"]')).toBe('play');
    await page.selectOption('.player select', '60');
    await press('Play');
    await expect.poll(cycle).toBeGreaterThan(3);
    expect(await page.getAttribute('.says', 'aria-live')).toBe('off');
    await press('Pause');
    const stopped = await cycle();
    expect(stopped).toBeLessThan(recording.to - 1);
    expect(await page.getAttribute('.says', 'aria-live')).toBe('polite');
    await page.waitForTimeout(100);
    expect(await cycle()).toBe(stopped);
  });

  it('draws cores by what they do, and wavelets of the colours that are chosen', async () => {
    await open('reduce', CHAIN);
    await page.fill('.player input[type=range]', '60');
    const { width } = (await page.locator('.mesh').boundingBox())!;
    const pitch = width / 8;
    const middle = (core: number) => [(core + 0.5) * pitch, pitch / 2] as const;
    expect(await hasInk('state-compute', middle(7), 4)).toBe(true);
    expect(await hasInk('state-waitInput', middle(7), 4)).toBe(false);
    await page.fill('.player input[type=range]', '3');
    expect(await hasInk('state-waitInput', middle(3), 4)).toBe(true);
    await page.fill('.player input[type=range]', '60');
    // The colours alternate from core to core: between the last two that of core 7, before it that of core 6.
    const links = async () =>
      Promise.all([
        hasInk('wavelet-1', [7 * pitch, pitch / 2], pitch / 6),
        hasInk('wavelet-0', [6 * pitch, pitch / 2], pitch / 6),
      ]);
    const buttons = page.locator('.player [data-color]');
    expect(await buttons.allTextContents()).toEqual(['all', ' 0', ' 1']);
    expect(await links()).toEqual([true, true]);
    await buttons.nth(1).click();
    expect(await links()).toEqual([false, true]);
    expect(await buttons.nth(1).getAttribute('aria-pressed')).toBe('true');
    // With the second one all are shown again.
    await buttons.nth(2).click();
    expect(await links()).toEqual([true, true]);
    expect(await buttons.nth(0).getAttribute('aria-pressed')).toBe('true');
  });

  it('says what the core under the pointer does, and shows the program of one that is chosen', async () => {
    const recording = await open('all-reduce', ALL_REDUCE);
    const { seek } = createReplay(recording);
    await page.fill('.player input[type=range]', '50');
    await page.hover('.mesh', { position: await middleOf(8, 3, 2) });
    const core = 2 * 8 + 3;
    expect(await page.textContent('.pointed')).toBe(coreText(recording, seek(50), core));
    await page.click('.mesh', { position: await middleOf(8, 3, 2) });
    expect(await page.textContent('.core h3')).toContain('Core 3, 2');
    const list = recording.lists[recording.roles[recording.roleOf[core]].list];
    expect(await page.locator('.core ol li').allTextContents()).toEqual(list);
    for (const at of [0, 50, Math.floor(recording.to / 2)]) {
      await page.fill('.player input[type=range]', String(at));
      const operation = seek(at).operation[core];
      const current = await page.locator('.core li[aria-current]').allTextContents();
      expect(current).toEqual(list.slice(operation, operation + 1));
    }
    await page.click('.mesh', { position: await middleOf(8, 3, 2) });
    expect(await page.textContent('.core')).toBe('No core is chosen.');
  });

  it('is worked by keys alone', async () => {
    const recording = await open('all-reduce', ALL_REDUCE);
    await page.focus('.mesh');
    await page.keyboard.press('.');
    await page.keyboard.press('.');
    await page.keyboard.press(',');
    expect(await cycle()).toBe(1);
    await page.keyboard.press('End');
    expect(await cycle()).toBe(recording.to - 1);
    await page.keyboard.press('Home');
    for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowUp'])
      await page.keyboard.press(key);
    expect(await page.textContent('.core h3')).toContain('Core 1, 1');
    await page.keyboard.press('Escape');
    expect(await page.textContent('.core')).toBe('No core is chosen.');
    await page.keyboard.press(' ');
    await expect.poll(cycle).toBeGreaterThan(0);
    await page.keyboard.press(' ');
    expect(await page.textContent('.player button[aria-label="Play"]')).toBe('play');
  });

  it('has all cores as a table, of the cycle that is shown', async () => {
    const recording = await open('reduce', CHAIN);
    await page.click('.player details summary');
    const row = page.locator('.words tbody tr').nth(6);
    await expect.poll(() => page.locator('.words tbody tr').count()).toBe(8);
    expect(await row.textContent()).toContain('6, 0waits for a wavelet');
    await page.fill('.player input[type=range]', String(recording.to - 1));
    expect(await row.textContent()).toContain('6, 0idleits program is over');
  });

  it('shows the critical path up to the cycle', async () => {
    await open('reduce', CHAIN);
    await page.fill('.player input[type=range]', '62');
    expect(await page.textContent('.on-path')).toBe(
      'Critical path: flight of reduce at core 7, 0, cycles 60 to 64',
    );
    const isMarked = async () => hasInk('mark', await edgeOf(7), 3);
    expect(await isMarked()).toBe(false);
    await page.click('.player button:text("critical path")');
    expect(await isMarked()).toBe(true);
  });

  it('is dark for a reader whose system is dark, at once when that changes', async () => {
    await open('reduce', CHAIN, { colorScheme: 'dark' });
    const ink = () =>
      page.evaluate<string>(`(() => {
        const canvas = document.querySelector('.mesh');
        const at = Math.round((7.5 / 8) * canvas.width);
        return canvas.getContext('2d').getImageData(at, canvas.height / 2, 1, 1).data.join();
      })()`);
    const dark = await ink();
    await page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(ink).not.toBe(dark);
  });

  it('gives its document away', async () => {
    await open('reduce', CHAIN);
    const coming = page.waitForEvent('download');
    await page.click('text=kernel.json');
    const download = await coming;
    expect(download.suggestedFilename()).toBe('reduce-kernel.json');
    const { schema } = JSON.parse(readFileSync(await download.path(), 'utf8')) as {
      schema: string;
    };
    expect(schema).toBe('wafersim.kernel/1');
  });

  it('is chosen from by touch on a phone, where nothing is cut off', async () => {
    await open('all-reduce', { ...ALL_REDUCE, grid: '16x16' }, { width: 390, hasTouch: true });
    await page.touchscreen.tap(...(await onPage(16, 5, 7)));
    expect(await page.textContent('.core h3')).toContain('Core 5, 7');
    expect(await overflow(page)).toBe(0);
  });

  it.each(LOOKS)(
    'has nothing serious against it, $colorScheme, $width pixels wide',
    async (look) => {
      await open('all-reduce', ALL_REDUCE, look);
      await page.click('.mesh', { position: await middleOf(8, 1, 1) });
      await page.evaluate(
        'document.querySelectorAll("details").forEach((one) => (one.open = true))',
      );
      expect(await seriousFindings(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    },
  );

  it('of 16 x 16 cores shows a cycle, wherever it is, in less than 50 milliseconds', async () => {
    const recording = await open('all-reduce', { ...ALL_REDUCE, grid: '16x16', words: 256 });
    const times = await page.evaluate<number[]>(`(() => {
      const scrub = document.querySelector('.player input[type=range]');
      return Array.from({ length: 41 }, (_, i) => {
        scrub.value = String((i * 7919) % ${recording.to});
        const begun = performance.now();
        scrub.dispatchEvent(new Event('input'));
        return performance.now() - begun;
      });
    })()`);
    // The host may do other work in some of them.
    expect(times.toSorted((a, b) => a - b)[20]).toBeLessThan(50);
  });
});

/** A point of the outline of a router in a row of eight. */
async function edgeOf(core: number): Promise<[number, number]> {
  const { width } = (await page.locator('.mesh').boundingBox())!;
  const pitch = width / 8;
  return [(core + 0.5) * pitch, (0.5 - 0.32) * pitch];
}

/** The middle of a core on the page. */
async function onPage(columns: number, x: number, y: number): Promise<[number, number]> {
  await page.locator('.mesh').scrollIntoViewIfNeeded();
  const box = (await page.locator('.mesh').boundingBox())!;
  const at = await middleOf(columns, x, y);
  return [box.x + at.x, box.y + at.y];
}
