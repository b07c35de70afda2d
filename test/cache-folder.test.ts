/** The folder of kept results: entries are whole or absent, whatever happens to them, and bounded. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, type CacheFolder } from '../src/store/cache-folder.js';
import { codeHash } from '../src/store/code-hash.js';

let home: string;
let path: string;
let clock: number;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-folder-'));
  path = join(home, 'a', 'b');
  clock = 1_000_000;
});
afterEach(() => rmSync(home, { recursive: true }));

const key = (digit: string) => digit.repeat(64);
const VALUE = { context: 16, alone: 1_234_567, spacing: 89 };
const open = (mostBytes = 1e6): CacheFolder => cacheFolder(path, { mostBytes, now: () => ++clock });

describe('an entry', () => {
  it('is read as it was written, by other processes too, and only under its key', () => {
    const folder = open();
    expect(folder.read(key('a'))).toBeUndefined();
    expect(existsSync(join(home, 'a'))).toBe(false);
    folder.write(key('a'), VALUE);
    folder.write(key('b'), [1, 'two', null, 0.1 + 0.2]);
    expect(open().read(key('a'))).toEqual(VALUE);
    expect(open().read(key('b'))).toEqual([1, 'two', null, 0.1 + 0.2]);
    expect(open().read(key('c'))).toBeUndefined();
    expect(readdirSync(path).toSorted()).toEqual([key('a'), key('b')]);
  });

  it('that is damaged in any byte, cut short or longer is absent, and replaced', () => {
    const folder = open();
    folder.write(key('a'), VALUE);
    const file = join(path, key('a'));
    const whole = readFileSync(file);
    for (let i = 0; i < whole.length; i++) {
      const damaged = Buffer.from(whole);
      damaged[i] ^= 1;
      writeFileSync(file, damaged);
      expect(folder.read(key('a')), `byte ${i}`).toBeUndefined();
      writeFileSync(file, whole.subarray(0, i));
      // The last byte is the line's end, without which all is said.
      if (i < whole.length - 1) expect(folder.read(key('a')), `${i} bytes`).toBeUndefined();
    }
    writeFileSync(file, Buffer.concat([whole, Buffer.from('x')]));
    expect(folder.read(key('a'))).toBeUndefined();
    folder.write(key('a'), { ...VALUE, alone: 5 });
    expect(folder.read(key('a'))).toEqual({ ...VALUE, alone: 5 });
  });

  it('that was copied under another key is absent', () => {
    const folder = open();
    folder.write(key('a'), VALUE);
    copyFileSync(join(path, key('a')), join(path, key('b')));
    expect(folder.read(key('b'))).toBeUndefined();
  });

  it('that is a folder, or in a folder that is a file, is absent, and cannot be written', () => {
    mkdirSync(join(path, key('a')), { recursive: true });
    expect(open().read(key('a'))).toBeUndefined();
    expect(() => open().write(key('a'), VALUE)).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readdirSync(path)).toEqual([key('a')]);
    path = join(home, 'file');
    writeFileSync(path, '');
    expect(open().read(key('a'))).toBeUndefined();
    expect(() => open().write(key('a'), VALUE)).toThrow(/EEXIST|ENOTDIR/);
  });
});

describe('a full folder', () => {
  it('loses the entries that were used longest ago, read or written', () => {
    const folder = open();
    folder.write(key('a'), VALUE);
    const { length } = readFileSync(join(path, key('a')));
    const bounded = open(3 * length);
    for (const digit of ['b', 'c']) bounded.write(key(digit), VALUE);
    expect(readdirSync(path)).toHaveLength(3);
    expect(bounded.read(key('a'))).toEqual(VALUE);
    bounded.write(key('d'), VALUE);
    expect(readdirSync(path).toSorted()).toEqual([key('a'), key('c'), key('d')]);
    bounded.write(key('e'), VALUE);
    expect(readdirSync(path).toSorted()).toEqual([key('a'), key('d'), key('e')]);
    // An entry over the bound is not kept, and takes the others along.
    open(length - 1).write(key('f'), VALUE);
    expect(readdirSync(path)).toEqual([]);
  });

  it('loses what killed writers have left, an hour later, and never foreign files', () => {
    const folder = open();
    folder.write(key('a'), VALUE);
    const left = (name: string, age: number) => {
      writeFileSync(join(path, name), 'half an ent');
      utimesSync(join(path, name), clock - age, clock - age);
    };
    left(`.${key('b')}-1-0`, 3700);
    left(`.${key('c')}-2-0`, 3500);
    left('README', 3700);
    folder.write(key('d'), VALUE);
    expect(readdirSync(path).toSorted()).toEqual(
      [`.${key('c')}-2-0`, 'README', key('a'), key('d')].toSorted(),
    );
  });
});

describe('the hash of the code', () => {
  const write = (name: string, text: string) => {
    mkdirSync(join(home, 'code', 'deep'), { recursive: true });
    writeFileSync(join(home, 'code', name), text);
  };
  const hash = () => codeHash(join(home, 'code'), join(home, 'package.json'));

  it('changes with any file of code, its name, and the version, and with nothing else', () => {
    writeFileSync(join(home, 'package.json'), '{ "version": "1.0.0" }');
    write('a.js', 'let a = 1;');
    write('deep/b.js', 'let b = 2;');
    const first = hash();
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    write('a.d.ts', 'declare let a: number;');
    write('notes.txt', 'nothing');
    expect(hash()).toBe(first);
    write('deep/b.js', 'let b = 3;');
    const changed = hash();
    write('deep/b.js', 'let b = 2;');
    expect(hash()).toBe(first);
    const others = ['c.mjs', 'c.cjs', 'c.ts', 'c.mts'].map((name) => {
      write(name, 'let c;');
      const one = hash();
      rmSync(join(home, 'code', name));
      return one;
    });
    expect(new Set([first, ...others]).size).toBe(5);
    write('c.js', '');
    const more = hash();
    rmSync(join(home, 'code', 'c.js'));
    write('c2.js', '');
    const renamed = hash();
    rmSync(join(home, 'code', 'c2.js'));
    writeFileSync(join(home, 'package.json'), '{ "version": "1.0.1" }');
    expect(new Set([first, changed, more, renamed, hash()]).size).toBe(5);
  });

  it('changes with the version of a dependency as it is installed, wherever that is', () => {
    const versions = { one: '1.0.0', '@org/two': '2.0.0' };
    writeFileSync(join(home, 'package.json'), JSON.stringify({ dependencies: versions }));
    write('a.js', 'let a = 1;');
    const install = (folder: string, name: string, version: string) => {
      const path = join(home, folder, 'node_modules', name);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'package.json'), JSON.stringify({ name, version }));
    };
    const hashes = [hash()];
    for (const [name, version] of [
      ['one', '1.0.0'],
      ['@org/two', '2.0.0'],
      ['one', '1.0.1'],
      ['@org/two', '2.1.0'],
    ]) {
      install('', name, version);
      hashes.push(hash());
    }
    expect(new Set(hashes).size).toBe(5);
    // Not one that the code does not use, nor what else is in it.
    install('', 'three', '1.0.0');
    writeFileSync(join(home, 'node_modules', 'one', 'README.md'), 'text');
    expect(hash()).toBe(hashes[4]);
    install('', 'one', '1.0.0');
    install('', '@org/two', '2.0.0');
    expect(hash()).toBe(hashes[2]);
    // Installed next to the package, as a dependency of another project.
    mkdirSync(join(home, 'node_modules', 'app'));
    writeFileSync(
      join(home, 'node_modules', 'app', 'package.json'),
      JSON.stringify({ dependencies: versions }),
    );
    const next = () => codeHash(join(home, 'code'), join(home, 'node_modules/app/package.json'));
    expect(next()).toBe(hash());
    install('', 'one', '1.0.1');
    expect(next()).toBe(hashes[3]);
  });

  it('changes with what runs the code: the version of V8, and the processor', () => {
    writeFileSync(join(home, 'package.json'), '{}');
    write('a.js', 'let a = 1;');
    const at = (v8: string, arch: string) =>
      codeHash(join(home, 'code'), join(home, 'package.json'), { v8, arch });
    expect(hash()).toBe(at(process.versions.v8, process.arch));
    const all = [hash(), at('1.0', 'x64'), at('1.1', 'x64'), at('1.1', 'arm64')];
    expect(new Set(all).size).toBe(4);
  });

  it('of this build is the same every time', () => {
    expect(codeHash()).toBe(codeHash());
  });
});
