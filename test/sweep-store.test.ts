/** The store of a sweep: files are whole or absent, and one process alone has a point. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSweepStore } from '../src/store/sweep-store.js';

const home = mkdtempSync(join(tmpdir(), 'wafersim-store-'));
afterAll(() => rmSync(home, { recursive: true }));

let folders = 0;
const newFolder = () => join(home, String(folders++));
const me = { host: 'here', process: process.pid, began: 1 };
/** No process has this number. */
const dead = { ...me, process: 2 ** 30 };
const elsewhere = { host: 'there', process: 1, began: 7 };
const error = {
  schema: 'wafersim.error/1',
  key: 'a',
  status: 'does not fit',
  exitCode: 4,
  message: 'too big',
} as const;

/** Leaves what a process leaves that is killed while it has a point. */
function killed(folder: string, owner: typeof me, key: string) {
  const store = openSweepStore(folder, owner);
  expect(store.claim(key)).toBe(true);
  return store;
}

describe('the store of a sweep', () => {
  it('keeps a run or an error of a point, and is nothing but its files when all have left', () => {
    const folder = newFolder();
    const store = openSweepStore(folder, me);
    expect(existsSync(folder)).toBe(false);
    expect(store.stateOf('a')).toBe('missing');
    store.claim('a');
    store.writeError('a', error);
    expect([store.stateOf('a'), store.readError('a')]).toEqual(['error', error]);
    store.writeRun('a', '{}\n');
    expect([store.stateOf('a'), store.readRun('a')]).toEqual(['run', '{}\n']);
    store.release('a');
    store.write('results.csv', 'x\n');
    store.leave();
    expect(readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()).toEqual([
      'points',
      'points/a',
      'points/a/run.json',
      'results.csv',
    ]);
  });

  it('takes an error that is not whole, or of another point, for none', () => {
    const store = openSweepStore(newFolder(), me);
    store.writeError('b', error);
    expect(store.readError('b')).toBeUndefined();
    writeFileSync(join(store.folder, 'points/b/error.json'), '{"schema": "wafersim.err');
    expect(store.readError('b')).toBeUndefined();
  });

  it('names what is not its own', () => {
    const store = openSweepStore(newFolder(), me);
    expect(store.foreign()).toBeUndefined();
    mkdirSync(join(store.folder, 'holiday'), { recursive: true });
    expect(store.foreign()).toBe('holiday');
  });
});

describe('a claim', () => {
  it('is had by one store at a time, until it is released', () => {
    const folder = newFolder();
    const [one, two] = [openSweepStore(folder, me), openSweepStore(folder, elsewhere)];
    expect([one.claim('a'), one.claim('a'), two.claim('a')]).toEqual([true, true, false]);
    expect(two.claim('b')).toBe(true);
    one.release('a');
    expect(two.claim('a')).toBe(true);
    one.leave();
    expect(one.claim('a')).toBe(false);
    two.leave();
    one.leave();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a dead process of this host is free at once, also twice', () => {
    const folder = newFolder();
    killed(folder, dead, 'a');
    killed(folder, { ...dead, process: 2 ** 30 + 1 }, 'a');
    const [one, two] = [openSweepStore(folder, me), openSweepStore(folder, elsewhere)];
    expect([one.claim('a'), two.claim('a')]).toEqual([true, false]);
    one.leave();
    expect(two.claim('a')).toBe(true);
  });

  it('of an earlier process with the number of this one is free at once', () => {
    const folder = newFolder();
    killed(folder, { ...me, began: 0 }, 'a');
    expect(openSweepStore(folder, me).claim('a')).toBe(true);
  });

  it('of a process without its file is free at once: it said that it ends', () => {
    const folder = newFolder();
    rmSync(killed(folder, elsewhere, 'a').life);
    expect(openSweepStore(folder, me).claim('a')).toBe(true);
  });

  it('of another host is free 120 s after its last sign of life', () => {
    const folder = newFolder();
    const other = killed(folder, elsewhere, 'a');
    const store = openSweepStore(folder, me);
    const at = (seconds: number) => {
      store.beat();
      const now = Date.now() / 1000;
      utimesSync(other.life, now - seconds, now - seconds);
      return store.claim('a');
    };
    expect([at(100), at(119)]).toEqual([false, false]);
    utimesSync(other.life, 0, 0);
    other.beat();
    expect(store.claim('a')).toBe(false);
    expect(at(121)).toBe(true);
    // It was alive after all: what it does is written twice, and is the same.
    other.beat();
    expect(openSweepStore(folder, { ...elsewhere, process: 2 }).claim('a')).toBe(false);
  });

  it('is given up by who finds that another one has it as well', () => {
    const folder = newFolder();
    killed(folder, dead, 'a');
    const [one, two] = [openSweepStore(folder, me), openSweepStore(folder, elsewhere)];
    expect(one.claim('a')).toBe(true);
    // What dead processes have left is cleared, and with it the number below.
    openSweepStore(folder, { ...me, process: process.ppid }).leave();
    expect(readdirSync(join(folder, '.work')).filter((name) => name.startsWith('claim'))).toEqual([
      'claim-a.2',
    ]);
    expect(two.claim('a')).toBe(false);
    expect(readdirSync(join(folder, '.work')).filter((name) => name.startsWith('claim'))).toEqual([
      'claim-a.2',
    ]);
  });
});
