/** Which region lets the fewest tokens through. A forecast: where tokens will wait, the ring tells. */
import type { Ring, Turn } from './ring.js';
import type { TimedStage } from './timeline.js';
import { visit } from './visit.js';

/** Regions that are taken for a smaller share of the longest time are not looked at closely. */
const NEARLY = 0.9;

/** Cycles of each stage from which its region is taken until it waits for the next token. */
export function spansOf({ visits }: Turn, stages: TimedStage[]): number[] {
  return visits.map(({ first, free, end }, i) => {
    const { crossing, preparation } = stages[i];
    return end + preparation - Math.max(first - crossing, free);
  });
}

/** A stage whose region always has a token waiting for it. */
export interface Saturated {
  stage: number;
  /** Cycles between two tokens. */
  pace: number;
  /** When the region's cores are done with a token; and when they then send the next one on, at first. */
  ends: Float64Array;
  sends: number;
}

/**
 * The slowest stage if the next token is always there and leaves at once. `alone` is the only token that
 * the ring has had.
 */
export async function paceOf(ring: Ring, alone: Turn): Promise<Saturated> {
  const spans = spansOf(alone, ring.stages);
  const longest = Math.max(...spans);
  let slowest: Saturated | undefined;
  for (const [stage, span] of spans.entries()) {
    if (span < NEARLY * longest) continue;
    const saturated = await saturate(ring, alone, stage);
    if (slowest === undefined || saturated.pace > slowest.pace) slowest = saturated;
  }
  return slowest!;
}

/** Two more tokens on a stage's region, which are there when it is done with the one before. */
async function saturate(ring: Ring, alone: Turn, index: number): Promise<Saturated> {
  const { stages, runs } = ring;
  const stage = stages[index];
  const { region } = stage;
  const ends = ring.ends.map((done) => done.slice());
  const { first, start } = alone.visits[index];
  const sends = ends[region].map((end, of) => end - first - start.ends[of]);
  let saturated: Saturated = { stage: index, pace: 1, ends: ends[region], sends: 0 };
  for (let token = 0; token < 2; token++) {
    const before = ends[region];
    const long = before.reduce((a, b) => Math.min(a, b)) - alone.timing.cycles;
    const sending = stage.senders.map(() => long);
    await visit(runs, ends, stage, index, long, sending);
    const sent = sendsAt(ring, index, ends[region]);
    ends[region] = ends[region].map((end, of) => end + sends[of]);
    const pace = ends[region].reduce((most, end, of) => Math.max(most, end - before[of]), 1);
    saturated = { stage: index, pace, ends: before, sends: sent };
  }
  return saturated;
}

/** Cycle in which the region of a stage, whose cores are done in the cycles `ends`, first sends. */
export function sendsAt({ stages }: Ring, index: number, ends: Float64Array): number {
  const { senders } = stages[(index + 1) % stages.length];
  return senders.reduce((first, { of }) => Math.min(first, ends[of]), Infinity);
}
