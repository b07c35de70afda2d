/** Cores that work on their own for any time, of which timers inform the fast engine. */
import { describe, expect, it } from 'vitest';
import { fast } from '../src/engine/fast/fast.js';
import type { Operation } from '../src/program/program.js';
import { R, changeRoute, row, role, testWafer, work } from './helpers/programs.js';

const wafer = testWafer();
/** A core that works for so many cycles each time, and in between gives a colour of its own a new route. */
const works = (...cycles: number[]) =>
  role(cycles.join(), {
    operations: cycles.flatMap((n): Operation[] => [work(n), changeRoute(0, R, 0)]),
  });
const endOf = (cycles: number[]) => cycles.reduce((a, b) => a + b);

/** Around a turn of the wheel of timers and half of it, and beyond. */
const TIMES = [1, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 12_289];

describe('local work', () => {
  it.each(TIMES)('of %i cycles next to two stretches of others ends when it is over', (one) => {
    for (const first of TIMES)
      for (const second of TIMES) {
        const program = row(works(one), works(first, second));
        const { end } = fast({ program, wafer });
        expect([...end], `${first} and ${second}`).toEqual([one, first + second]);
      }
  });

  it('of many cores, each several times, ends when each is over', () => {
    const lists = Array.from({ length: 200 }, (_, core) =>
      Array.from({ length: 6 }, (_, i) => 1 + ((core * 7919 + i * 104_729) % 10_007)),
    );
    const { end, labelEnd } = fast({ program: row(...lists.map((list) => works(...list))), wafer });
    expect([...end]).toEqual(lists.map(endOf));
    expect(labelEnd[0]).toBe(Math.max(...lists.map(endOf)));
  });
});
