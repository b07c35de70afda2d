/** Matrices and comparisons of cases that are computed by hand. */
import { expect } from 'vitest';
import type { GqaSpec } from '../../src/model/attention-spec.js';
import { gqaSpec } from '../../src/model/families/common.js';
import type { Matrix } from '../../src/model/model-weights.js';

/** Row after row. */
export const matrix = (...values: number[]): Matrix => ({
  values: Float64Array.from(values),
  scale: 1,
});

export const vector = (...values: number[]): Float64Array => Float64Array.from(values);

/** [size][size] with `value` on the diagonal. */
export const diagonal = (size: number, value = 1): Matrix =>
  matrix(...Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? value : 0)));

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const silu = (x: number): number => x * sigmoid(x);

export function expectClose(
  found: ArrayLike<number>,
  expected: readonly number[],
  digits = 12,
): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, digits);
}

/** One head of two elements that attends to all positions and does not tell them apart. */
export const oneHead: GqaSpec = gqaSpec({
  ...{ heads: 1, kvHeads: 1, headDim: 2, scale: 1, span: { kind: 'full' } },
});
