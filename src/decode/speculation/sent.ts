/** When the tokens of a round are sent: as soon as each is drafted, or all of them once the host has answered. */
import type { Trip } from './round.js';

/** When the tokens of a round are sent, and what of the last one's time until then is what. */
export interface Sent {
  /** Cycles from the beginning of the round. */
  launches: number[];
  draft: number;
  transport: number;
  /** When the draft has taken its own last token; and how long the certain one takes to come to it. */
  own: number;
  back: number;
}

/** Cycles by which the draft is busy with its own last token when the next round's comes to it. */
export function lateBy({ own, back }: Sent, cycles: number): number {
  return Math.max(0, own - cycles - back);
}

/** Each token is drafted out of the one before, and on its way as soon as it is chosen. */
export function drafts(chain: readonly number[], there: Trip, back: Trip): Sent {
  const launches = [there.sent];
  let now = there.arrives;
  for (const [i, cycles] of chain.slice(0, -1).entries()) {
    now += cycles;
    launches.push(now + back.arrives);
    if (i < chain.length - 2) now += back.sent;
  }
  const draft = chain.slice(0, -1).reduce((sum, cycles) => sum + cycles, 0);
  const own = now + back.sent + chain.at(-1)!;
  const transport = launches.at(-1)! - draft;
  return { launches, draft, transport, own, back: there.arrives };
}

/** All tokens follow each other once the host has answered. */
export function answered({ arrives, crossing }: Trip, verified: number): Sent {
  const launches = Array<number>(verified).fill(arrives);
  return { launches, draft: crossing, transport: arrives - crossing, own: 0, back: 0 };
}

/** The certain token is there already. */
export function delayed([certain, ...drafted]: number[], late: number): number[] {
  return [certain, ...drafted.map((cycle) => cycle + late)];
}
