/** Pages in Chromium for these tests: nothing may be fetched, and nothing complained of. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';

export interface Look {
  colorScheme?: 'light' | 'dark';
  width?: number;
  hasTouch?: boolean;
}

/** The four looks in which a page has to be right. */
export const LOOKS: Required<Pick<Look, 'colorScheme' | 'width'>>[] = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 1280 },
  { colorScheme: 'light', width: 390 },
  { colorScheme: 'dark', width: 390 },
];

interface Opener {
  /** Opens a page; what it complains of, and asks the network for, is kept. */
  open: (html: string, look?: Look) => Promise<Page>;
  /** Closes the last page. @throws if it complained or fetched */
  closePage: () => Promise<void>;
  /** The file of the last page. */
  file: string;
  end: () => Promise<void>;
}

/** Chromium: the one that is named, or Debian's. */
export async function launch(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

interface Watched {
  /** Lines of the console that are no complaint. */
  isFine?: (line: string) => boolean;
  /** What pages may ask for. */
  may?: RegExp;
}

/** Keeps what a page complains of, and asks the network for. */
export function watch(
  page: Page,
  wrong: string[],
  { isFine = () => false, may = /^(?:file|data|blob):/ }: Watched = {},
): void {
  page.on('console', (message) => {
    if (!isFine(message.text())) wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('dialog', (dialog) => {
    wrong.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!may.test(request.url())) wrong.push(request.url());
  });
}

/** Pages one after the other in a Chromium for all tests of a file: after each nothing may be wrong. */
export function usePages(): Pick<Opener, 'open' | 'file'> {
  let opener: Opener | undefined;
  beforeAll(async () => {
    opener = await createOpener();
  });
  afterEach(async () => opener?.closePage());
  afterAll(async () => opener?.end());
  return {
    open: async (html, look) => opener!.open(html, look),
    get file() {
      return opener!.file;
    },
  };
}

async function createOpener(): Promise<Opener> {
  const home = mkdtempSync(join(tmpdir(), 'wafersim-'));
  const browser = await launch();
  const file = join(home, 'page.html');
  let page: Page | undefined;
  let wrong: string[] = [];
  return {
    file,
    async open(html, { colorScheme = 'light', width = 1280, hasTouch = false } = {}) {
      await page?.close();
      writeFileSync(file, html);
      page = await browser.newPage({ colorScheme, hasTouch, viewport: { width, height: 1000 } });
      // Reading pixels back is these tests' doing.
      watch(page, wrong, { isFine: (line) => line.includes('getImageData') });
      await page.goto(pathToFileURL(file).href);
      return page;
    },
    async closePage() {
      await page?.close();
      page = undefined;
      const found = wrong;
      wrong = [];
      if (found.length > 0) throw new Error(`the page complains or fetches: ${found.join('\n')}`);
    },
    async end() {
      await browser.close();
      rmSync(home, { recursive: true });
    },
  };
}

/** Pixels by which a page is wider than its window, which cuts it off. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
}
