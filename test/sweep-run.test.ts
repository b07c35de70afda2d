/** Points from their queue to the store: each run once, by whoever is first, and never lost. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { HostError } from '../src/index.js';
import { openSweepStore } from '../src/store/sweep-store.js';
import type { Executor } from '../src/studies/sweep/executor.js';
import type { FrozenPoint } from '../src/studies/sweep/point.js';
import { part, runPoints } from '../src/studies/sweep/run-points.js';

const home = mkdtempSync(join(tmpdir(), 'wafersim-points-'));
afterAll(() => rmSync(home, { recursive: true }));

let folders = 0;
const newFolder = () => join(home, String(folders++));
const pointsOf = (count: number) =>
  Array.from({ length: count }, (_, index): FrozenPoint => {
    return { index, key: `k${index}`, version: '1', axes: {}, settings: [], files: [] };
  });
const open = (count: number) => pointsOf(count).map((point) => ({ point }));
const owner = (process: number, host = 'here') => ({ host, process, began: 1 });

/** Takes some milliseconds for each point, and notes on which slot it ran. */
function executorOf(slots: number, milliseconds = 2) {
  const ran: { slot: number; index: number }[] = [];
  const executor: Executor = {
    slots,
    async run(slot, { index }) {
      ran.push({ slot, index });
      await setTimeout(milliseconds);
      return { run: `{"of": ${index}}\n` };
    },
    close: async () => {},
  };
  return { ran, executor };
}

/** One process at work on a store. */
function working(
  folder: string,
  count: number,
  { executor }: { executor: Executor },
  me = owner(process.pid),
) {
  const store = openSweepStore(folder, me);
  const done: { index: number; isNew: boolean }[] = [];
  const all = runPoints(open(count), store, executor, {
    isDone: ({ key }) => store.stateOf(key) !== 'missing',
    onDone: ({ index }, isNew) => done.push({ index, isNew }),
  }).finally(() => store.leave());
  return { all, done, store };
}

const numbers = (list: { index: number }[]) =>
  list.map(({ index }) => index).toSorted((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('points', () => {
  it('run once each, next to each other in one slot, and the last of the longest queue where one is empty', async () => {
    const folder = newFolder();
    const some = executorOf(2);
    const { run } = some.executor;
    // The second slot takes ten times as long.
    some.executor.run = async (slot, point) => {
      if (slot === 1) await setTimeout(18);
      return run(slot, point);
    };
    const { all, done } = working(folder, 12, some);
    await all;
    expect(numbers(done)).toEqual(upTo(12));
    const of = (slot: number) => some.ran.flatMap((one) => (one.slot === slot ? [one.index] : []));
    expect(of(0).slice(0, 7)).toEqual([0, 1, 2, 3, 4, 5, 11]);
    expect(of(1)[0]).toBe(6);
    expect(readdirSync(folder)).toEqual(['points']);
  });

  it('run once where two processes and more work on them, and all wait for all', async () => {
    const folder = newFolder();
    const executors = [executorOf(2), executorOf(1, 5), executorOf(3, 1)];
    const workers = executors.map((one, i) =>
      working(folder, 40, one, owner(process.pid, `host ${i}`)),
    );
    await Promise.all(workers.map(({ all }) => all));
    expect(numbers(executors.flatMap(({ ran }) => ran))).toEqual(upTo(40));
    for (const { done } of workers) expect(numbers(done)).toEqual(upTo(40));
    const isNew = workers.flatMap(({ done }) => done.filter((one) => one.isNew));
    expect(numbers(isNew)).toEqual(upTo(40));
    expect(readdirSync(folder)).toEqual(['points']);
    expect(readdirSync(join(folder, 'points'))).toHaveLength(40);
  });

  it('that a process had that is dead run here', async () => {
    const folder = newFolder();
    openSweepStore(folder, owner(2 ** 30)).claim('k3');
    const some = executorOf(2);
    await working(folder, 5, some).all;
    expect(numbers(some.ran)).toEqual(upTo(5));
  });

  it('that another host has are waited for, and run here if it gives them up', async () => {
    const folder = newFolder();
    const other = openSweepStore(folder, owner(7, 'there'));
    other.claim('k1');
    other.claim('k2');
    const some = executorOf(1);
    const { all, done } = working(folder, 3, some);
    await setTimeout(50);
    expect(numbers(done)).toEqual([0]);
    other.writeRun('k1', '{}');
    other.release('k1');
    other.leave();
    await all;
    expect(done.map(({ index, isNew }) => [index, isNew])).toEqual(
      expect.arrayContaining([
        [0, true],
        [1, false],
        [2, true],
      ]),
    );
    expect(numbers(some.ran)).toEqual([0, 2]);
  });

  it('end where the store cannot be written, and leave no claim', async () => {
    const folder = newFolder();
    const some = executorOf(2);
    const store = openSweepStore(folder, owner(process.pid));
    const full = () => {
      throw new HostError('ENOSPC: no space left on device, write');
    };
    // One slot meets it, and the other one stops as well.
    const writeRun = (key: string, text: string) =>
      key === 'k0' ? full() : store.writeRun(key, text);
    const isDone = ({ key }: FrozenPoint) => store.stateOf(key) !== 'missing';
    const running = runPoints(open(20), { ...store, writeRun }, some.executor, {
      isDone,
      onDone: () => {},
    });
    await expect(running).rejects.toThrow('ENOSPC');
    await setTimeout(50);
    store.leave();
    expect(some.ran.length).toBeLessThan(5);
    expect(readdirSync(folder)).not.toContain('.work');
  });
});

describe('parts', () => {
  it('of a list are all of it, in order, each as long as the others but for one', () => {
    for (const [length, count] of [
      [10, 3],
      [2, 5],
      [7, 7],
      [0, 2],
    ]) {
      const all = upTo(length);
      const parts = upTo(count).map((i) => part(all, i, count));
      expect(parts.flat()).toEqual(all);
      const lengths = parts.map((of) => of.length);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }
  });
});
