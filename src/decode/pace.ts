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

/**
 * The slowest stage, and the cycles between two tokens of its region if the next one is always there
 * and leaves at once. `alone` is the only token that the ring has had.
 */
export async function paceOf(ring: Ring, alone: Turn): Promise<{ stage: number; pace: number }> {
  const spans = spansOf(alone, ring.stages);
  const longest = Math.max(...spans);
  let slowest = { stage: 0, pace: 0 };
  for (const [stage, span] of spans.entries()) {
    if (span < NEARLY * longest) continue;
    const pace = Math.max(1, await paceOfStage(ring, alone, stage));
    if (pace > slowest.pace) slowest = { stage, pace };
  }
  return slowest;
}

/** Two more tokens on a stage's region, which are there when it is done with the one before. */
async function paceOfStage(ring: Ring, alone: Turn, index: number): Promise<number> {
  const { stages, runs } = ring;
  const stage = stages[index];
  const { region } = stage;
  const ends = ring.ends.map((done) => done.slice());
  const { first, start } = alone.visits[index];
  const sends = ends[region].map((end, of) => end - first - start.ends[of]);
  let pace = 0;
  for (let token = 0; token < 2; token++) {
    const before = ends[region];
    const long = before.reduce((a, b) => Math.min(a, b)) - alone.timing.cycles;
    const sending = stage.senders.map(() => long);
    await visit(runs, ends, stage, index, long, sending);
    ends[region] = ends[region].map((end, of) => end + sends[of]);
    pace = ends[region].reduce((most, end, of) => Math.max(most, end - before[of]), 0);
  }
  return pace;
}
