/**
 * Wavelets of several tokens on the same links. A visit is simulated alone at first (visit.ts). If it comes
 * while others are at work whose wavelets pass links that its own pass too, all of them are simulated once
 * more as one program, and are what they are in that.
 *
 * A token does not meet itself: what sends is done, and what lies on the path of what it sends sends no more.
 * The pointers of the routers stand at 0 when a program begins, also where others have passed before. So a
 * wavelet may come a few cycles earlier or later than in one program of all tokens.
 *
 * A program is of one wafer. What was done on others stays, as long as the links between them carry
 * everything when they did.
 */
import { latestOf } from '../engine/engine.js';
import type { StageTiming } from './timeline.js';
import {
  equal,
  ownStarts,
  startAtOf,
  splitWaiting,
  startOf,
  visitOf,
  type KnownStart,
  type Visit,
} from './visit.js';
import type { PartResult } from './part-results.js';
import type { Interval } from './waits.js';

/** When a visit's token was chosen, and when it waited for its turn up to then. */
export interface Made {
  chosen: number;
  turns: () => Interval[];
}

/** A visit while others may still change it, or be changed by it. */
export interface Member {
  /** Whose visit it is, and of which stage. */
  token: object;
  stage: number;
  visit: Visit;
  /** When the region's cores were done before, and are after it; and of the region whose cores send. */
  done: Float64Array;
  ends: Float64Array;
  left: Float64Array;
}

interface Known extends Member, Made {
  /** As it was when it was simulated alone. */
  alone: KnownStart;
  /** All that are what they are by each other, in the order in which they were made. */
  cluster: Known[];
}

/** Visits of one program at most: where others come again and again, each would take longer than the one before. */
const MOST_VISITS = 24;

/** What a visit is with others. */
interface Together {
  start: KnownStart;
  /** Cycles by which its first sender sends later than was thought. */
  shift: number;
}

export interface Contention {
  stages: StageTiming[];
  /** Whether wavelets of the first one's hand-off and of the second one's work pass the same links. */
  share: (handOff: number, other: number) => boolean;
  /** Visits with equal keys do the same as one program. */
  keyOf: (visits: Member[]) => string;
  /** Runs visits as one program; undefined if that cannot be or is too much. */
  run: (visits: Member[]) => Promise<PartResult[] | undefined>;
  /** In the order in which they were made: those that may still be changed or change others. */
  recent: Known[];
  /** What visits do together, by their key. */
  known: Map<string, Together[] | 'apart'>;
  /** Starts that only visits with others have: below 0, as no visit alone has them. */
  lastNumber: number;
  /** Whether visits met that could not run as one program; from then on all are as they are alone. */
  gaveUp: boolean;
}

export function createContention(
  base: Pick<Contention, 'stages' | 'share' | 'keyOf' | 'run'>,
): Contention {
  return { ...base, recent: [], known: new Map(), lastNumber: 0, gaveUp: false };
}

/** The same for another ring, in which nobody has met yet. */
export function begun(contention: Contention): Contention {
  contention.recent = [];
  return contention;
}

/** A visit was made; gives the visits that were changed by it, itself included. */
export async function meet(contention: Contention, made: Member & Made): Promise<Set<Visit>> {
  if (contention.gaveUp) return new Set();
  const front = made.visit.first;
  contention.recent = openAt(contention, front);
  const known: Known = { ...made, alone: made.visit.start, cluster: [] };
  known.cluster = [known];
  const met = contention.recent.filter((other) => meets(contention, known, other));
  contention.recent.push(known);
  if (met.length === 0) return new Set();
  const wanted = new Set(met.flatMap((other) => other.cluster));
  const cluster = withSuccessors(contention, wanted.add(known), false);
  const isUnchanged = onOtherWafers(contention, cluster);
  if (!(await runTogether(contention, cluster)) || !isUnchanged()) {
    contention.gaveUp = true;
    return new Set();
  }
  // Those that pass each other without a trace go on as if they had not met.
  const alike = cluster.every(({ visit, alone }) => isAlike(visit.start, alone));
  for (const one of cluster) one.cluster = alike ? [one] : cluster;
  return new Set(cluster.map(({ visit }) => visit));
}

/** Makes visits what they are as one program, which runs once for equal ones; false if it cannot. */
async function runTogether(contention: Contention, visits: Known[]): Promise<boolean> {
  const { keyOf, run, known } = contention;
  const key = keyOf(visits);
  let together = known.get(key);
  if (together === undefined) {
    const parts = visits.length > MOST_VISITS ? undefined : await run(visits);
    // One after the other: when a visit's cores are done is when those of the next can begin.
    together =
      parts?.map((part, i) => {
        const one = togetherOf(contention, visits[i], part);
        revise(contention, visits[i], one);
        return one;
      }) ?? 'apart';
    known.set(key, together);
  } else if (together !== 'apart') together.forEach((one, i) => revise(contention, visits[i], one));
  return together !== 'apart';
}

/** Those that are not over in a cycle, those that these belong to, and what has begun on cores after them. */
function openAt(contention: Contention, cycle: number): Known[] {
  const open = contention.recent.filter(({ cluster }) => lastEnd(cluster) > cycle);
  return withSuccessors(contention, new Set(open), true);
}

