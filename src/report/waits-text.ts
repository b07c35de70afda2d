/** What cores wait for, the most first, as a page and `inspect` show it. */
import type { WaitResult } from './document.js';
import { count, share, table } from './format.js';
import { WAITS_FOR } from './why-text.js';

/** How many are shown one by one. */
const MOST = 8;

export const WAITS_HEAD = ['operator', 'waits for', 'core-cycles', 'share of waiting'];

/** Rows of a table, the most core-cycles first; those after the first few are one row. */
export function waitRows(waits: readonly WaitResult[]): string[][] {
  const sum = (of: readonly WaitResult[]) => of.reduce((all, one) => all + one.coreCycles, 0);
  const whole = sum(waits);
  // By name where they are equal: a document may have been written by another version.
  const ranked = waits.toSorted(
    (a, b) => b.coreCycles - a.coreCycles || (a.operator + a.on < b.operator + b.on ? -1 : 1),
  );
  const row = (operator: string, what: string, cycles: number) => [
    operator,
    what,
    count(cycles),
    share(cycles, whole),
  ];
  const shown = ranked.length <= MOST + 1 ? ranked : ranked.slice(0, MOST);
  const rest = ranked.slice(shown.length);
  return [
    ...shown.map(({ operator, on, coreCycles }) => row(operator, WAITS_FOR[on], coreCycles)),
    ...(rest.length > 0 ? [row(`${rest.length} others`, '', sum(rest))] : []),
  ];
}

export function waitsTable(waits: readonly WaitResult[]): string {
  return waits.length === 0 ? '  no core waits' : table(WAITS_HEAD, waitRows(waits));
}
