/** A run directory whose last step fails: the system refuses to rename the new one into its place. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { HostError } from '../src/index.js';
import { writeRunDirectory } from '../src/cli/output.js';
import { json } from '../src/report/json.js';

let refuses = false;
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const renameSync: typeof fs.renameSync = (from, to) => {
    if (refuses && basename(String(from)) === 'next')
      throw Object.assign(new Error('EIO: i/o error, rename'), { syscall: 'rename', code: 'EIO' });
    real.renameSync(from, to);
  };
  return { ...real, renameSync };
});

const folder = mkdtempSync(join(tmpdir(), 'wafersim-run-directory-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('leaves the earlier run in its place, whole, and nothing else next to it', () => {
  const target = join(folder, 'out');
  const files = (run: string) => ({ 'run.json': `${run}\n`, 'run.txt': `${run} as text\n` });
  writeRunDirectory(target, files('first'));
  refuses = true;
  expect(() => writeRunDirectory(target, files('second'))).toThrow(HostError);
  expect(readdirSync(folder)).toEqual(['out']);
  expect(readdirSync(target).toSorted()).toEqual(['run.json', 'run.txt']);
  expect(readFileSync(join(target, 'run.json'), 'utf8')).toBe('first\n');
  refuses = false;
  writeRunDirectory(target, files('second'));
  expect(readFileSync(join(target, 'run.json'), 'utf8')).toBe('second\n');
});

it('gets JSON with a line for each value, and a line break at the end', () => {
  expect(json({ a: 1, b: '\u2028' })).toBe('{\n  "a": 1,\n  "b": "\\u2028"\n}\n');
});
