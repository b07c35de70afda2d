/**
 * A step of all users: their tokens go round the ring of regions (ring.ts) until what happens repeats.
 * A round is one token of every user, and lasts from a user's choice to its next one.
 *
 * Tokens are let into the ring until one has to wait for a region. A ring that holds more brings no
 * more of them through, so the others wait for their turn before the first region, not inside.
 */
import type { RunResult } from '../engine/engine.js';
import { begun, type Contention } from './contention.js';
import { paceOf, sendsAt, spansOf, type Saturated } from './pace.js';
import { createRing, nextTurn, stateOf, type Ring, type Turn } from './ring.js';
import { addCauses, emptyCauses, withWait } from './timeline.js';
import type { RunStage, StepTiming, StageTiming } from './timeline.js';
import { stageRuns } from './visit.js';
import { addVisitWaits, type Waits } from './waits.js';

/** A result of a stage, and how many tokens of a round had it. */
export interface StageUse {
  stage: number;
  result: RunResult;
  tokens: number;
}

export interface PipelineTiming {
  /** The longest round: the token of the user who has it, and what all cores do meanwhile. */
  timing: StepTiming;
  /** That token's turn. */
  turn: Turn;
  /** The results of that token's stages, and those of all tokens of a round. */
  results: RunResult[];
  uses: StageUse[];
  /** Tokens in the ring at once, at most. */
  inFlight: number;
  /** The stage that keeps its region longest. */
  bottleneck: string;
  /** Tokens until the state of all cores and tokens was one that had been before. */
  simulatedTokens: number;
  /** Tokens from then to then; 0 if no state came back. */
  repeatsAfter: number;
  /** These tokens' turns and the cycles that they take; without a repetition the last round's. */
  turns: Turn[];
  period: number;
  /** Cycles of the round if no wavelets of two users waited for each other on links; and of a token of one user alone. */
  cyclesApart: number;
  cyclesAlone: number;
}

/** Turns that repeat for ever, or the last ones of a ring that was given up. */
export interface Pattern {
  turns: Turn[];
  simulatedTokens: number;
  repeatsAfter: number;
  /** Cycles of the turns. */
  period: number;
}

/** What visits cost each other on links, if any do in a pattern of visits alone. */
export type ContentionOf = (alone: Pattern) => Contention | undefined;

/** What is known of the links that stages use. */
export interface StageLinking {
  /** Whether any two stages use the same links, ever; a turn says over which links wavelets go. */
  haveCommonLinks: (turn: Turn) => boolean;
  contentionOf: ContentionOf;
}

/** Times that all tokens go round, after which a ring whose state does not come back is taken as it is. */
const MOST_ROUNDS = 3;

/**
 * Times a step of each of `users` users.
 * @param keepsDone whether visits of the turns note when cores were done before them
 */
export async function timePipeline(
  stages: StageTiming[],
  regions: number,
  runStage: RunStage,
  users: number,
  contentionOf?: ContentionOf,
  keepsDone = false,
): Promise<PipelineTiming> {
  const ring = await createRing(stages, regions, stageRuns(stages, runStage), [0], []);
  const single = await repeating(ring, 1, keepsDone && users === 1);
  const [turn] = single.turns;
  const slowest = await slowestOf(ring, turn, users);
  const apart =
    users === 1
      ? { pattern: single, inFlight: 1 }
      : await withUsers(ring, turn, slowest, users, { keepsDone });
  const round = roundOf(apart.pattern, users, stages);
  const cyclesApart = round.timing.cycles;
  const cyclesAlone = single.turns.reduce((most, one) => Math.max(most, one.timing.cycles), 0);
  const of = { cyclesApart, cyclesAlone };
  const contention = users === 1 ? undefined : contentionOf?.(apart.pattern);
  const met =
    contention && (await withUsers(ring, turn, slowest, users, { contention, keepsDone }));
  // Part of what tokens wait for each other would be neither.
  if (!met || contention.gaveUp) return { ...round, inFlight: apart.inFlight, ...of };
  return { ...roundOf(met.pattern, users, stages), inFlight: met.inFlight, ...of };
}

