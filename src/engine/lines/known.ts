/** Results of lines that are known: found by all that they depend on, or simulated and kept. */
import { columnOf } from '../fast/tables.js';
import { keepCycles, likelyAsked } from './cycles.js';
import type { Line } from './divide.js';
import { keyOf, type LineResult } from './result.js';
import { placeAmong, pointersOf, resultOfLine, simulate } from './simulate.js';
import { sameWords } from './shapes.js';
import { stretched } from './stretch.js';
import type { LineTable, Shape } from './table.js';

/** Simulates a line and keeps what comes of it; undefined if it does not end as it should. */
export function* simulated(
  table: LineTable,
  { shape, group }: Pick<Line, 'shape' | 'group'>,
  starts: Int32Array,
  pointers: Int32Array,
  nudges: Int32Array,
): Generator<void, LineResult | undefined> {
  // Cycles that were asked for of a line like it are likely to be asked for of this one.
  const asked = shape.askedAt.get(keyOf(starts)) ?? shape.asked.get(group);
  const { routers, words } = likelyAsked(asked, starts);
  const counts = yield* simulate(table, shape, starts, pointers, nudges, routers, words);
  if (counts === undefined) return undefined;
  const result = resultOfLine(table, shape, starts, pointers, nudges, counts);
  if (routers.length > 0) keepCycles(table, result, routers, words, counts.moves!.bits);
  keep(shape, result);
  return result;
}

const NONE: readonly LineResult[] = [];

/**
 * The result of a line that starts so, if it is known.
 * @param pointers where pointers are, of which those of its routers have these numbers
 */
export function find(
  table: LineTable,
  shape: Shape,
  starts: Int32Array,
  nudges: Int32Array,
  pointers: Uint8Array,
  routers: Int32Array,
): LineResult | undefined {
  // Mostly it is as the line of this shape before.
  const { last } = shape;
  if (last !== undefined && isResult(shape, last, starts, nudges, pointers, routers)) return last;
  const alike = shape.results.get(keyOf(starts)) ?? NONE;
  for (let i = 0; i < alike.length; i++)
    if (isResult(shape, alike[i], starts, nudges, pointers, routers))
      return (shape.last = alike[i]);
  return nudges.length > 0 ? undefined : findStretched(table, shape, starts, pointers, routers);
}

function isResult(
  shape: Shape,
  result: LineResult,
  starts: Int32Array,
  nudges: Int32Array,
  pointers: Uint8Array,
  routers: Int32Array,
): boolean {
  return (
    sameWords(result.starts, starts) &&
    sameWords(result.nudges, nudges) &&
    hasPointers(shape, result, pointers, routers)
  );
}

/** The result of a line that starts as one that is known does, but for how far its bunches are apart: it is kept. */
function findStretched(
  table: LineTable,
  shape: Shape,
  starts: Int32Array,
  pointers: Uint8Array,
  routers: Int32Array,
): LineResult | undefined {
  const { bunched } = shape;
  // Mostly it is one of the last.
  for (let i = bunched.length - 1; i >= 0; i--) {
    // It depends on the same pointers.
    if (!hasPointers(shape, bunched[i], pointers, routers)) continue;
    const result = stretched(table, shape, bunched[i], starts);
    if (result === undefined) continue;
    keep(shape, result);
    return result;
  }
  return undefined;
}

/** Does a result hold with pointers where they are? */
function hasPointers(
  shape: Shape,
  result: LineResult,
  pointers: Uint8Array,
  routers: Int32Array,
): boolean {
  const { places } = result;
  if (places === undefined) return true;
  const { several, colors } = shape;
  // Mostly they are where they were at the line before.
  const last = (result.foundWith ??= columnOf(pointersOf(shape, result), several));
  for (let i = 0; i < several.length; i++) {
    const router = several[i];
    const pointer = pointers[routers[router]];
    if (pointer === last[i]) continue;
    if (placeAmong(colors[router], pointer) !== places[i]) return false;
    last[i] = pointer;
  }
  return true;
}

function keep(shape: Shape, result: LineResult): void {
  shape.last = result;
  const key = keyOf(result.starts);
  const alike = shape.results.get(key);
  if (alike === undefined) shape.results.set(key, [result]);
  else alike.push(result);
  if (result.quiets !== undefined) shape.bunched.push(result);
}
