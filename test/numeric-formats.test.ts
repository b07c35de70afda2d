/** Formats of few bits: every code by hand, ties, saturation, and how blocks become codes and scales. */
import { describe, expect, it } from 'vitest';
import { E2M1, QUANTISE, roundE2m1, roundE4m3 } from '../src/numeric/formats.js';
import { bytesOf } from '../src/numeric/types.js';
import { mxfp4Of, quantiseBlocks, scaleAt, unblocked } from '../src/model/blocks.js';
import { MXFP4, formatOf, int4Of, matrixBytes } from '../src/model/formats.js';

/** The numbers of E4M3 by their bits, written down apart from the code: no infinities, 127 is no number. */
function e4m3(bits: number): number {
  const exponent = (bits >> 3) & 15;
  const fraction = bits & 7;
  const size = exponent === 0 ? fraction / 512 : (1 + fraction / 8) * 2 ** (exponent - 7);
  return bits & 128 ? -size : size;
}

describe('E4M3', () => {
  const all = Array.from({ length: 127 }, (_, bits) => e4m3(bits));

  it('keeps each of its numbers', () => {
    for (const x of all) expect([roundE4m3(x), roundE4m3(-x)]).toEqual([x, -x]);
    expect([all[1], all[7], all[8], all[126]]).toEqual([2 ** -9, 7 / 512, 2 ** -6, 448]);
  });

  it('takes the nearest one, and of two the one whose last bit is 0', () => {
    for (let bits = 0; bits < 126; bits++) {
      const [low, high] = [all[bits], all[bits + 1]];
      const middle = (low + high) / 2;
      expect(roundE4m3(middle), `${middle}`).toBe(bits % 2 === 0 ? low : high);
      expect(roundE4m3(middle - low * 1e-9 - 1e-12)).toBe(low);
      expect(roundE4m3(middle + low * 1e-9 + 1e-12)).toBe(high);
    }
  });

  it('ends at 448', () => {
    expect([449, 480, 1e9, -1e9].map(roundE4m3)).toEqual([448, 448, 448, -448]);
  });
});

describe('E2M1', () => {
  it('keeps each of its numbers, and has no others', () => {
    expect(E2M1.slice(0, 8)).toEqual([0, 0.5, 1, 1.5, 2, 3, 4, 6]);
    for (const x of E2M1) expect(roundE2m1(x)).toBe(x);
  });

  it('takes the nearest one, and of two the one whose last bit is 0', () => {
    const ties = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5];
    expect(ties.map(roundE2m1)).toEqual([0, 1, 1, 2, 2, 4, 4]);
    expect([0.26, 0.74, 1.26, 4.9, 5.1].map(roundE2m1)).toEqual([0.5, 0.5, 1.5, 4, 6]);
    expect([-0.75, -5, 6.9, 100, -100].map(roundE2m1)).toEqual([-1, -4, 6, 6, -6]);
  });
});

describe('the scale of a block', () => {
  it('is a power of two by which the largest number has the exponent of 4, in MXFP4', () => {
    const { scale } = QUANTISE.mxfp4;
    expect([1, 4, 6, 7.9, 8, 0.1, 3, 0].map(scale)).toEqual([0.25, 1, 1, 1, 2, 2 ** -6, 0.5, 1]);
    expect([scale(2 ** -140), scale(Number.MAX_VALUE)]).toEqual([2 ** -127, 2 ** 127]);
  });

  it('makes the largest number 448 in FP8, and 7 in integers of 4 bits, in 16 bits', () => {
    expect(QUANTISE.fp8.scale(44.8)).toBe(Math.fround(0.1));
    expect(QUANTISE.int4.scale(0.7)).toBe(0.0999755859375);
    expect([QUANTISE.fp8.scale(0), QUANTISE.int4.scale(0)]).toEqual([1, 1]);
    expect([7.4, 7.5, 9, -7.6, -9, 2.5, 3.5].map(QUANTISE.int4.code)).toEqual([
      7, 7, 7, -8, -8, 2, 4,
    ]);
  });
});

