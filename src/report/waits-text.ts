/** What cores wait for, the most first, as a page and `inspect` show it. */
import type { PathEntry, WaitResult } from './document.js';
import { count, share } from './numbers.js';
import { WAITS_FOR, kindsOf, sumOf } from './why-text.js';

/** How many are shown one by one. */
const MOST = 8;

export const WAITS_HEAD = ['operator', 'waits for', 'core-cycles', 'share of waiting'];

/** Rows of a table, the most core-cycles first; those after the first few are one row. */
export function waitRows(waits: readonly WaitResult[]): string[][] {
  const whole = sumOf(waits);
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
    ...(rest.length > 0 ? [row(`${rest.length} others`, '', sumOf(rest))] : []),
  ];
}

export const PATH_HEAD = ['operator', 'cores', 'from cycle', 'to cycle', 'cycles', 'spent on'];

/** A path as rows of a table: entries of one operator after each other are one. */
export function pathRows(path: readonly PathEntry[]): string[][] {
  const runs: PathEntry[][] = [];
  for (const entry of path) {
    const run = runs.at(-1);
    if (run?.[0].operator === entry.operator && run[0].wafer === entry.wafer) run.push(entry);
    else runs.push([entry]);
  }
  return runs.map((run) => {
    const [first, last] = [run[0], run.at(-1)!];
    const at = ({ x, y }: PathEntry) => `(${x},${y})`;
    const cores = at(first) === at(last) ? at(first) : `${at(first)} to ${at(last)}`;
    const cycles = last.to - first.from;
    return [first.operator, cores, count(first.from), count(last.to), count(cycles), kindsOf(run)];
  });
}
