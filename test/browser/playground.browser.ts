/** The playground in a real browser, opened as a file: the command's own cycles, at once, and never frozen. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, loadHardware } from '../../src/config.js';
import { runKernel } from '../../src/studies/kernel/kernel.js';
import { simulate } from '../../src/studies/run/run.js';
import { readKernelLine } from '../../src/playground/kernel-line.js';
import { FULL } from '../helpers/full.js';
import { OPTIONS } from '../helpers/options.js';

const FOLDER = resolve('dist/playground');
const PAGE = pathToFileURL(join(FOLDER, 'index.html')).href;
const { kernels } = JSON.parse(readFileSync('src/playground/presets.json', 'utf8')) as {
  kernels: Record<string, string>;
};
const DESKTOP = { width: 1280, height: 1000 };
const PHONE = { width: 390, height: 844 };
/** A whole wafer takes a minute or more in a page. */
const LONG = 180_000;

let browser: Browser;
beforeAll(async () => {
  execFileSync(process.execPath, ['src/playground/build.mjs']);
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
});
afterAll(async () => {
  await browser?.close();
});

let page: Page;
/** What the page complained of, and what it asked the network for. */
let wrong: string[];
beforeEach(() => {
  wrong = [];
});
afterEach(async () => {
  await page?.close();
  if (wrong.length > 0) throw new Error(`the page complains or fetches: ${wrong.join('\n')}`);
});

/** Noted from the first script on: violations of the policy, and tasks that keep the page for more than 50 ms. */
const NOTES = `
  globalThis.noted = { violations: [], tasks: [] };
  addEventListener('securitypolicyviolation', (e) => noted.violations.push(e.violatedDirective + ' ' + e.blockedURI));
  new PerformanceObserver((list) => noted.tasks.push(...list.getEntries().map((e) => e.duration)))
    .observe({ type: 'longtask', buffered: true });`;

async function open(hash = '', viewport = DESKTOP, colorScheme: 'light' | 'dark' = 'light') {
  const context = await browser.newContext({ colorScheme, viewport });
  page = await context.newPage();
  page.on('console', (message) => wrong.push(message.text()));
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('request', (request) => {
    if (!/^(?:file|data|blob):/.test(request.url())) wrong.push(request.url());
  });
  await page.addInitScript(NOTES);
  await page.goto(PAGE + hash);
}

/** The cycles, once they are there. */
async function cycles(timeout = 10_000): Promise<number> {
  await page.waitForSelector('html[data-cycles]', { timeout });
  return Number(await page.getAttribute('html', 'data-cycles'));
}

const hashOf = (parts: Record<string, string>) => `#${new URLSearchParams(parts).toString()}`;
const noted = () => page.evaluate<{ violations: string[]; tasks: number[] }>('noted');
const text = (id: string) => page.textContent(id);

/** Moves a slider as a reader does. */
async function slide(path: string, value: number): Promise<void> {
  await page.evaluate(
    `{ const slider = document.getElementById('set-${path}');
       slider.value = '${value}';
       slider.dispatchEvent(new Event('input', { bubbles: true })); }`,
  );
}

/** Milliseconds from a slider's move to the cycles. */
async function answerTo(path: string, value: number): Promise<number> {
  const begun = performance.now();
  await slide(path, value);
  await cycles();
  return performance.now() - begun;
}

async function runInNode(sets: string[] = [], file = 'tiny') {
  return simulate(loadConfig(`configs/${file}.yaml`, sets), OPTIONS);
}

