/**
 * Did lines that were simulated apart stay apart? They do if no router moves wavelets of two of them in one cycle,
 * if none whose pointer matters to one of them moved for another in between, and if a family's lines find what it
 * left behind before in order. Up to the first cycle in which two meet, what was simulated is right; so if none is
 * seen to meet, there is none.
 */
import { MOVES } from '../fast/machine-code.js';
import type { Line } from './divide.js';
import type { Pass } from './pass.js';
import { NEVER_MOVES, placeAmong, pointersOf, simulate, type LineResult } from './simulate.js';
import type { LineTable } from './table.js';

/** What lines left behind so far. */
export interface Traces {
  /** By core: its router's pointer, and the last cycle in which it moved anything. */
  pointers: Uint8Array;
  last: Float64Array;
  /** By family, if cores return to it: by core, from when all places that its router took, or itself, are free. */
  free: Map<number, Record<'router' | 'core', Float64Array>>;
  /** Routers that a line uses before another one, known earlier, was through. */
  flagged: number[];
  /** A family was returned to before it was through. */
  returned: boolean;
}

/** Follows moves of a line's routers. */
export function followMoves(
  { pointers, last, flagged }: Traces,
  { routers }: Line,
  result: LineResult,
  base: number,
): void {
  const { first: firsts, last: lasts, pointers: after } = result;
  for (let i = 0; i < routers.length; i++) {
    const first = firsts[i];
    if (first === NEVER_MOVES) continue;
    const router = routers[i];
    const before = last[router];
    if (base + first <= before) flagged.push(router);
    const to = base + lasts[i];
    if (to <= before) continue;
    last[router] = to;
    pointers[router] = after[i];
  }
}

/** Follows what a family's lines leave in queues, and sees whether one comes too early. */
export function followFree(
  traces: Traces,
  { routers, shape }: Line,
  result: LineResult,
  base: number,
  family: number,
): void {
  const { first, free, coreFree, starts } = result;
  const before = freeOf(traces, family);
  const { actors } = shape;
  let early = false;
  for (let i = 0; i < actors.length; i++) {
    const core = routers[actors[i]];
    if (base + starts[i] < before.core[core]) early = true;
    const after = base + coreFree[actors[i]];
    if (after > before.core[core]) before.core[core] = after;
  }
  for (let i = 0; i < routers.length; i++) {
    const router = routers[i];
    const from = before.router[router];
    if (first[i] !== NEVER_MOVES && base + first[i] < from) early = true;
    const after = base + free[i];
    if (after > from) before.router[router] = after;
  }
  if (early) traces.returned = true;
}

function freeOf({ free, last }: Traces, family: number): Record<'router' | 'core', Float64Array> {
  let of = free.get(family);
  if (of === undefined) {
    const never = () => new Float64Array(last.length).fill(-Infinity);
    free.set(family, (of = { router: never(), core: never() }));
  }
  return of;
}

/** A line at a router: its place in it, its cycles there, its colours and where it leaves the pointer. */
interface Use {
  line: number;
  at: number;
  from: number;
  to: number;
  colors: number;
  pointer: number;
  /** If its first cycle is: the place of the pointer among its colours with which it was simulated. */
  place?: number;
}

/** Pairs of groups of which lines met, or 'returned' if a family was returned to too early. */
export function* meetings(
  table: LineTable,
  pass: Pass,
): Generator<void, 'returned' | [number, number][]> {
  const { traces, division } = pass;
  if (traces.returned) return 'returned';
  const met = new Map<number, [number, number]>();
  for (const router of new Set(traces.flagged)) {
    const uses = usesOf(pass, router);
    for (let a = 0; a < uses.length; a++)
      for (let b = a + 1; b < uses.length; b++) {
        const [one, other] = [
          division.lines[uses[a].line].group,
          division.lines[uses[b].line].group,
        ];
        const key = one * division.cuts.masks.length + other;
        if (met.has(key)) continue;
        if (yield* meet(table, pass, uses[a], uses[b])) met.set(key, [one, other]);
      }
    for (const use of uses) {
      const other = misledBy(use, uses);
      if (other === undefined) continue;
      const groups = [use, other].map(({ line }) => division.lines[line].group);
      met.set(groups[0] * division.cuts.masks.length + groups[1], [groups[0], groups[1]]);
    }
  }
  return [...met.values()];
}

