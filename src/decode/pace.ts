/** Which region lets the fewest tokens through. This is a forecast; simulating the ring shows where tokens wait. */
import { earliestOf, latestOf } from '../engine/engine.js';
import type { Ring, Turn } from './ring.js';
import type { StageTiming } from './timeline.js';
import { visit } from './visit.js';

/** Cycles of each stage from which its region is taken until it waits for the next token. */
export function spansOf({ visits }: Turn, stages: StageTiming[]): number[] {
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
 * The slowest stage if the next token is always there and leaves at once, the first one of several.
 * `alone` is the only token that the ring has had.
 */
export async function paceOf(ring: Ring, alone: Turn): Promise<Saturated> {
  // Waiting for no input, a region takes a token in the time until it is ready for the next one at most.
  const most = spansOf(alone, ring.stages).map(
    (span, stage) => span + latestOf(sendsAfter(ring, alone, stage)),
  );
  const longestFirst = [...most.keys()].toSorted((a, b) => most[b] - most[a]);
  let slowest: Saturated | undefined;
  for (const stage of longestFirst) {
    if (slowest !== undefined && most[stage] < slowest.pace) break;
    const saturated = await saturate(ring, alone, stage);
    const { pace } = saturated;
    const isSlower = slowest === undefined || pace > slowest.pace;
    if (isSlower || (pace === slowest!.pace && stage < slowest!.stage)) slowest = saturated;
  }
  return slowest!;
}

/** Cycles that each core of a stage's region takes to send its result on. */
function sendsAfter({ stages, ends }: Ring, { visits, timing }: Turn, index: number): Float64Array {
  const { first, start } = visits[index];
  const next = (index + 1) % stages.length;
  // The next token's first stage comes after this one's last, and is like this one's first.
  const after = visits[next].first + (next === 0 ? timing.cycles : 0);
  const sends = new Float64Array(ends[stages[index].region].length);
  const { sendEnds } = visits[next].start;
  for (const [i, { of }] of stages[next].senders.entries())
    sends[of] = Math.max(0, after + sendEnds[i] - first - start.ends[of]);
  return sends;
}

/** Two more tokens on a stage's region, which are there when it is done with the one before. */
async function saturate(ring: Ring, alone: Turn, index: number): Promise<Saturated> {
  const { stages, runs } = ring;
  const stage = stages[index];
  const { region } = stage;
  const ends = ring.ends.map((done) => done.slice());
  const sends = sendsAfter(ring, alone, index);
  let saturated: Saturated = { stage: index, pace: 1, ends: ends[region], sends: 0 };
  for (let token = 0; token < 2; token++) {
    const before = ends[region];
    const long = earliestOf(before) - alone.timing.cycles;
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