describe('the playground', () => {
  it('is smaller than 400 KB compressed, all of its folder', async () => {
    await open();
    const sizes = readdirSync(FOLDER).map(
      (name) => gzipSync(readFileSync(join(FOLDER, name))).length,
    );
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(400_000);
  });

  it('begins with the tiny model, with the cycles that Node counts', async () => {
    await open();
    const { decode } = await runInNode();
    expect(await cycles()).toBe(decode.cyclesPerToken);
    expect(await text('#speed')).toBe(
      `${decode.tokensPerSecondPerUser.toLocaleString('en-US', { maximumFractionDigits: 1, minimumFractionDigits: 1 })} tokens/s per user`,
    );
    expect((await noted()).violations).toEqual([]);
  });

  it.each(Object.values(kernels).slice(0, 5))(
    'runs %s in as many cycles as Node',
    async (kernel) => {
      await open(hashOf({ kernel }));
      const { name, options } = readKernelLine(kernel);
      const { wafer } = loadHardware('configs/hardware/wse3.yaml');
      const inNode = await runKernel(name, options, wafer, 'fast', OPTIONS);
      expect(await cycles()).toBe(inNode.cycles);
      expect((await noted()).violations).toEqual([]);
    },
  );

  it('answers a slider of the tiny model in half a second, with the numbers of that setting', async () => {
    await open();
    await cycles();
    const times: number[] = [];
    for (const hop of [3, 5, 7, 4, 6, 8])
      times.push(await answerTo('hardware.fabric.hopCycles', hop));
    // A host that does other work too takes longer now and then.
    expect(Math.min(...times)).toBeLessThan(500);
    expect(Math.max(0, ...(await noted()).tasks)).toBeLessThan(100);
    const { decode } = await runInNode(['hardware.fabric.hopCycles=8']);
    expect(await cycles()).toBe(decode.cyclesPerToken);
  });

  it('tells the difference to a pinned result', async () => {
    await open();
    await cycles();
    await page.click('#pin');
    expect(await text('#difference')).toContain('difference 0 tokens/s (0 %)');
    await slide('hardware.clock', 1.05);
    await expect.poll(() => text('#difference')).toContain('(+20 %)');
    await page.click('#unpin');
    expect(await text('#difference')).toBe('');
  });

  it('keeps everything in its address', async () => {
    await open();
    await cycles();
    await slide('hardware.fabric.queueDepth', 2);
    await slide('workload.context', 20);
    await page.selectOption('[id="set-placement.strategy"]', 'snake');
    const { decode } = await runInNode([
      'hardware.fabric.queueDepth=2',
      'workload.context=20',
      'placement.strategy=snake',
    ]);
    await expect.poll(() => cycles()).toBe(decode.cyclesPerToken);
    const [address, command] = [page.url(), await text('#command')];
    expect(command).toBe(
      'wafersim run configs/tiny.yaml --set hardware.fabric.queueDepth=2 --set workload.context=20 --set placement.strategy=snake',
    );
    await page.close();
    await open(new URL(address).hash);
    expect(await cycles()).toBe(decode.cyclesPerToken);
    expect(page.url()).toBe(address);
    expect(await text('#command')).toBe(command);
    expect(await page.inputValue('[id="set-hardware.fabric.queueDepth"]')).toBe('2');
  });

  it('says in one line what is wrong with a configuration', async () => {
    await open(hashOf({ preset: 'tiny', config: 'hardware: wse3\nmodle: tiny\n' }));
    await page.waitForSelector('html[data-state=failed]');
    expect(await text('#status')).toContain('configs/tiny.yaml:2:1: modle');
  });

  it('waits for a button where a machine is large, and stops at another', async () => {
    await open(hashOf({ preset: 'wse3' }));
    await page.waitForSelector('html[data-state=waiting]');
    expect(await text('#status')).toBe('870,000 cores: press simulate to begin');
    await page.click('#run');
    await page.waitForSelector('#progress[value]', { timeout: LONG });
    await page.click('#cancel');
    expect(await page.getAttribute('html', 'data-state')).toBe('cancelled');
    await page.selectOption('#preset', 'tiny');
    expect(await cycles()).toBe((await runInNode()).decode.cyclesPerToken);
  });

  it.runIf(FULL)(
    'simulates a whole wafer in the cycles of Node, and never freezes meanwhile',
    { timeout: 2 * LONG },
    async () => {
      await open(hashOf({ preset: 'wse3' }));
      await page.waitForSelector('html[data-state=waiting]');
      await page.click('#run');
      const inPage = await cycles(LONG);
      await page.waitForTimeout(500);
      const { tasks, violations } = await noted();
      expect(Math.max(0, ...tasks)).toBeLessThan(100);
      expect(violations).toEqual([]);
      const { decode } = await runInNode([], 'wse3');
      expect(inPage).toBe(decode.cyclesPerToken);
    },
  );

  it.each([
    [DESKTOP, 'light'],
    [PHONE, 'light'],
    [DESKTOP, 'dark'],
    [PHONE, 'dark'],
  ] as const)('fits a window of %o, %s', async (viewport, colorScheme) => {
    await open('', viewport, colorScheme);
    await cycles();
    const { width } = await page.evaluate<{ width: number }>(
      '({ width: document.documentElement.scrollWidth })',
    );
    expect(width).toBeLessThanOrEqual(viewport.width);
  });
});
