/**
 * Lines whose cores start in bunches, with quiet points between them (fast/assembly/quiet.ts): from when it is quiet
 * until the next bunch starts nothing moves, whatever that takes. So one result is that of all lines that differ in how
 * far the bunches are apart, with the times of each moved as its cores are.
 */
import { latestOf } from '../engine.js';
import type { Counts } from '../fast/load.js';
import { MOVES_ROWS } from '../fast/machine-code.js';
import { bytesOf, freeFrom, hashOf, latestIn, LATEST_START, NEVER_MOVES } from './result.js';
import type { LineResult, Quiet, Stretched } from './result.js';
import { moveBitsOf, type MoveBits } from './move-bits.js';
import { placeIn } from '../../numeric/sorted.js';
import { noteBytes, type LineTable, type Shape } from './table.js';

/** The quiet points of a run; not those at which others start before all is over that was known by then. */
export function quietsOf(
  { actors, image: { labels } }: Shape,
  starts: Int32Array,
  { quiets }: Counts,
): Quiet[] {
  const { rows, cores } = quiets!;
  const words = 2 + 2 * labels;
  const found: Quiet[] = [];
  for (let at = 0, bit = 1; at < rows.length; at += words, bit <<= 1) {
    const from = rows[at + 1];
    let to = Infinity;
    for (const start of starts) if (start > rows[at] && start < to) to = start;
    if (to < from) continue;
    const own: number[] = [];
    for (let label = 0; label < labels; label++) {
      const [all, output] = [rows[at + 2 + 2 * label], rows[at + 3 + 2 * label]];
      if (all > 0) own.push(label, all, output);
    }
    const waiting = [...actors.keys()].filter((i) => (cores[actors[i]] & bit) !== 0);
    const of = { labels: Int32Array.from(own), waiting: Int32Array.from(waiting) };
    found.push({ from, to, ...of });
  }
  return found;
}

/** A known line's result, with its bunches as far apart as those of a line that starts so. */
export function stretched(
  table: LineTable,
  shape: Shape,
  known: LineResult,
  starts: Int32Array,
): LineResult | undefined {
  const later = laterBy(known, starts);
  return later && resultAt(table, shape, known, later, starts);
}

/** By how much a line that starts so is later than another one after each of its quiet points, if it is the same else. */
function laterBy({ quiets, starts: own }: LineResult, starts: Int32Array): number[] | undefined {
  const later = quiets!.map(() => NaN);
  for (let i = 0; i < own.length; i++) {
    const bunch = bunchOf(quiets!, own[i]);
    const more = starts[i] - own[i];
    if (bunch === 0 ? more !== 0 : later[bunch - 1] !== more) {
      if (bunch === 0 || !Number.isNaN(later[bunch - 1])) return undefined;
      later[bunch - 1] = more;
    }
  }
  for (const [i, { from, to }] of quiets!.entries())
    if (to + later[i] < from + (i === 0 ? 0 : later[i - 1])) return undefined;
  return later;
}

/** How many quiet points are over in a cycle. */
function bunchOf(quiets: readonly Quiet[], cycle: number): number {
  let bunch = 0;
  while (bunch < quiets.length && quiets[bunch].to <= cycle) bunch++;
  return bunch;
}

function resultAt(
  table: LineTable,
  shape: Shape,
  of: LineResult,
  later: readonly number[],
  starts: Int32Array,
): LineResult | undefined {
  if (latestOf(of.ends) + Math.max(0, ...later) > 2 * LATEST_START) return undefined;
  const moved = movedBy(of.quiets!, later);
  const [free, coreFree] = [of.free.map(moved), of.coreFree.map(moved)];
  const [ends, last] = [of.ends.map(moved), of.last.map(moved)];
  const freed = freeFrom(shape, free, coreFree);
  const result: LineResult = {
    ...of,
    ...{ starts: starts.slice(), ends, ...waitsAt(of, later) },
    ...{ first: of.first.map(moved), last },
    ...{ free, coreFree, freeFrom: freed, latest: latestIn(ends, last, freed) },
    labels: of.labels.map((word, i) => (i % 3 === 1 ? moved(word) : word)),
    stretched: { of, later },
  };
  delete result.moves;
  delete result.quiets;
  result.hash = hashOf(shape, result.starts);
  noteBytes(table, result.first.length, bytesOf(result));
  return result;
}

/** Where a cycle of a line is in one that is so much later after each of its quiet points. */
function movedBy(quiets: readonly Quiet[], later: readonly number[]) {
  return (cycle: number): number => {
    if (cycle === NEVER_MOVES) return cycle;
    const bunch = bunchOf(quiets, cycle);
    return bunch === 0 ? cycle : cycle + later[bunch - 1];
  };
}

/** Cores that wait at a quiet point do so for as much longer. */
function waitsAt(
  { quiets, waits, waitOutput, ends }: LineResult,
  later: readonly number[],
): Pick<LineResult, 'waits' | 'waitOutput'> {
  const outputs = waitOutput?.slice() ?? new Int32Array(ends.length);
  const byLabel = new Map<number, [number, number]>();
  for (let i = 0; i < waits.length; i += 3) byLabel.set(waits[i], [waits[i + 1], waits[i + 2]]);
  for (const [i, { labels, waiting }] of quiets!.entries()) {
    const more = later[i] - (i === 0 ? 0 : later[i - 1]);
    for (const actor of waiting) outputs[actor] += more;
    for (let at = 0; at < labels.length; at += 3) {
      const [all, output] = byLabel.get(labels[at]) ?? [0, 0];
      byLabel.set(labels[at], [all + more * labels[at + 1], output + more * labels[at + 2]]);
    }
  }
  const inOrder = [...byLabel].filter(([, [all]]) => all > 0).toSorted(([a], [b]) => a - b);
  return {
    waits: Float64Array.from(inOrder.flatMap(([label, [all, output]]) => [label, all, output])),
    ...(outputs.some((cycles) => cycles > 0) && { waitOutput: outputs }),
  };
}

/** The bits of some routers, up to so many words, from those that are noted of the result it is made of. */
export function stretchedMoves(
  { of, later }: Stretched,
  routers: Int32Array,
  words: number,
): MoveBits {
  const { routers: noted, from, numbers, bits } = of.moves!;
  const all = new Int32Array(routers.length * MOVES_ROWS * words);
  const moved = movedBy(of.quiets!, later);
  for (let i = 0; i < routers.length; i++)
    for (let row = 0; row < MOVES_ROWS; row++) {
      const own = MOVES_ROWS * placeIn(noted, routers[i]) + row;
      const to = (MOVES_ROWS * i + row) * words;
      for (let at = from[own]; at < from[own + 1]; at++)
        for (let rest = bits[at]; rest !== 0; rest &= rest - 1) {
          const cycle = moved(numbers[at] * 32 + 31 - Math.clz32(rest & -rest));
          all[to + (cycle >> 5)] |= 1 << (cycle & 31);
        }
    }
  return moveBitsOf(routers, all, words);
}
