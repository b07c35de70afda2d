/** Bits of cycles, of which only words that are not 0 are kept, tell what a list of the cycles tells. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOVES_ROWS } from '../src/engine/fast/machine-code.js';
import { areAlike, bitBefore, bitFrom, hasBit } from '../src/engine/lines/move-bits.js';
import { haveCommonBit, moveBitsOf } from '../src/engine/lines/move-bits.js';

const WORDS = 12;
const CYCLES = WORDS * 32;

/** Cycles of every row of two routers: some in a row, at ends of words too. */
const rows = fc.array(fc.uniqueArray(fc.nat(CYCLES - 1), { maxLength: 8 }), {
  minLength: 2 * MOVES_ROWS,
  maxLength: 2 * MOVES_ROWS,
});

function bitsOf(cycles: number[][]) {
  const all = new Int32Array(cycles.length * WORDS);
  for (const [row, own] of cycles.entries())
    for (const cycle of own) all[row * WORDS + (cycle >> 5)] |= 1 << (cycle & 31);
  return moveBitsOf(Int32Array.of(3, 7), all, WORDS);
}

const row = fc.nat(2 * MOVES_ROWS - 1);
const cycle = fc.oneof(
  fc.integer({ min: -70, max: CYCLES + 70 }),
  fc.constantFrom(-(2 ** 40), 2 ** 40),
);

describe('bits of cycles', () => {
  it('tell which cycles there are, the next one and the one before', () => {
    const holds = fc.property(rows, row, cycle, (cycles, of, at) => {
      const moves = bitsOf(cycles);
      const own = cycles[of];
      expect(hasBit(moves, of, at)).toBe(own.includes(at));
      expect(bitFrom(moves, of, at)).toBe(Math.min(Infinity, ...own.filter((one) => one >= at)));
      expect(bitBefore(moves, of, at)).toBe(Math.max(-Infinity, ...own.filter((one) => one < at)));
    });
    fc.assert(holds, { numRuns: 400, seed: 3 });
  });

  it('tell whether two lines that begin at different times have a cycle in common, word by word', () => {
    const distance = fc.integer({ min: -CYCLES, max: CYCLES });
    const holds = fc.property(rows, rows, row, row, distance, (a, b, own, other, later) => {
      const [first, last] = [2, WORDS - 3];
      const common = a[own].filter((at) => b[other].includes(at - later));
      const wanted = common.some((at) => at >> 5 >= first && at >> 5 <= last);
      expect(haveCommonBit(bitsOf(a), own, bitsOf(b), other, later, first, last)).toBe(wanted);
    });
    fc.assert(holds, { numRuns: 3000, seed: 4 });
  });

  it('are alike if the rows that are asked for are', () => {
    const holds = fc.property(rows, row, fc.nat(CYCLES - 1), (cycles, of, at) => {
      const others = cycles.map((own, i) => (i === of ? [at] : own));
      const isSame = cycles[of].length === 1 && cycles[of][0] === at;
      const isLast = of % MOVES_ROWS === MOVES_ROWS - 1;
      expect(areAlike(bitsOf(cycles), bitsOf(others), MOVES_ROWS)).toBe(isSame);
      expect(areAlike(bitsOf(cycles), bitsOf(others), MOVES_ROWS - 1)).toBe(isSame || isLast);
    });
    fc.assert(holds, { numRuns: 200, seed: 5 });
  });
});
