/**
 * Whether predictions rank what was measured as it was measured: for choosing between two designs the
 * order matters more than the error. A sweep is what one source published of one kernel on one machine.
 */
import type { Sweep, ValidateRow } from './document.js';

/** Fewer have no order to speak of. */
const LEAST = 3;

/** The sweeps among the rows that have an error, in the order of their first rows. */
export function sweepsOf(rows: ValidateRow[]): Sweep[] {
  const groups = new Map<string, ValidateRow[]>();
  for (const row of rows) {
    if (row.error === null) continue;
    const key = JSON.stringify([row.cohort, row.kernel, row.source]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const sweeps = [...groups.values()].filter((group) => group.length >= LEAST);
  return sweeps.map((group) => {
    const [measured, predicted] = [
      group.map((row) => row.measured),
      group.map((row) => row.predicted!),
    ];
    const [{ cohort, kernel, source }] = group;
    return {
      ...{ cohort, kernel, source },
      ids: group.map(({ id }) => id),
      rankCorrelation: rankCorrelation(measured, predicted),
      ...inversions(measured, predicted),
    };
  });
}

/** Spearman's: the correlation of the ranks, equal values sharing the mean of theirs. Null if all are equal. */
export function rankCorrelation(a: number[], b: number[]): number | null {
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (a.length - 1) / 2;
  const product = (u: number[], v: number[]) =>
    u.reduce((sum, rank, i) => sum + (rank - middle) * (v[i] - middle), 0);
  const spread = Math.sqrt(product(x, x) * product(y, y));
  return spread === 0 ? null : product(x, y) / spread;
}

function ranks(values: number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal - 1) / 2;
  });
}

/** Pairs that were measured unequal, and those of them that are predicted the other way round. */
function inversions(measured: number[], predicted: number[]) {
  let [pairs, inverted] = [0, 0];
  for (let i = 0; i < measured.length; i++)
    for (let j = 0; j < i; j++) {
      const order = Math.sign(measured[i] - measured[j]);
      if (order === 0) continue;
      pairs++;
      if (Math.sign(predicted[i] - predicted[j]) === -order) inverted++;
    }
  return { inversions: inverted, pairs };
}
