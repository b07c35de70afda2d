/**
 * One token on one region: when every core starts, what the engine says of the stage with these starts,
 * when the cores are done, and what they did since they were done with the token before.
 *
 * Every core's program is a loop over tokens: when it is done with one it prepares for the next and
 * waits for its input. Preparing takes no input, so it can start as late as possible without changing anything.
 */
import { endAt, readEnds, spentIn } from '../engine/by-core.js';
import { earliestOf, latestOf, type RunResult, type Starts } from '../engine/engine.js';
import { emptyCauses, type Causes, type RunStage, type StageTiming } from './timeline.js';
import type { JointPart } from './part-results.js';
import { areLongAgo, endsLongAgo, LONG_AGO, spreadOf, startOfAll } from './waiting-before.js';
import { touch, waitingBefore, waitingTogether } from './waiting-before.js';
import { sumOf, waitsIn, type Interval, type StageWaits } from './waits.js';

/** By region: cycle at which each of its cores is done with its last token, and has sent it on. */
export type Ends = Float64Array[];

export interface Visit {
  /** The same for the same stage with the same relative starts, and so with the same result. */
  start: KnownStart;
  /** Cycle at which the first sender sends, from which the result counts. */
  first: number;
  /** Cycle at which the last core of the region was done with the token before, and is with this one. */
  free: number;
  end: number;
  /** What the region's cores did since their last end, and the senders while they sent. */
  causes: Causes;
  /** Of that, core-cycles of waiting for the token before the stage; and those in which the token waited for its turn. */
  waiting: number;
  otherToken: number;
  /** By core of the region: when it was done with the token before, where that is noted. */
  done?: Float64Array;
}

/** Starts relative to the first sender's, of the region's cores and of the senders; and what follows. */
export interface KnownStart {
  number: number;
  own: Float64Array;
  sending: number[];
  result: RunResult;
  /** Ends of the region's cores, and the last of them; and of the senders. */
  ends: Float64Array;
  last: number;
  sendEnds: readonly number[];
  /** What the cores do in the result, and what they wait for; the cycles before it are not in it. */
  causes: Causes;
  waits: StageWaits;
  /** If its result is that of a part of several stages' program: which, and by how much the visit's clock lags. */
  joint?: JointPart;
}

/** Runs stages, each start of each of them once. */
export interface StageRuns {
  run: RunStage;
  /** By stage. */
  known: KnownStart[][];
  count: number;
  /** By result, which equal stages share: a start of one of them, of which the others take over what follows. */
  byResult: Map<RunResult, { stage: StageTiming; start: KnownStart }>;
  /** Starts of the latest visit of a region of so many cores: those of equal stages are one table. */
  lastOwn: Map<number, Float64Array>;
  /** Starts by core of the latest stages: those of equal stages that find their cores alike are one table. */
  lastStarts: (Begun & { stage: StageTiming; startAt: Starts })[];
  /** Ends of a region that nobody looks at any more: room for others. */
  spare: Float64Array;
}

/** Starts relative to the first sender's, of the region's cores and of the senders. */
interface Begun {
  own: Float64Array;
  sending: readonly number[];
}

export function stageRuns(stages: StageTiming[], run: RunStage): StageRuns {
  const known = stages.map(() => []);
  const room = { lastOwn: new Map<number, Float64Array>(), lastStarts: [], spare: NO_ENDS };
  return { run, known, count: 0, byResult: new Map(), ...room };
}

/** All cores of all regions have long been waiting. */
export function longWaiting(stages: StageTiming[], regions: number): Ends {
  const cores = Array.from({ length: regions }, () => 0);
  for (const { region, rows, columns } of stages) cores[region] = rows * columns;
  return cores.map(endsLongAgo);
}

/**
 * Runs stage `index` for a token that was chosen in cycle `chosen` and is sent in the cycles `sending`,
 * and moves the ends of the region's and the senders' cores.
 */
export async function visit(
  runs: StageRuns,
  ends: Ends,
  stage: StageTiming,
  index: number,
  chosen: number,
  sending: number[],
): Promise<Visit> {
  const first = earliestOf(sending);
  const done = ends[stage.region];
  const offsets = sending.map((cycle) => cycle - first);
  const known = await knownStart(runs, stage, index, startsIn(runs, stage, done, first), offsets);
  const made = visitOf(stage, known, done, chosen, first);
  moveEnds(runs, ends, stage, known, first);
  return made;
}