/** All lines that move something at a router, in their order. */
function usesOf({ division, results, bases }: Pass, router: number): Use[] {
  const uses: Use[] = [];
  for (const [group, { of }] of division.nets.entries()) {
    const line = of[router] < 0 ? -1 : division.lineOf[group][of[router]];
    if (line < 0) continue;
    const { routers, shape } = division.lines[line];
    const at = placeIn(routers, router);
    const { first, last, open, pointers, places } = results[line];
    if (first[at] === NEVER_MOVES) continue;
    const [from, to] = [bases[line] + first[at], bases[line] + last[at]];
    const opensFirst = (open[at] & MOVES.openFirst) !== 0;
    const place = opensFirst ? places![placeIn(shape.several, at)] : undefined;
    const colors = shape.colors[at];
    const use = { line, at, from, to, colors, pointer: pointers[at] };
    uses.push({ ...use, ...(place !== undefined && { place }) });
  }
  return uses.toSorted((a, b) => a.line - b.line);
}

/**
 * A line that may have left the pointer elsewhere than where another one was simulated with it, if its place matters to
 * that: the last one that was through before it, or one that was under way.
 */
function misledBy(use: Use, uses: Use[]): Use | undefined {
  const { from, colors, place } = use;
  if (place === undefined) return undefined;
  const others = uses.filter((other) => other !== use);
  let last: Use | undefined;
  for (const other of others) {
    if (other.from >= from) continue;
    if (other.to < from) {
      if (last === undefined || other.to > last.to) last = other;
      continue;
    }
    if (!leavesAt(other, colors, place)) return other;
  }
  if (last !== undefined) return placeAmong(colors, last.pointer) === place ? undefined : last;
  // Nothing was through before: the pointer is where it is at first, unless one was under way.
  const isFirst = others.every((other) => other.from >= from);
  return isFirst && place !== 0 ? others[0] : undefined;
}

/** Where a router is among others in rising order. */
function placeIn(routers: Int32Array, router: number): number {
  let [from, to] = [0, routers.length - 1];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (routers[middle] < router) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Do two lines move something in one cycle, or one of them before an open cycle of the other and after its first? */
function* meet(table: LineTable, pass: Pass, a: Use, b: Use): Generator<void, boolean> {
  const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
  if (from > to) return false;
  const [of, other] = [yield* movesOf(table, pass, a), yield* movesOf(table, pass, b)];
  let [next, also] = [nextMove(of, a, from), nextMove(other, b, from)];
  while (next <= to || also <= to) {
    if (next === also) return true;
    // Whatever the one moves before the other's next cycle: if that is not open, the pointer is then as it was.
    if (next < also) {
      if (also <= b.to && isOpenAt(other, b, also, a)) return true;
      next = nextMove(of, a, also);
    } else {
      if (next <= a.to && isOpenAt(of, a, next, b)) return true;
      also = nextMove(other, b, next);
    }
  }
  return false;
}

type Moves = NonNullable<LineResult['moves']> & { base: number };

/** The first cycle from `t` on in which a router moves anything for a line; Infinity if there is none. */
function nextMove({ words, bits, base }: Moves, { at }: Use, t: number): number {
  if (t === Infinity) return t;
  const cycle = Math.max(0, t - base);
  let mask = -1 << (cycle & 31);
  for (let word = cycle >> 5; word < words; word++) {
    const rest = bits[3 * at * words + word] & mask;
    if (rest !== 0) return base + word * 32 + 31 - Math.clz32(rest & -rest);
    mask = -1;
  }
  return Infinity;
}

/**
 * Is a line's cycle open, and the pointer not where another line leaves it? One whose colours are all before, behind or
 * around its own leaves it before or behind them all.
 */
function isOpenAt(
  { words, bits, base }: Moves,
  { at, colors }: Use,
  t: number,
  other: Use,
): boolean {
  const cycle = t - base;
  const isIn = (row: number) =>
    ((bits[(3 * at + row) * words + (cycle >> 5)] >>> (cycle & 31)) & 1) === 1;
  return isIn(2) || (isIn(1) && !leavesAt(other, colors, 0));
}

/** Does a line leave the pointer at this place among some colours, whatever it moves? */
function leavesAt(line: Use, colors: number, place: number): boolean {
  for (let rest = line.colors; rest !== 0; rest &= rest - 1)
    if (placeAmong(colors, 32 - Math.clz32(rest & -rest)) !== place) return false;
  return true;
}

/** The cycles with moves of a line's routers: it is simulated once more, and they are noted. */
function* movesOf(
  table: LineTable,
  { division, results, bases }: Pass,
  { line }: Use,
): Generator<void, Moves> {
  const result = results[line];
  if (result.moves === undefined) {
    const { shape } = division.lines[line];
    let last = 0;
    for (let i = 0; i < result.last.length; i++)
      if (result.first[i] !== NEVER_MOVES) last = Math.max(last, result.last[i]);
    const words = (last >> 5) + 1;
    const counts = yield* simulate(table, shape, result.starts, pointersOf(shape, result), words);
    result.moves = { words, bits: counts!.moves!.bits };
    table.bytes += result.moves.bits.byteLength;
  }
  return { ...result.moves, base: bases[line] };
}
