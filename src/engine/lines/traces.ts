/** What lines leave behind at their routers, and whether another one was there before they were through. */
import type { Division, Line } from './divide.js';
import { NEVER_MOVES, type LineResult } from './result.js';
import type { PassRoom, Times } from './table.js';

/** What lines left behind so far. */
export interface Traces {
  /** By core: its router's pointer, and the last cycle in which it moved anything. */
  pointers: Uint8Array;
  last: Times;
  /** The cycle before all others, in which nothing was yet. */
  never: number;
  /** By family, if cores return to it: from when what its lines took is free. */
  free: Map<number, Freed>;
  /** Routers that a line uses before another one, known earlier, was through. */
  flagged: number[];
  /** A family was returned to before it was through. */
  returned: boolean;
  /** What `last` and `free` are parts of. */
  room: PassRoom;
}

/**
 * From when places of a family are free. Mostly a line has the same routers in all groups of the family, and these are all free
 * before it begins again: then it is enough to know from when on they are, by the first of them.
 */
interface Freed {
  /** Whether lines of the family's groups have the same routers. */
  areSame: boolean;
  lines: Times;
  /** By core, from when all places that its router took, or itself, are free; once the above is not enough. */
  each?: Record<'router' | 'core', Float64Array>;
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

/**
 * Follows what a family's lines leave in queues, and sees whether one comes too early.
 * @returns false where all lines of the family up to this one have to be followed router by router (`followEach`)
 */
export function followFree(
  traces: Traces,
  line: Line,
  result: LineResult,
  base: number,
  family: number,
  { nets, returns }: Division,
): boolean {
  const { free, last, never, room } = traces;
  let of = free.get(family);
  if (of === undefined) {
    const net = nets[line.group];
    const areSame = returns.every((own, group) => !own.includes(family) || nets[group] === net);
    const lines = (room.free[free.size] ??= room.last.slice());
    of = { areSame, lines: lines.fill(never, 0, last.length) };
    free.set(family, of);
  }
  const { routers } = line;
  if (of.each !== undefined) followEach(traces, line, result, base, of.each);
  else if (of.areSame && base >= of.lines[routers[0]])
    of.lines[routers[0]] = base + result.freeFrom;
  else return false;
  return true;
}

/** By core of a family that is to be followed router by router. */
export function freeByCore({ free, last }: Traces, family: number): NonNullable<Freed['each']> {
  const never = () => new Float64Array(last.length).fill(-Infinity);
  return (free.get(family)!.each = { router: never(), core: never() });
}

export function followEach(
  traces: Traces,
  { routers, shape: { actors } }: Line,
  { first, free, coreFree, starts }: LineResult,
  base: number,
  before: NonNullable<Freed['each']>,
): void {
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