export interface FullPipeline {
  /** Cycles of a token of a user alone. */
  alone: number;
  /** Cycles between two tokens of any users, with as many users as make tokens wait for a region. */
  spacing: number;
  /** Those users. */
  users: number;
}

/**
 * How close tokens can follow each other: as the slowest region takes them if the next one is always
 * there. Where tokens visit a region twice, or wait for each other on links, only tokens that go round the
 * ring show it.
 */
export async function timeFull(
  stages: StageTiming[],
  regions: number,
  runStage: RunStage,
  linking?: StageLinking,
): Promise<FullPipeline> {
  const ring = await createRing(stages, regions, stageRuns(stages, runStage), [0], []);
  const [turn] = (await repeating(ring, 1)).turns;
  const alone = turn.timing.cycles;
  const isVisitedTwice = new Set(stages.map(({ region }) => region)).size < stages.length;
  const slowest = await paceOf(ring, turn);
  const canMeet = linking?.haveCommonLinks(turn) === true;
  if (isVisitedTwice || canMeet) {
    const apart = await withUsers(ring, turn, slowest, undefined);
    const contention = canMeet ? linking.contentionOf(apart.pattern) : undefined;
    const met = contention && (await withUsers(ring, turn, slowest, undefined, { contention }));
    if (met && !contention.gaveUp) return { alone, ...spacingOf(met) };
    if (isVisitedTwice) return { alone, ...spacingOf(apart) };
  }
  const { pace } = slowest;
  return { alone, spacing: pace, users: Math.floor(alone / pace) + 1 };
}

/** Cycles between two tokens of a pattern; without a repetition those of its longest round. */
function spacingOf({ pattern, inFlight: users }: { pattern: Pattern; inFlight: number }) {
  const { turns, period, repeatsAfter } = pattern;
  const longest = turns.reduce((most, { timing }) => Math.max(most, timing.cycles), 0);
  return { users, spacing: repeatsAfter === 0 ? longest / users : period / repeatsAfter };
}

/** The slowest stage, where so many users make tokens wait for a region: only there it matters which it is. */
async function slowestOf(ring: Ring, alone: Turn, users: number): Promise<Saturated | undefined> {
  const fits = Math.floor(alone.timing.cycles / Math.max(...spansOf(alone, ring.stages)));
  return users <= fits ? undefined : paceOf(ring, alone);
}

/** `users` users, if so many are given, of whom so many are let in that tokens wait for a region. */
async function withUsers(
  ring: Ring,
  alone: Turn,
  slowest: Saturated | undefined,
  users: number | undefined,
  { contention, keepsDone = false }: { contention?: Contention; keepsDone?: boolean } = {},
): Promise<{ pattern: Pattern; inFlight: number }> {
  const { cycles } = alone.timing;
  // As many as follow each other without waiting, and one more.
  let inFlight = Math.min(users ?? Infinity, Math.floor(cycles / (slowest?.pace ?? 1)) + 1);
  for (; ; inFlight++) {
    const all = users ?? inFlight;
    const full = await createRingOf(ring, alone, slowest, all, inFlight, contention);
    const pattern = await repeating(full, all, keepsDone);
    const { period, repeatsAfter } = pattern;
    const waits = repeatsAfter === 0 || period * inFlight > cycles * repeatsAfter;
    if (waits || inFlight === users) return { pattern, inFlight };
  }
}

/**
 * A ring with `inFlight` tokens, evenly spread over that of one, or as far apart as the slowest region
 * takes. In the latter case that region begins so late that they wait there, as they will ever after:
 * waiting moves from region to region, a little with every token, until it is all before the slowest.
 */
