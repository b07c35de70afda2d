/** Operators of two runs, ranked by how much their cycles changed. */

/** Cycles by operator, in program order. */
type Operators = Record<string, { cycles: number }>;

export interface Change {
  operator: string;
  /** Cycles in the one and in the other run; 0 where it has no such operator. */
  before: number;
  after: number;
  /** `after` less `before`. */
  difference: number;
}

/** The largest change first, whichever way; they add up to the difference of the runs' cycles per token. */
export function operatorChanges(before: Operators, after: Operators): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changes = names.map((operator): Change => {
    const cycles = [before, after].map((of) => of[operator]?.cycles ?? 0);
    return { operator, before: cycles[0], after: cycles[1], difference: cycles[1] - cycles[0] };
  });
  // Sorting keeps the order of the program where changes are equal.
  return changes.sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference));
}