/** Starts of the region's cores, which are done with the token before in the cycles `done`. */
export function ownStarts(stage: StageTiming, done: Float64Array, first: number): Float64Array {
  const own = new Float64Array(done.length);
  for (let of = 0; of < own.length; of++) own[of] = ownStart(stage, done[of], first);
  return own;
}

/** A core that was idle long before this stage can start its preparation later without changing anything. */
function ownStart({ preparation, programStart }: StageTiming, done: number, first: number): number {
  return Math.max(done - (first + programStart), -preparation);
}

/** The same as `ownStarts`: the table of the latest visit, if they are in that. */
function startsIn(
  { lastOwn }: StageRuns,
  stage: StageTiming,
  done: Float64Array,
  first: number,
): Float64Array {
  const last = lastOwn.get(done.length);
  if (last !== undefined && areStarts(last, stage, done, first)) return last;
  const own = ownStarts(stage, done, first);
  lastOwn.set(own.length, own);
  return own;
}

/** Are these what `ownStarts` gives? */
function areStarts(
  own: Float64Array,
  stage: StageTiming,
  done: Float64Array,
  first: number,
): boolean {
  if (areLongAgo(done)) return startOfAll(own) === ownStart(stage, LONG_AGO, first);
  let of = 0;
  while (of < own.length && own[of] === ownStart(stage, done[of], first)) of++;
  return of === own.length;
}

/** A visit of cores that were done with the token before in the cycles `done`. */
export function visitOf(
  stage: StageTiming,
  start: KnownStart,
  done: Float64Array,
  chosen: number,
  first: number,
): Visit {
  const causes = { ...start.causes };
  const spread = spreadOf(done);
  const before =
    waitingTogether(spread, stage, start.own, chosen, first) ??
    waitingBefore(done, stage, start.own, chosen, first);
  causes.idle += before.idle;
  causes.waitInput += before.waiting;
  const { waiting } = before;
  const end = first + start.last;
  return { start, first, free: spread.latest, end, causes, waiting, otherToken: 0 };
}

/** Finds the waiting of a visit in which its token waited for its turn itself. */
export function splitWaiting(
  stage: StageTiming,
  visit: Visit,
  done: Float64Array,
  chosen: number,
  turns: readonly Interval[],
): void {
  const { start, first, waiting } = visit;
  if (turns.length === 0 || waiting === 0) return;
  const before = waitingBefore(done, stage, start.own, chosen, first, turns);
  visit.otherToken = before.otherToken;
}

async function knownStart(
  runs: StageRuns,
  stage: StageTiming,
  index: number,
  own: Float64Array,
  sending: number[],
): Promise<KnownStart> {
  const known = runs.known[index];
  for (let i = known.length - 1; i >= 0; i--)
    if (equal(known[i].own, own) && equal(known[i].sending, sending)) return known[i];
  const result = await runs.run(index, sharedStartAt(runs, stage, { own, sending }));
  const number = runs.count++;
  const equalTo = runs.byResult.get(result);
  const start =
    equalTo && liesAlike(stage, equalTo.stage)
      ? { ...equalTo.start, number, own, sending }
      : startOf(stage, number, own, sending, result);
  if (equalTo === undefined) runs.byResult.set(result, { stage, start });
  known.push(start);
  return start;
}

/** Stages whose starts are kept: a layer is sent to from few sides. */
const MOST_STARTS = 4;
/** Larger tables are seldom those of two stages. */
const MOST_CORES = 2 ** 17;

function sharedStartAt({ lastStarts }: StageRuns, stage: StageTiming, begun: Begun): Starts {
  const known = lastStarts.find(
    ({ stage: other, own, sending }) =>
      own === begun.own &&
      other.programStart === stage.programStart &&
      other.height === stage.height &&
      liesAlike(other, stage) &&
      equalLists(sending, begun.sending),
  );
  if (known !== undefined) return known.startAt;
  const startAt = startAtOf(stage, begun);
  if (startAt.length <= MOST_CORES) lastStarts.push({ ...begun, stage, startAt });
  if (lastStarts.length > MOST_STARTS) lastStarts.shift();
  return startAt;
}

