/** Pages in Chromium for these tests: nothing may be fetched, and nothing complained of. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';

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

export interface Opener {
  /** Opens a page; what it complains of, and asks the network for, is kept. */
  open: (html: string, look?: Look) => Promise<Page>;
  /** Closes the last page. @throws if it complained or fetched */
  closePage: () => Promise<void>;
  /** The file of the last page. */
  file: string;
  end: () => Promise<void>;
}

export async function createOpener(): Promise<Opener> {
  const home = mkdtempSync(join(tmpdir(), 'wafersim-'));
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  const browser: Browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const file = join(home, 'page.html');
  let page: Page | undefined;
  let wrong: string[] = [];
  return {
    file,
    async open(html, { colorScheme = 'light', width = 1280, hasTouch = false } = {}) {
      await page?.close();
      writeFileSync(file, html);
      page = await browser.newPage({ colorScheme, hasTouch, viewport: { width, height: 1000 } });
      page.on('console', (message) => {
        // Reading pixels back is these tests' doing.
        if (!message.text().includes('getImageData')) wrong.push(message.text());
      });
      page.on('pageerror', (error) => wrong.push(error.message));
      page.on('dialog', (dialog) => {
        wrong.push(`dialog ${dialog.message()}`);
        void dialog.dismiss();
      });
      page.on('request', (request) => {
        if (!/^(?:file|data|blob):/.test(request.url())) wrong.push(request.url());
      });
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
