/**
 * The choice of positions alone, on a rectangle of cores: that of a stable sort, whatever the scores are. In layers:
 * sparse-attention.test.ts.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { digitsOf, selectionShape } from '../src/mapping/selection.js';
import { roundF16, type FloatType } from '../src/numeric/types.js';
import { count as runs } from './helpers/full.js';
import { latentWith } from './helpers/latent-models.js';
import { wse3 } from './placement-helpers.js';
import { selectionProgram, type SelectionCase } from './helpers/selection-program.js';

/** Those with the largest scores, of equal ones the earlier, in order. */
function largest(scores: readonly number[], topK: number): number[] {
  const order = [...scores.keys()].toSorted((a, b) => scores[b] - scores[a] || a - b);
  return order.slice(0, topK).toSorted((a, b) => a - b);
}

function chosenOf(of: SelectionCase, scores: readonly number[]) {
  const wafer = { ...wse3(), width: of.columns, height: of.rows };
  const { program, memoryOf, chosenIn } = selectionProgram(of, wafer);
  const memory = memoryOf(scores);
  const slow = reference({ program, wafer, memory });
  expect(fast({ program, wafer })).toEqual(slow);
  const [chosen, ...others] = chosenIn(memory);
  for (const other of others) expect(other).toEqual(chosen);
  return { chosen, slow };
}

const whole = (min: number, max: number) => fc.integer({ min, max });
const ROUNDED = { f16: roundF16, f32: Math.fround } as const;

/** Numbers of a type that are told apart in different ways, many of them equal. */
const scoresOf = (dtype: FloatType, count: number) => {
  const powers = dtype === 'f16' ? whole(-24, 15) : whole(-149, 127);
  const signed = fc.constantFrom(-1, 1);
  const one = fc.oneof(
    fc.tuple(powers, signed, fc.double({ min: 1, max: 2, noNaN: true, maxExcluded: true })),
    fc.tuple(powers, signed, fc.constantFrom(1, 1.5)),
    fc.tuple(fc.constant(-1), signed, fc.constantFrom(0, 0, 1, 2)),
  );
  const number = one.map(([power, sign, size]) => {
    const rounded = ROUNDED[dtype](sign * size * 2 ** power);
    return Number.isFinite(rounded) ? rounded : sign;
  });
  return fc.array(number, { minLength: count, maxLength: count });
};

const cases = fc
  .record({
    dtype: fc.constantFrom<FloatType>('f16', 'f32'),
    ...{
      rows: whole(1, 9),
      columns: whole(1, 9),
      topK: whole(1, 12),
      more: whole(1, 20),
      left: whole(0, 5),
    },
    groups: whole(1, 3),
  })
  .chain(({ more, left, ...of }) => {
    const count = of.topK + more;
    const room = count + left;
    return fc.tuple(fc.constant({ ...of, count, room }), scoresOf(of.dtype, count));
  });

const sparse = latentWith({
  indexer: { heads: 1, dim: 4, topK: 40, own: true, pairs: 'halves' },
});

describe('a rectangle of cores', () => {
  it('chooses as a stable sort does, whatever the scores are', () => {
    fc.assert(
      fc.property(cases, ([of, scores]) => {
        expect(chosenOf(of, scores).chosen).toEqual(largest(scores, of.topK));
      }),
      { numRuns: runs(30, 150), seed: 3 },
    );
  });

  const own = { rows: 4, columns: 3, topK: 3, count: 10, room: 10, groups: 1 } as const;
  it.each<[string, number[]]>([
    ['all are equal', Array(10).fill(0.75)],
    ['all are 0', Array(10).fill(0)],
    ['all are 0, of both signs', [-0, 0, -0, 0, 0, -0, 0, -0, 0, 0]],
    ['all are below 0', [-3, -1, -2, -1, -5, -1, -1, -9, -1, -2]],
    ['too few are above 0', [0, -1, 4, 0, -2, 0, 2, -1, 0, 0]],
    ['the last of them is 0', [-1, -2, 0, -3, 1, -4, 2, -5, -6, -7]],
    [
      'they differ by the last bit',
      [1, 1, 1 + 2 ** -10, 1, 1 - 2 ** -11, 1, 1, 1, 1 + 2 ** -10, 1],
    ],
    ['they are the least', [0, 2 ** -24, 2 ** -24, 0, 2 ** -23, 0, 2 ** -24, 0, 0, 0]],
    ['they are the largest', [65504, 65504, 65472, 65504, 1, 65504, -65504, 2, 3, 4]],
    ['they are the most negative', [-65504, -65504, -65472, -65504, ...Array(6).fill(-65504)]],
  ])('chooses the earliest where %s', (_, scores) => {
    for (const dtype of ['f16', 'f32'] as const)
      expect(chosenOf({ ...own, dtype }, scores).chosen, dtype).toEqual(largest(scores, 3));
  });

  it('takes the same time whatever the scores are', () => {
    const of = { ...own, dtype: 'f16' } as const;
    const [rising, equal] = [[...Array(10).keys()], Array<number>(10).fill(-1)];
    expect(chosenOf(of, rising).slow).toEqual(chosenOf(of, equal).slow);
  });

  it('goes through every bit, the shorter digits first', () => {
    for (let bits = 1; bits < 30; bits++)
      for (const width of [2, 3, 4, 7]) {
        const digits = digitsOf(bits, width);
        expect(digits.reduce((sum, digit) => sum + digit, 0)).toBe(bits);
        expect(Math.max(...digits)).toBeLessThanOrEqual(width);
        expect(digits.toSorted((a, b) => a - b)).toEqual(digits);
      }
  });

  it('deals the numbers of wide digits out to many columns', () => {
    const scores = Array.from({ length: 120 }, (_, i) => ((i * 37) % 50) - 10);
    for (const columns of [1, 17, 130]) {
      const many = { dtype: 'f16', rows: 2, topK: 40, count: 120, room: 120, groups: 1 } as const;
      expect(chosenOf({ ...many, columns }, scores).chosen).toEqual(largest(scores, 40));
      const { exponent, fraction, place } = selectionShape(sparse, 'f16', 120, columns)!;
      const [widest] = [...exponent, ...fraction, ...place].toSorted((a, b) => b.bits - a.bits);
      expect(widest.share).toBeLessThanOrEqual(columns === 1 ? 5 : 2);
      expect(widest.share * widest.parts).toBeGreaterThanOrEqual(widest.numbers);
      expect(widest.parts).toBeLessThanOrEqual(columns);
    }
  });
});
