/** What of a run is simulated once and taken over where it is equal. */
export const MEMOS = ['all', 'stages', 'lines', 'none'] as const;

/**
 * `stages`: equal stages. `lines`: equal lines of one stage (engine/lines), but every stage anew. `all`: both, and
 * lines of all stages, steps and runs. `none`: nothing, every wavelet of every region moves.
 */
export type Memo = (typeof MEMOS)[number];

export interface Memoized {
  stages: boolean;
  /** Whether programs are run by lines: with what is kept from one to the next, or each with an empty table. */
  lines: 'kept' | 'fresh' | undefined;
}

/** True is `all`, and false `none`. */
export function memoOf(memo: Memo | boolean): Memo {
  return memo === true ? 'all' : memo === false ? 'none' : memo;
}

export function memoized(memo: Memo | boolean): Memoized {
  const of = memoOf(memo);
  const lines = of === 'all' ? 'kept' : of === 'lines' ? 'fresh' : undefined;
  return { stages: of === 'all' || of === 'stages', lines };
}
