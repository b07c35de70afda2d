/**
 * Tokens of one user on their way through the regions, one after the other. Those of a round are sent when they are
 * known; those of a draft when the one before has been chosen. Rounds follow each other until cores are as they
 * were after the round before.
 */
import type { Contention } from '../contention.js';
import type { StepPlan } from '../../lowering/lowering.js';
import { beginRound, createRing, nextTurn, sendOf, stateOf, type Ring } from '../ring.js';
import type { RunStage, StageTiming, StepTiming } from '../timeline.js';
import { longWaiting, stageRuns, startAtOf, visit, type Visit } from '../visit.js';
import { latestOf } from '../../engine/engine.js';

/** Tokens of a round in their order: their stages, which differ in their programs alone, and what runs them. */
export interface RoundStages {
  plans: StepPlan[];
  /** Of all tokens, one after the other. */
  stages: StageTiming[];
  run: RunStage;
  /** What tokens cost each other on links, if they can meet there; they do not if it is not given. */
  contentionOf?: (alone: readonly Visit[]) => Contention | undefined;
}

export interface TimedRound {
  /** Cycles from the beginning of the round to the last choice. */
  cycles: number;
  /** The same to each token's choice. */
  chosen: number[];
  /** From the beginning of the round, by token: what waits for its turn is the time until it is sent too. */
  timings: StepTiming[];
  /** Visits of the first token, which no other one holds up. */
  first: Visit[];
  /** Of each token its last visit, in cycles from the beginning of the round. */
  last: Visit[];
}

/** Rounds after which one that does not come back is taken as it is. */
const MOST_ROUNDS = 6;

/**
 * Times a round whose tokens are sent so many cycles after its beginning. Where wavelets of two tokens meet on links,
 * they wait for each other, unless the programs that show it would be too large.
 */
export async function timeRound(of: RoundStages, launches: readonly number[]): Promise<TimedRound> {
  const apart = await repeating(await ringOf(of), launches);
  const contention = launches.length > 1 ? of.contentionOf?.(apart.first) : undefined;
  if (contention === undefined) return apart;
  const met = await repeating(await ringOf(of, contention), launches);
  return contention.gaveUp ? apart : met;
}

/** Rounds until the cores are as they were after one before; the longest of those that come again and again. */
async function repeating(ring: Ring, launches: readonly number[]): Promise<TimedRound> {
  const seen = new Map<string, number>();
  const made: TimedRound[] = [];
  for (;;) {
    made.push(await nextRound(ring, launches));
    const state = stateOf(ring);
    const before = seen.get(state);
    seen.set(state, made.length);
    const again = before === undefined ? [made.at(-1)!] : made.slice(before);
    if (before === undefined && made.length < MOST_ROUNDS) continue;
    return again.reduce((a, b) => (b.cycles > a.cycles ? b : a));
  }
}

/** A ring of the tokens of a round before its first visit. */
export async function ringOf(
  { plans, stages, run }: RoundStages,
  contention?: Contention,
): Promise<Ring> {
  const length = stages.length / plans.length;
  const { places } = plans[0];
  return createRing(stages, places.length, stageRuns(stages, run), [], [], { length, contention });
}

async function nextRound(ring: Ring, launches: readonly number[]): Promise<TimedRound> {
  const begun = ring.now;
  beginRound(ring, launches);
  const chosen: number[] = [];
  const timings: StepTiming[] = [];
  const last: Visit[] = [];
  let first: Visit[] = [];
  while (timings.length < launches.length) {
    const { timing, visits } = await nextTurn(ring);
    const head = visits.at(-1)!;
    timings.push(timing);
    if (timings.length === 1) first = visits;
    last.push({ ...head, first: head.first - begun });
    chosen.push(ring.now - begun);
  }
  return { cycles: ring.now - begun, chosen, timings, first, last };
}

/** Cycles of a round that ends with this visit, if the stage is this one: a head that compares, say. */
export async function endingWith(
  { stages: [stage], run }: RoundStages,
  { start, first }: Visit,
): Promise<number> {
  const { labelEnd } = await run(0, startAtOf(stage, start));
  return first + latestOf(labelEnd);
}

/**
 * Cycles of each token of a chain, in which every token is the choice before.
 * @param later cycles after each choice that the core is busy before it sends the token on
 */
export async function timeChain(of: RoundStages, later: number): Promise<number[]> {
  const ring = await ringOf(of);
  const cycles: number[] = [];
  for (const index of of.plans.keys()) {
    const begun = ring.now;
    const wait = index === 0 ? 0 : later;
    sendOf(ring, index, wait);
    await nextTurn(ring);
    cycles.push(ring.now - begun - wait);
  }
  return cycles;
}

/** How long words are on their way, and how long their first core takes to send them. */
export interface Trip {
  sent: number;
  arrives: number;
  /** Of these cycles those between wafers, or to the host and back. */
  crossing: number;
}

/** One core's words to another, when both have long been waiting. */
export async function timeTrip(
  { places, stages: plans }: StepPlan,
  of: {
    stages: StageTiming[];
    run: RunStage;
  },
): Promise<Trip> {
  const ends = longWaiting(of.stages, places.length);
  const runs = stageRuns(of.stages, of.run);
  let arrives = 0;
  let sent = 0;
  for (const [i, stage] of of.stages.entries()) {
    const sending = stage.senders.map(() => arrives + stage.crossing);
    const { start, first, end } = await visit(runs, ends, stage, i, 0, sending);
    if (i === 0) sent = first + start.result.end[stage.senders[0].core];
    arrives = end;
  }
  return { sent, arrives, crossing: plans.reduce((sum, { crossing }) => sum + crossing, 0) };
}
