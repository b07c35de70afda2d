/** `prepare` builds again only where something that the build was made of, or has made, is another. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'wafersim-stamp-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SCRIPT = resolve('src/cli/stamp.mjs');
const stamp = (...args: string[]) =>
  spawnSync(process.execPath, [SCRIPT, ...args], { cwd: folder }).status;
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

const SOURCES = [
  ...['src/index.ts', 'src/cli/bundle.mjs', 'src/engine/fast/assembly/main.ts'],
  ...['package.json', 'package-lock.json', 'tsconfig.json'],
];
const MADE = [
  ...['dist/index.js', 'dist/cli/command.js'],
  ...['src/engine/fast/machine-code.ts', 'src/report/page-script.ts'],
];

beforeAll(() => {
  for (const path of [...SOURCES, ...MADE]) write(path, path);
});

it('asks for a build where none was', () => {
  expect(stamp('--check')).toBe(1);
  expect(stamp()).toBe(0);
  expect(stamp('--check')).toBe(0);
});

it.each(SOURCES)('asks for one where %s is another, and not where it is as it was', (path) => {
  write(path, 'other');
  expect(stamp('--check')).toBe(1);
  write(path, path);
  expect(stamp('--check')).toBe(0);
});

it.each(MADE)('asks for one where %s is not there', (path) => {
  renameSync(join(folder, path), join(folder, 'away'));
  expect(stamp('--check')).toBe(1);
  renameSync(join(folder, 'away'), join(folder, path));
  expect(stamp('--check')).toBe(0);
});

it('asks for one where there is a source more, or one has another name', () => {
  write('src/more.ts', '');
  expect(stamp('--check')).toBe(1);
  renameSync(join(folder, 'src/more.ts'), join(folder, 'more.ts'));
  renameSync(join(folder, 'src/index.ts'), join(folder, 'src/other.ts'));
  expect(stamp('--check')).toBe(1);
});
