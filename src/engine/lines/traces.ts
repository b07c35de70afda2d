/** What lines leave behind at their routers, and whether another one was there before they were through. */
import type { Line } from './divide.js';
import { NEVER_MOVES, type LineResult } from './result.js';

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
