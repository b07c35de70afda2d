/** Lines with nudges: what changes if others leave pointers of their routers elsewhere. */
import { moveAlike, noteCycles } from './cycles.js';
import { find, simulated } from './known.js';
import type { Nudges, Pass } from './pass.js';
import type { LineResult } from './result.js';
import { pointersOf } from './simulate.js';
import { sameWords } from './shapes.js';
import type { LineTable } from './table.js';

/**
 * Simulates lines with nudges. Where that changes nothing but pointers, their results take the place of those without,
 * and it is over; if any is changed, the lines after it have to be gone through again: false.
 */
export function* nudgeLines(
  table: LineTable,
  pass: Pass,
  nudges: Nudges,
): Generator<void, boolean> {
  const { results, division } = pass;
  // Columns that cross the same rows have equal nudges.
  let last: { before: LineResult; words: Int32Array; after: LineResult } | undefined;
  for (const [l, words] of nudges) {
    const before = results[l];
    if (sameWords(before.nudges, words)) continue;
    if (last?.before === before && sameWords(last.words, words)) {
      results[l] = last.after;
      continue;
    }
    const line = division.lines[l];
    const { shape } = line;
    const pointers = pointersOf(shape, before);
    const { starts } = before;
    const numbers = Int32Array.from(pointers.keys());
    const after =
      find(table, shape, starts, words, Uint8Array.from(pointers), numbers) ??
      (yield* simulated(table, line, starts, pointers, words));
    if (after === undefined || !areAlike(before, after)) return false;
    // Others are at these routers at one time; at all else it is enough that they come first and last as before.
    const noted = [before, after].flatMap(({ moves }) => [...(moves?.routers ?? [])]);
    yield* noteCycles(table, line, before, noted);
    yield* noteCycles(table, line, after, noted);
    if (!moveAlike(before, after)) return false;
    results[l] = after;
    last = { before, words, after };
  }
  return true;
}

const NO_WAITS = new Int32Array(0);

function areAlike(a: LineResult, b: LineResult): boolean {
  return (
    a.hazards === b.hazards &&
    sameWords(a.waitOutput ?? NO_WAITS, b.waitOutput ?? NO_WAITS) &&
    ALL_TIMES.every((name) => sameWords(a[name], b[name]))
  );
}

const ALL_TIMES = [
  'ends',
  'labels',
  'waits',
  'first',
  'last',
  'free',
  'coreFree',
  'pointers',
] as const;
