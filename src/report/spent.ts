/** What a token's time is spent on: compute, communication, or waiting for others, from cycle to cycle. */
import type { StepData } from './page/data.js';

export const SPENT = ['compute', 'communication', 'waiting'] as const;

/** What each kind of the critical path is: set-up is work of the core; a wavelet waits for its turn on a link, and for room beyond it. */
const SPENT_ON = {
  compute: 0,
  setup: 0,
  flight: 1,
  arbitration: 2,
  credit: 2,
  handOff: 1,
  otherToken: 2,
} as const;

/** Kinds of the critical path by number, as a page has them. */
export const STRETCHES = Object.keys(SPENT_ON) as (keyof typeof SPENT_ON)[];

/** Cycles from `start` to `end` of which each is spent on one of SPENT, in these shares. */
export interface Stretch {
  start: number;
  end: number;
  shares: readonly [compute: number, communication: number, waiting: number];
}

const WHOLE: readonly Stretch['shares'][] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/**
 * A step by its critical path; without one by its operators, of which it is known how long their busiest core computes
 * but not when, and between which the token waits.
 */
export function stretchesOf({ path, stages }: StepData): Stretch[] {
  const stretches: Stretch[] = [];
  let reached = 0;
  const until = (end: number, shares: Stretch['shares']) => {
    if (end > reached) stretches.push({ start: reached, end, shares });
    reached = Math.max(reached, end);
  };
  if (path !== undefined)
    for (let i = 0; i < path.length; i += 2)
      until(reached + path[i + 1], WHOLE[SPENT_ON[STRETCHES[path[i]]]]);
  else
    for (const { operators } of stages)
      for (const { start, end, compute } of operators) {
        until(start, WHOLE[2]);
        const share = end > start ? compute / (end - start) : 0;
        until(end, [share, 1 - share, 0]);
      }
  return stretches;
}

/** The shares of what is spent in equal parts of the time from one cycle to another: by kind, then by part. */
export function shareOverTime(
  stretches: readonly Stretch[],
  from: number,
  to: number,
  parts: number,
): Float64Array[] {
  const found = SPENT.map(() => new Float64Array(parts));
  const width = (to - from) / parts;
  for (const { start, end, shares } of stretches) {
    const [begin, stop] = [Math.max(start, from), Math.min(end, to)];
    if (stop <= begin) continue;
    const last = Math.min(parts - 1, Math.floor((stop - from) / width));
    for (let i = Math.floor((begin - from) / width); i <= last; i++) {
      const inside = Math.min(stop, from + (i + 1) * width) - Math.max(begin, from + i * width);
      if (inside <= 0) continue;
      shares.forEach((share, kind) => (found[kind][i] += (share * inside) / width));
    }
  }
  return found;
}
