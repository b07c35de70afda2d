/** The playground in a real browser, opened as a file: the command's own cycles, at once, and never frozen. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, loadHardware } from '../../src/config.js';
import { runKernel } from '../../src/studies/kernel/kernel.js';
import { simulate } from '../../src/studies/run/run.js';
import { readKernelLine } from '../../src/playground/kernel-line.js';
import { FULL } from '../helpers/full.js';
import { OPTIONS } from '../helpers/options.js';
import { seriousFindings } from './axe.js';
import { launch, watch } from './open-page.js';

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
  browser = await launch();
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

/** Noted from the first script on: violations of the policy. */
const NOTES = `
  globalThis.violations = [];
  addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective + ' ' + e.blockedURI));`;

async function open(hash = '', viewport = DESKTOP) {
  const context = await browser.newContext({ viewport });
  page = await context.newPage();
  watch(page, wrong);
  await page.addInitScript(NOTES);
  await page.goto(PAGE + hash);
}

/** The cycles, once they are there. */
async function cycles(timeout = 10_000): Promise<number> {
  await page.waitForSelector('html[data-cycles]', { timeout });
  return Number(await page.getAttribute('html', 'data-cycles'));
}

const hashOf = (parts: Record<string, string>) => `#${new URLSearchParams(parts).toString()}`;
const violations = () => page.evaluate<string[]>('violations');
const text = (id: string) => page.textContent(id);

/** Moves a slider as a reader does. */
async function slide(path: string, value: number): Promise<void> {
  await page.evaluate(
    `{ const slider = document.getElementById('set-${path}');
       slider.value = '${value}';
       slider.dispatchEvent(new Event('input', { bubbles: true })); }`,
  );
}

/** The longest time for which the page is at work without a pause meanwhile, in ms of its processor. */
async function longestTask(work: () => Promise<void>): Promise<number> {
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
  await work();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as Trace;
  const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const ofPages = traceEvents.filter(({ args }) => args?.name === 'CrRendererMain').map(thread);
  const tasks = traceEvents.filter((event) => event.tdur && ofPages.includes(thread(event)));
  expect(tasks.length).toBeGreaterThan(10);
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur / 1000));
}

interface TraceEvent {
  pid: number;
  tid: number;
  /** Microseconds of the thread. */
  tdur?: number;
  args?: { name?: unknown };
}

interface Trace {
  traceEvents: TraceEvent[];
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
    expect(await violations()).toEqual([]);
  });

  it('runs five kernels in as many cycles as Node', async () => {
    const { wafer } = loadHardware('configs/hardware/wse3.yaml');
    const five = Object.values(kernels).slice(0, 5);
    await open(hashOf({ kernel: five[0] }));
    for (const kernel of five) {
      await page.fill('#kernel', kernel);
      const { name, options } = readKernelLine(kernel);
      const inNode = await runKernel(name, options, wafer, 'fast', OPTIONS);
      expect([kernel, await cycles()]).toEqual([kernel, inNode.cycles]);
    }
    expect(await violations()).toEqual([]);
  });

  it('plays the wavelets of a kernel, and says why not where its mesh is large', async () => {
    await open(hashOf({ kernel: 'reduce --algorithm chain --pes 4 --words 2 --dtype f32' }));
    await page.click('#player-place button:text-is(">")');
    expect(await text('#player-place .says')).toMatch(/^Cycle 1: of 4 cores/);
    await page.fill('#kernel', 'reduce --algorithm chain --pes 40 --words 2 --dtype f32');
    await expect.poll(() => text('#player-place')).toContain('the mesh has 40 x 1');
    expect(await cycles()).toBeGreaterThan(0);
    await page.click('[data-shows=model]');
    await cycles();
    expect(await page.isVisible('#player-section')).toBe(false);
    expect(await violations()).toEqual([]);
  });

  it('answers a slider of the tiny model in half a second, with the numbers of that setting', async () => {
    await open();
    await cycles();
    const times: number[] = [];
    const longest = await longestTask(async () => {
      for (const hop of [3, 5, 7, 4, 6, 8])
        times.push(await answerTo('hardware.fabric.hopCycles', hop));
    });
    expect(longest).toBeLessThan(100);
    // A host that does other work too takes longer now and then.
    expect(Math.min(...times)).toBeLessThan(500);
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
      let inPage = 0;
      const longest = await longestTask(async () => {
        await page.click('#run');
        inPage = await cycles(LONG);
        await page.waitForTimeout(1_000);
      });
      expect(longest).toBeLessThan(100);
      expect(await violations()).toEqual([]);
      const { decode } = await runInNode([], 'wse3');
      expect(inPage).toBe(decode.cyclesPerToken);
    },
  );

  it('shows on the map and in time what is chosen in its table and floor plan', async () => {
    await open();
    await cycles();
    await page.waitForSelector('#map[data-drawn="0 busy -1"]');
    await page.click('#floor [data-region="1"]');
    await page.waitForSelector('#map[data-drawn="0 busy 1"]');
    const drawn = () => page.innerHTML('#timeline');
    const all = await drawn();
    await page.click('button.operator:text-is("softmax")');
    expect(await drawn()).not.toBe(all);
    await page.click('button.operator:text-is("softmax")');
    expect(await drawn()).toBe(all);
    // The next result is shown of the same region.
    await slide('hardware.fabric.hopCycles', 3);
    await cycles();
    await page.waitForSelector('#map[data-drawn="0 busy 1"]');
    expect(await page.inputValue('#region')).toBe('1');
  });

  it.each([DESKTOP, PHONE])(
    'fits a window of %o, light and dark, and can be used by everybody',
    async (viewport) => {
      await open('', viewport);
      for (const shows of ['model', 'kernel']) {
        await page.click(`[data-shows=${shows}]`);
        await cycles();
        await page.waitForSelector('#sections section');
        await page.evaluate(
          "for (const one of document.querySelectorAll('details')) one.open = true",
        );
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          const width = await page.evaluate<number>('document.documentElement.scrollWidth');
          expect(width).toBeLessThanOrEqual(viewport.width);
          expect(await seriousFindings(page)).toEqual([]);
        }
      }
    },
  );
});