describe('a matrix in blocks', () => {
  // Two outputs of five inputs, in groups of two: the last one is of one input.
  const values = () => Float32Array.of(7, -3.5, 0, 0, 14, 1, 0.5, 70, 10, 0);

  it('has a scale for each group, ragged and empty ones included', () => {
    const matrix = quantiseBlocks(values(), 5, int4Of(2));
    expect([...matrix.blocks!.scales]).toEqual([1, 1, 2, 0.142822265625, 10, 1]);
    expect([...matrix.values]).toEqual([7, -4, 0, 0, 7, 7, 4, 7, 1, 0]);
    expect([...unblocked(matrix).values]).toEqual([
      ...[7, -4, 0, 0, 14],
      ...[7 * 0.142822265625, 4 * 0.142822265625, 70, 10, 0],
    ]);
  });

  it('has one for each rectangle in FP8', () => {
    const given = Float32Array.from({ length: 12 }, (_, i) => 2 ** i);
    const matrix = quantiseBlocks(given, 4, { type: 'fp8', block: [2, 3] });
    const scale = (largest: number) => Math.fround(largest / 448);
    expect([...matrix.blocks!.scales]).toEqual([64, 128, 1024, 2048].map(scale));
    expect([scaleAt(matrix, 1, 2), scaleAt(matrix, 1, 3), scaleAt(matrix, 2, 0)]).toEqual(
      [64, 128, 1024].map(scale),
    );
    expect(matrix.values[6]).toBe(448);
  });

  it('is refused where its scale is beyond 16 bits', () => {
    const huge = () => quantiseBlocks(Float32Array.of(1e6), 1, int4Of());
    expect(huge).toThrow('model.bits: expected weights that int4 can scale, found 1000000');
  });

  it('of MXFP4 has the earlier number in the lower half of a byte, and another if halves are swapped', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4));
    const matrix = mxfp4Of(bytes, [128], 32);
    expect([...matrix.values.slice(0, 6)]).toEqual([0, -6, 0.5, -4, 1, -3]);
    expect([...unblocked(matrix).values.slice(0, 4)]).toEqual([0, -12, 1, -8]);
    const swapped = mxfp4Of(
      Uint8Array.from(bytes, (b) => ((b & 15) << 4) | (b >> 4)),
      [128],
      32,
    );
    expect([...swapped.values]).not.toEqual([...matrix.values]);
    expect(mxfp4Of([0], [255], 2).blocks!.scales[0]).toBeNaN();
    expect(mxfp4Of([0], [0], 2).blocks!.scales[0]).toBe(2 ** -127);
  });
});

describe('memory', () => {
  it('has two numbers of 4 bits in a byte, and whole bytes', () => {
    const types = ['int4', 'mxfp4', 'fp8', 'e8m0', 'i8', 'f16'] as const;
    expect(types.map((type) => bytesOf(type, 7))).toEqual([4, 4, 7, 7, 7, 14]);
  });

  it('of a matrix holds its codes and the scales of its blocks', () => {
    expect(matrixBytes(MXFP4, 10, 64)).toBe(10 * 32 + 10 * 2);
    expect(matrixBytes(int4Of(128), 10, 130)).toBe(10 * 65 + 2 * 10 * 2);
    expect(matrixBytes({ type: 'fp8', block: [128, 128] }, 130, 64)).toBe(130 * 64 + 4 * 2);
    expect(matrixBytes({ type: 'i8' }, 10, 64)).toBe(640);
  });

  it('of 4 bits for all matrices means groups of 32, and routers are not among them', () => {
    const model = { dtype: 'f16', weightBits: 4 } as const;
    expect(formatOf(model, 'experts')).toEqual({ type: 'int4', block: [1, 32] });
    expect(formatOf(model, 'router')).toEqual({ type: 'f16' });
  });
});