function lastEnd(cluster: Known[]): number {
  return cluster.reduce((last, { visit }) => Math.max(last, visit.end), -Infinity);
}

/** Whether the hand-off of one visit is on links while another token's work is, the one's or the other's. */
function meets({ share, stages }: Contention, a: Known, b: Known): boolean {
  const isOn = (sent: Known, other: Known) => {
    const { first, start } = sent.visit;
    const received = first + start.result.labelEnd[stages[sent.stage].handOff];
    const isThen = other.visit.first < received && first < other.visit.end;
    return isThen && share(sent.stage, other.stage);
  };
  return a.token !== b.token && (isOn(a, b) || isOn(b, a));
}

/**
 * These, and all that have begun on cores after them, in the order in which they were made; on other
 * wafers too, or not.
 */
function withSuccessors(
  { recent, stages }: Contention,
  wanted: Set<Known>,
  acrossWafers: boolean,
): Known[] {
  const arrays = new Set<Float64Array>();
  const cluster: Known[] = [];
  for (const one of recent) {
    const { done, ends, left } = one;
    // What comes from another wafer is sent by a port there.
    const isSentHere = acrossWafers || stages[one.stage].crossing === 0;
    if (!wanted.has(one) && !arrays.has(done) && !(isSentHere && arrays.has(left))) continue;
    cluster.push(one);
    arrays.add(ends);
    if (isSentHere) arrays.add(left);
  }
  return cluster;
}

/** Whether what has begun on other wafers after these still finds its cores as it did before. */
function onOtherWafers({ recent }: Contention, cluster: Known[]): () => boolean {
  const arrays = new Set(cluster.flatMap(({ ends, left }) => [ends, left]));
  const found = recent
    .filter((one) => !cluster.includes(one))
    .flatMap(({ done, left }) => [done, left])
    .filter((array) => arrays.has(array));
  const before = found.map((array) => array.slice());
  return () => found.every((array, i) => equal(array, before[i]));
}

/** Takes what one did together with others for the visit, and moves its cores' ends where these still stand. */
function revise({ stages }: Contention, one: Known, { start, shift }: Together): void {
  const { visit, done, ends, left, chosen } = one;
  const { start: old, first } = visit;
  const stage = stages[one.stage];
  const now = first + shift;
  for (let of = 0; of < ends.length; of++)
    if (ends[of] === first + old.ends[of]) ends[of] = now + start.ends[of];
  if (stage.from !== stage.region)
    for (const [i, { of }] of stage.senders.entries())
      if (left[of] === first + old.sendEnds[i]) left[of] = now + start.sendEnds[i];
  Object.assign(visit, visitOf(stage, start, done, chosen, now));
  splitWaiting(stage, visit, done, chosen, one.turns());
}

/** What follows for a visit from what its part did in the program of all. */
function togetherOf(contention: Contention, one: Known, part: PartResult): Together {
  const { alone, visit, done } = one;
  const stage = contention.stages[one.stage];
  // Cores that had to wait for another part send later, and all cycles count from the first of them.
  const sends = stage.senders.map(({ core }) => part.since[core]);
  const shift = sends.reduce((first, cycle) => Math.min(first, cycle), Infinity);
  const sending = sends.map((cycle) => cycle - shift);
  const own = ownStarts(stage, done, visit.first + shift);
  const startAt = startAtOf(stage, { own, sending });
  // Cores that do nothing end when they start.
  const end = part.end.map((cycle, core) => Math.max(cycle - shift, startAt[core]));
  const { compute, setup } = alone.result;
  const { waitOutput } = part;
  const waitInput = end.map(
    (cycle, core) => cycle - startAt[core] - compute[core] - setup[core] - waitOutput[core],
  );
  const labelEnd = part.labelEnd.map((cycle) => cycle - shift);
  const cycles = Math.max(0, latestOf(end));
  // What a core waits for before it starts by its own clock is no part of the stage.
  const { labelWaitOutput } = part;
  const labelWaitInput = part.labelWaitInput.slice();
  for (let core = 0; core < startAt.length; core++)
    if (part.end[core] !== -Infinity)
      labelWaitInput[stage.handOff] -=
        startAt[core] + stage.programStart - part.since[core] + shift;
  const waits = { waitInput, waitOutput, labelWaitInput, labelWaitOutput };
  const result = { ...alone.result, cycles, end, labelEnd, ...waits };
  const start = startOf(stage, --contention.lastNumber, own, sending, result);
  const { joint } = part;
  return {
    start: { ...start, ...(joint && { joint: { ...joint, later: joint.later + shift } }) },
    shift,
  };
}

/** Whether all cores begin and end as they do alone. */
function isAlike(a: KnownStart, b: KnownStart): boolean {
  return equal(a.sending, b.sending) && equal(a.own, b.own) && equal(a.result.end, b.result.end);
}

/**
 * What the future depends on in visits that are not over in cycle `now`, from which cycles are counted.
 */
export function openOf(contention: Contention, now: number): number[][] {
  const open = openAt(contention, now);
  return open.map(({ stage, visit, cluster }) => {
    return [stage, visit.start.number, visit.first - now, open.indexOf(cluster[0])];
  });
}
