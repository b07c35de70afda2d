/** Results of lines that are known: found by all that they depend on, or simulated and kept. */
import { placeAmong, resultOfLine, simulate, type LineResult } from './simulate.js';
import { sameWords } from './shapes.js';
import { mix, type LineTable, type Shape } from './table.js';

/** Simulates a line and keeps what comes of it; undefined if it does not end as it should. */
export function* simulated(
  table: LineTable,
  shape: Shape,
  starts: Int32Array,
  pointers: Int32Array,
  nudges: Int32Array,
): Generator<void, LineResult | undefined> {
  const counts = yield* simulate(table, shape, starts, pointers, nudges);
  if (counts === undefined) return undefined;
  const result = resultOfLine(table, shape, starts, pointers, nudges, counts);
  keep(shape, result);
  return result;
}

function keyOf(starts: Int32Array): number {
  let hash = 0;
  for (let i = 0; i < starts.length; i++) hash = mix(hash, starts[i]);
  return hash;
}

/** The result of a line that starts so, if it is known; `pointerOf` says where pointers are, by router. */
export function find(
  shape: Shape,
  starts: Int32Array,
  nudges: Int32Array,
  pointerOf: (router: number) => number,
): LineResult | undefined {
  const alike = shape.results.get(keyOf(starts));
  if (alike === undefined) return undefined;
  for (const result of alike)
    if (
      sameWords(result.starts, starts) &&
      sameWords(result.nudges, nudges) &&
      hasPointers(shape, result, pointerOf)
    )
      return result;
  return undefined;
}

/** Does a result hold with pointers where they are? */
function hasPointers(
  { several, colors }: Shape,
  { places }: LineResult,
  pointerOf: (router: number) => number,
): boolean {
  if (places === undefined) return true;
  for (let i = 0; i < several.length; i++) {
    const router = several[i];
    if (placeAmong(colors[router], pointerOf(router)) !== places[i]) return false;
  }
  return true;
}

function keep(shape: Shape, result: LineResult): void {
  const key = keyOf(result.starts);
  const alike = shape.results.get(key);
  if (alike === undefined) shape.results.set(key, [result]);
  else alike.push(result);
}