/** Whether of one result the same cores are two stages' own, their senders and ports. */
function liesAlike(a: StageTiming, b: StageTiming): boolean {
  return (
    a.origin === b.origin &&
    a.width === b.width &&
    a.rows === b.rows &&
    a.columns === b.columns &&
    a.handOff === b.handOff &&
    equalLists(a.ports, b.ports) &&
    a.senders.length === b.senders.length &&
    a.senders.every(({ core }, i) => core === b.senders[i].core)
  );
}

function equalLists(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && equal(a, b);
}

/** What follows from these starts, which is `result`. */
export function startOf(
  stage: StageTiming,
  number: number,
  own: Float64Array,
  sending: number[],
  result: RunResult,
): KnownStart {
  const ends = new Float64Array(own.length);
  const { columns } = stage;
  for (const [row, core] of firstCores(stage).entries())
    readEnds(result, core, ends.subarray(row * columns, (row + 1) * columns));
  const waits = waitsIn(stage, result);
  const causes = causesIn(stage, result, waits);
  const sendEnds = stage.senders.map(({ core }) => endAt(result, core));
  return { number, own, sending, result, ends, last: latestOf(ends), sendEnds, causes, waits };
}

/** The same starts, by core of the stage's program, in 32 bits if they fit; elsewhere nothing starts. */
export function startAtOf(stage: StageTiming, { own, sending }: Begun): Starts {
  const size = stage.width * stage.height;
  const { columns, programStart } = stage;
  const fit = areWords(own) && areWords(sending);
  const startAt = fit ? new Int32Array(size) : new Float64Array(size);
  for (const [row, core] of firstCores(stage).entries())
    startAt.set(own.subarray(row * columns, (row + 1) * columns), core);
  stage.senders.forEach(({ core }, i) => {
    startAt[core] = sending[i] - programStart;
  });
  return startAt;
}

/** Whether cycles are well within what 32 bits can say. */
function areWords(cycles: ArrayLike<number>): boolean {
  for (let i = 0; i < cycles.length; i++) if (Math.abs(cycles[i]) > 2 ** 30) return false;
  return true;
}

/** Whether two lists of one length have the same numbers. */
export function equal(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** By row of the region the number of its first core in the stage's program. */
function firstCores({ origin, rows, width }: StageTiming): number[] {
  return Array.from({ length: rows }, (_, row) => origin + row * width);
}

const NO_ENDS = new Float64Array(0);

function moveEnds(
  runs: StageRuns,
  ends: Ends,
  stage: StageTiming,
  { ends: own, sendEnds }: KnownStart,
  first: number,
): void {
  const sent = touch(ends[stage.from]);
  // A tied table's core that sends is one of those that compute.
  if (stage.from !== stage.region)
    for (let i = 0; i < sendEnds.length; i++) {
      const { of } = stage.senders[i];
      sent[of] = Math.max(sent[of], first + sendEnds[i]);
    }
  const { spare } = runs;
  const done = spare.length === own.length ? touch(spare) : new Float64Array(own.length);
  runs.spare = NO_ENDS;
  for (let of = 0; of < done.length; of++) done[of] = own[of] + first;
  ends[stage.region] = done;
}

/** What the region's cores and the senders do in a result; ports are no cores of a wafer. */
function causesIn(stage: StageTiming, result: RunResult, waits: StageWaits): Causes {
  const causes = emptyCauses();
  causes.waitInput = sumOf(waits.input);
  causes.waitOutput = sumOf(waits.output);
  // A core whose program is a loop starts up once, and not for each token.
  const { columns, senders, ports, programStart } = stage;
  const { kindOf, compute, setup } = spentIn(result);
  const counted = new Uint8Array(stage.width * stage.height);
  const count = (core: number) => {
    if (counted[core] === 1) return;
    counted[core] = 1;
    const kind = kindOf[core];
    causes.compute += compute[kind];
    causes.setup += setup[kind] - programStart;
  };
  for (let i = 0; i < ports.length; i++) counted[ports[i]] = 1;
  for (const first of firstCores(stage))
    for (let column = 0; column < columns; column++) count(first + column);
  for (let i = 0; i < senders.length; i++) count(senders[i].core);
  return causes;
}
