/** Places that nothing can be written to: refused before the simulation, as they were given, exit 5. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failureOf } from '../src/cli/errors.js';
import { checkFile, checkRunDirectory, writeFile, writeRunDirectory } from '../src/cli/output.js';

/** What the system says of new temporary folders, if it refuses them. */
let refusal: { code: string; says: string } | undefined;
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const mkdtemp = (prefix: string) => {
    const { code, says } = refusal ?? {};
    if (code === undefined) return real.mkdtempSync(prefix);
    const message = `${code}: ${says}, mkdtemp '${prefix}XXXXXX'`;
    throw Object.assign(new Error(message), { syscall: 'mkdtemp', code });
  };
  return { ...real, mkdtempSync: mkdtemp };
});

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-places-'));
});
afterEach(() => {
  refusal = undefined;
  rmSync(home, { recursive: true });
});

/** Everything below a folder, by its path in it. */
const everything = () =>
  readdirSync(home, { recursive: true, encoding: 'utf8' }).toSorted((a, b) => (a < b ? -1 : 1));

function failure(work: () => unknown) {
  try {
    work();
  } catch (error) {
    return failureOf(error);
  }
  return undefined;
}

const FILES = { 'run.json': '{}\n', 'run.txt': 'one\n' };
/** The name, and with what is put before it for its temporary name. */
const LONG = 'a'.repeat(250);
const isSharedMemory = existsSync('/dev/shm') && readdirSync('/dev/shm').length === 0;

/** By what is wrong: the place below `home`, and what is said of it. */
const IMPOSSIBLE: [what: string, place: (home: string) => string, says: RegExp][] = [
  ['a file where a folder is needed', (home) => join(home, 'letter', 'run'), /^ENOTDIR: [^']*$/],
  ['the same further up', (home) => join(home, 'letter', 'a', 'b', 'run'), /^ENOTDIR: [^']*$/],
  ['a link to nowhere', (home) => join(home, 'link', 'run'), /^ENOENT: [^']*$/],
  ['a name that is too long', (home) => join(home, LONG), /^ENAMETOOLONG: [^']*$/],
  ['the same below new folders', (home) => join(home, 'new', 'a', LONG), /^ENAMETOOLONG: [^']*$/],
  [
    'a new folder of such a name',
    (home) => join(home, 'new', LONG + LONG, 'run'),
    /^ENAMETOOLONG: [^']*$/,
  ],
  ...(existsSync('/proc/self')
    ? [
        ['no folder for files', () => '/proc/run', /^ENOENT: [^']*$/] as const,
        ['the same for its folders', () => '/proc/a/b/run', /^ENOENT: [^']*$/] as const,
      ].map(([what, place, says]): [string, () => string, RegExp] => [what, place, says])
    : []),
];

describe('a place that is impossible', () => {
  it.each(IMPOSSIBLE)('is refused when it is checked: %s', (_, placeIn, says) => {
    writeFileSync(join(home, 'letter'), 'dear');
    symlinkSync(join(home, 'nowhere'), join(home, 'link'));
    const before = everything();
    // As the user wrote it, not as it is resolved.
    const place = relative(process.cwd(), placeIn(home));
    for (const check of [checkRunDirectory, checkFile]) {
      const { exitCode, message } = failure(() => check(place))!;
      const named = ` '${place}'`;
      expect(message.startsWith('wafersim: ') && message.endsWith(named), message).toBe(true);
      expect(message.slice('wafersim: '.length, -named.length)).toMatch(says);
      expect(exitCode).toBe(5);
    }
    expect(everything()).toEqual(before);
    // And rightly so; only Node's mkdir never ends there.
    if (place.includes('proc/a/b')) return;
    expect(failure(() => writeRunDirectory(place, FILES))?.exitCode).toBe(5);
    expect(failure(() => writeFile(place, 'text'))?.exitCode).toBe(5);
  });

  it.each([
    ['EROFS', 'read-only file system'],
    ['EACCES', 'permission denied'],
    ['EPERM', 'operation not permitted'],
    ['ENOSPC', 'no space left on device'],
  ])('is refused with what the system says: %s', (code, says) => {
    refusal = { code, says };
    for (const place of [join(home, 'run'), join(home, 'a', 'b', 'run')])
      for (const check of [checkRunDirectory, checkFile])
        expect(failure(() => check(place))).toEqual({
          exitCode: 5,
          message: `wafersim: ${code}: ${says}, mkdtemp '${place}'`,
        });
    expect(everything()).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)('is refused in a folder without the right to write', () => {
    chmodSync(home, 0o555);
    expect(failure(() => checkRunDirectory(join(home, 'a', 'run')))?.message).toMatch(/EACCES/);
    expect(failure(() => checkFile(join(home, 'file')))?.exitCode).toBe(5);
    chmodSync(home, 0o755);
  });

  it('for a file is refused where a directory is, and for a run where a file is', () => {
    mkdirSync(join(home, 'there'));
    expect(failure(() => checkFile(join(home, 'there')))).toEqual({
      exitCode: 5,
      message: `wafersim: EISDIR: illegal operation on a directory, open '${join(home, 'there')}'`,
    });
    writeFileSync(join(home, 'letter'), 'dear');
    expect(failure(() => checkRunDirectory(join(home, 'letter')))?.exitCode).toBe(2);
    for (const name of ['', ' ']) {
      expect(failure(() => checkFile(name))?.exitCode).toBe(2);
      expect(failure(() => checkRunDirectory(name))?.exitCode).toBe(2);
    }
  });

  it.skipIf(!isSharedMemory)('for a run is refused where a disk is mounted', () => {
    const { exitCode, message } = failure(() => checkRunDirectory('/dev/shm'))!;
    expect(message).toMatch(/^wafersim: E(?:BUSY|XDEV): [^']*, rename '\/dev\/shm'$/);
    expect(exitCode).toBe(5);
    expect(failure(() => writeRunDirectory('/dev/shm', FILES))?.exitCode).toBe(5);
    expect(readdirSync('/dev/shm')).toEqual([]);
  });
});

describe('a place that is possible', () => {
  it('is as it was once it is checked, with what an earlier run left in it', () => {
    const run = join(home, 'run');
    writeRunDirectory(run, FILES);
    writeFileSync(join(home, 'file'), 'text');
    writeFileSync(join(home, 'sealed'), 'text', { mode: 0o444 });
    mkdirSync(join(home, 'empty'));
    symlinkSync('/dev/null', join(home, 'device'));
    const before = everything();
    for (const name of ['run', 'empty', 'new', 'new/a/b/run', LONG.slice(30), 'new/../run'])
      checkRunDirectory(`${home}/${name}`);
    for (const name of ['file', 'sealed', 'device', 'new', 'new/a/b/file'])
      checkFile(`${home}/${name}`);
    expect(everything()).toEqual(before);
    expect(readFileSync(join(run, 'run.txt'), 'utf8')).toBe('one\n');
    expect(readFileSync(join(home, 'file'), 'utf8')).toBe('text');
    // What was checked can be written.
    writeRunDirectory(join(home, 'new/a/b/run'), FILES);
    writeFile(join(home, 'sealed'), 'new');
    expect(readdirSync(join(home, 'new/a/b/run')).toSorted()).toEqual(['run.json', 'run.txt']);
    expect(readFileSync(join(home, 'sealed'), 'utf8')).toBe('new');
  });
});