async function createRingOf(
  one: Ring,
  alone: Turn,
  slowest: Saturated | undefined,
  users: number,
  inFlight: number,
  contention: Contention | undefined,
): Promise<Ring> {
  const { stages, ends, runs } = one;
  const { cycles } = alone.timing;
  const apart = Math.max(slowest?.pace ?? 1, Math.floor(cycles / inFlight));
  const launches = Array.from({ length: inFlight }, (_, i) => i * apart);
  const turn = Math.max(cycles, inFlight * apart);
  // As if the waiting tokens had been chosen one after the other.
  const others = users - inFlight;
  const waiting = Array.from({ length: others }, (_, i) => turn - (others - i) * apart);
  const ring = await createRing(stages, ends.length, runs, launches, waiting, {
    delay: others * apart,
    contention: contention && begun(contention),
  });
  if (slowest !== undefined && turn > cycles) {
    const first = alone.timing.stages[slowest.stage].start;
    const { ends: own } = alone.visits[slowest.stage].start;
    // The first token leaves the region by so much later than it would.
    const sends = first + sendsAt(one, slowest.stage, own) + turn - cycles;
    const { region } = stages[slowest.stage];
    ring.ends[region] = slowest.ends.map((end) => end + sends - slowest.sends);
  }
  return ring;
}

/** Makes turns until they repeat, and then as many as it takes to. */
async function repeating(ring: Ring, users: number, keepsDone = false): Promise<Pattern> {
  // Tokens before those of the pattern are not looked at again, and what is kept is large.
  ring.keepsDone = keepsDone && users === 1;
  const seen = new Map<string, number>();
  const most = MOST_ROUNDS * (users + ring.underway.length);
  let simulatedTokens = 0;
  let repeatsAfter = 0;
  const made: Turn[] = [];
  while (repeatsAfter === 0 && simulatedTokens < most) {
    made.push(await nextTurn(ring));
    simulatedTokens++;
    const state = stateOf(ring);
    repeatsAfter = simulatedTokens - (seen.get(state) ?? simulatedTokens);
    seen.set(state, simulatedTokens);
  }
  // A token that is alone begins where the one before has ended: those made repeat already.
  if (users === 1 && repeatsAfter > 0) {
    const turns = made.slice(-repeatsAfter);
    const period = turns.reduce((sum, { timing }) => sum + timing.cycles, 0);
    return { turns, simulatedTokens, repeatsAfter, period };
  }
  // Tokens already in the ring carry times of how they began, which need not repeat.
  ring.keepsDone = keepsDone;
  for (let i = ring.underway.length; i > 0; i--) await nextTurn(ring);
  const begun = ring.now;
  const turns: Turn[] = [];
  while (turns.length < (repeatsAfter || users)) turns.push(await nextTurn(ring));
  return { turns, simulatedTokens, repeatsAfter, period: ring.now - begun };
}

/** The turns of the round that ends with `last`, one for each user: those of a pattern again and again. */
export function turnsOfRound(turns: readonly Turn[], last: Turn, users: number): Turn[] {
  const at = turns.indexOf(last);
  return Array.from({ length: users }, (_, i) => turns.at((at - i) % turns.length)!);
}

/**
 * The round that ends with the token that took longest. Its causes are those of its tokens' visits, which
 * make up the round's cycles where it is whole repetitions. Otherwise (or if nothing repeats) cores begin
 * and end the round's tokens at other distances from the choices, and they need not.
 */
function roundOf(
  { turns, simulatedTokens, repeatsAfter, period }: Pattern,
  users: number,
  stages: StageTiming[],
): Omit<PipelineTiming, 'inFlight' | 'cyclesApart' | 'cyclesAlone'> {
  const longest = turns.reduce((a, b) => (b.timing.cycles > a.timing.cycles ? b : a));
  const causes = emptyCauses();
  const waits: Waits = new Map();
  const uses = stages.map(() => new Map<RunResult, StageUse>());
  for (const { visits } of turnsOfRound(turns, longest, users))
    visits.forEach((visit, stage) => {
      const { result } = visit.start;
      addCauses(causes, visit.causes);
      addVisitWaits(waits, stages[stage], visit);
      const tokens = (uses[stage].get(result)?.tokens ?? 0) + 1;
      uses[stage].set(result, { stage, result, tokens });
    });
  const spans = spansOf(longest, stages);
  return {
    timing: { ...withWait(longest.timing), causes, waits },
    turn: longest,
    results: longest.visits.map(({ start }) => start.result),
    uses: uses.flatMap((byResult) => [...byResult.values()]),
    bottleneck: stages[spans.indexOf(Math.max(...spans))].name,
    simulatedTokens,
    repeatsAfter,
    turns,
    period,
  };
}
