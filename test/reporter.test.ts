/** The closing line of a test run, got from real runs of small test files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const VITEST = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);
const REPORTER = fileURLToPath(new URL('reporter.ts', import.meta.url));

describe('the last line of a test run', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  /** Runs files of a new project; its last line on stdout, and its exit code. */
  function lastLine(files: Record<string, string>) {
    for (const [name, source] of Object.entries(files)) writeFileSync(join(home, name), source);
    const options = ['--globals', '--reporter=default', `--reporter=${REPORTER}`];
    const { status, stdout } = spawnSync(
      process.execPath,
      [VITEST, 'run', '--root', home, ...options],
      { encoding: 'utf8' },
    );
    return { status, last: stdout.split('\n').at(-2), ended: stdout.endsWith('\n') };
  }

  it('counts what passed and what failed, and not what was skipped', () => {
    const source = `
      it('a', () => {}); it('b', () => {}); it.skip('c', () => {});
      it('d', () => { throw new Error('no'); });`;
    expect(lastLine({ 'a.test.js': source })).toEqual({
      status: 1,
      last: '2 passed, 1 failed',
      ended: true,
    });
  });

  it('counts a file that cannot be loaded and an error outside any test as failures', () => {
    const files = {
      'broken.test.js': `import './nowhere.js'; it('a', () => {});`,
      'late.test.js': `it('a', () => { void Promise.reject(new Error('late')); });`,
    };
    expect(lastLine(files)).toEqual({ status: 1, last: '1 passed, 2 failed', ended: true });
  });

  it('is plain when everything passes', () => {
    expect(lastLine({ 'a.test.js': `it('a', () => {});` })).toEqual({
      status: 0,
      last: '1 passed, 0 failed',
      ended: true,
    });
  });
});
