/**
 * A token's timeline out of the timings of its stages. Every core's program is a loop over tokens: when
 * a core is done with one it prepares for the next and waits for its input. A stage starts for its
 * senders when they have computed what they send, and for the others when they are done with their last
 * token (long ago, if there was none). Stage after stage gives the cycle at which every core ends, and
 * the last one the cycles of the token.
 *
 * A stage's result depends on its program and on its cores' starts relative to each other only, so an
 * equal stage is the same translated in place and time, and may be simulated once.
 */
import type { RunResult } from '../engine/engine.js';

/** A stage as the timeline sees it: a rectangle of cores. */
export interface TimedStage {
  name: string;
  width: number;
  height: number;
  labels: readonly string[];
  /** Cores that send: number in the rectangle; numbers of their cores in the region before. */
  senders: { core: number; of: number }[];
  /** Indices of the region that sends and of the one that computes. */
  from: number;
  region: number;
  /** Cores of the region that sends. */
  fromCores: number;
  /** The region's cores in the rectangle: first core, columns and rows. */
  origin: number;
  columns: number;
  rows: number;
  /** Longest work that a core does before it first waits for the fabric, start-up included. */
  preparation: number;
  /** Cycles between sending and entering this stage's program: the way between two wafers. */
  crossing: number;
  /** Senders that are not in the region itself. */
  outside: number;
  /** Cores of the rectangle that are ports between wafers, and no cores of a wafer. */
  ports: number[];
  /** Cycles of start-up, which a core whose program is a loop pays once and not for each token. */
  programStart: number;
}

/** Runs stage `index` with these starts, relative to the first sender's. */
export type RunStage = (index: number, startAt: Float64Array) => Promise<RunResult>;

export interface OperatorTime {
  cycles: number;
  compute: number;
}

export interface StageTime {
  name: string;
  /** Cycle of the step at which the stage's first sender starts, and at which its last core ends. */
  start: number;
  end: number;
}

export interface StepTiming {
  cycles: number;
  /** Operators in program order; their cycles add up to `cycles`. */
  operators: Map<string, OperatorTime>;
  stages: StageTime[];
  /** What each stage adds to the token's cycles, by stage. */
  stageCycles: number[];
  /** Core-cycles of all cores' programs by cause, waiting for the token included. */
  causes: { compute: number; setup: number; waitInput: number; waitOutput: number };
}

/** The timing of `count` equal steps one after the other, as one. */
export function repeat(timing: StepTiming, count: number): StepTiming {
  const scaled = <T extends object>(values: T): T =>
    Object.fromEntries(Object.entries(values).map(([k, v]) => [k, (v as number) * count])) as T;
  const after = (n: number) => (s: StageTime) => ({
    ...s,
    start: s.start + n * timing.cycles,
    end: s.end + n * timing.cycles,
  });
  const turns = Array.from({ length: count }, (_, n) => n);
  return {
    cycles: timing.cycles * count,
    operators: new Map([...timing.operators].map(([name, times]) => [name, scaled(times)])),
    stages: turns.flatMap((n) => timing.stages.map(after(n))),
    stageCycles: turns.flatMap(() => timing.stageCycles),
    causes: scaled(timing.causes),
  };
}

/** The machine between two stages. */
export interface PipelineState {
  /** Per region: cycle at which each of its cores is done with its last token. */
  ends: (Float64Array | undefined)[];
}

/** One token on its way; it started when its user's last token was chosen. */
export interface Token {
  start: number;
  /** Index of the stage that is next. */
  next: number;
  timing: StepTiming;
}

export function emptyPipeline(regions: number): PipelineState {
  return { ends: Array.from({ length: regions }) };
}

export function newToken(start: number): Token {
  const causes = { compute: 0, setup: 0, waitInput: 0, waitOutput: 0 };
  const timing = { cycles: 0, operators: new Map(), stages: [], stageCycles: [], causes };
  return { start, next: 0, timing };
}

/** Times one token for which all regions have long been waiting: `stages` in order. */
export async function timeStep(
  stages: TimedStage[],
  regions: number,
  runStage: RunStage,
): Promise<StepTiming> {
  const state = emptyPipeline(regions);
  const token = newToken(0);
  while (token.next < stages.length) await advance(state, token, stages, runStage);
  return token.timing;
}

/** Runs the token's next stage. */
export async function advance(
  state: PipelineState,
  token: Token,
  stages: TimedStage[],
  runStage: RunStage,
): Promise<void> {
  const { timing } = token;
  const index = token.next++;
  const stage = stages[index];
  const before = timing.cycles;
  const starts = startsOf(
    state,
    token,
    stage,
    sendersReady(state, { ...token, next: index }, stage),
  );
  const result = await runStage(index, starts.startAt);
  leaveSenders(state, stage, result, starts.first);
  state.ends[stage.region] = endsOf(stage, result, starts.first);
  const first = starts.first - token.start;
  if (stage.crossing > 0) addCrossing(timing, first);
  addOperators(timing, stage, result, first);
  addCauses(timing, stage, result, starts);
  timing.stages.push({ name: stage.name, start: first, end: first + result.cycles });
  timing.stageCycles.push(timing.cycles - before);
}

/** When each sender can send: not before the last token was chosen, nor before it is done itself. */
function sendersReady({ ends }: PipelineState, token: Token, stage: TimedStage): number[] {
  const done = ends[stage.from];
  return stage.senders.map(({ of }) => {
    return Math.max(token.start, done?.[of] ?? token.start) + stage.crossing;
  });
}

/** End of a core that has long been waiting for its first token. */
const LONG_AGO = -(2 ** 52);

/** Senders are done when they have sent. */
function leaveSenders(
  { ends }: PipelineState,
  stage: TimedStage,
  result: RunResult,
  first: number,
): void {
  const sent = (ends[stage.from] ??= new Float64Array(stage.fromCores).fill(LONG_AGO));
  for (const { core, of } of stage.senders) sent[of] = Math.max(sent[of], first + result.end[core]);
}

interface Starts {
  /** Cycle at which the first sender sends. */
  first: number;
  startAt: Float64Array;
  /** Core-cycles, since the token's start, that the region's cores waited before these starts. */
  waited: number;
}

function startsOf(
  { ends }: PipelineState,
  token: Token,
  stage: TimedStage,
  sending: number[],
): Starts {
  const first = sending.length > 0 ? Math.min(...sending) : token.start;
  const ready = ends[stage.region];
  const startAt = new Float64Array(stage.width * stage.height);
  let waited = 0;
  for (let row = 0; row < stage.rows; row++)
    for (let column = 0; column < stage.columns; column++) {
      const core = stage.origin + row * stage.width + column;
      const done = ready?.[row * stage.columns + column] ?? LONG_AGO;
      // A core that has long been waiting may as well have come later.
      const start = Math.max(done - first - stage.programStart, -stage.preparation);
      startAt[core] = start;
      if (stage.ports.includes(core)) continue;
      waited += Math.max(0, first + start - Math.max(done, token.start));
    }
  stage.senders.forEach(({ core }, i) => {
    startAt[core] = sending[i] - first - stage.programStart;
  });
  return { first, startAt, waited };
}

/** Ends of the region's cores, in cycles of the step. */
function endsOf(stage: TimedStage, result: RunResult, first: number): Float64Array {
  const ends = new Float64Array(stage.rows * stage.columns);
  for (let row = 0; row < stage.rows; row++)
    for (let column = 0; column < stage.columns; column++)
      ends[row * stage.columns + column] =
        first + result.end[stage.origin + row * stage.width + column];
  return ends;
}

/** What was sent arrives in cycle `first` of the token: nothing computes meanwhile. */
function addCrossing(timing: StepTiming, first: number): void {
  const cycles = Math.max(0, first - timing.cycles);
  const sofar = timing.operators.get('between wafers')?.cycles ?? 0;
  timing.operators.set('between wafers', { cycles: sofar + cycles, compute: 0 });
  timing.cycles += cycles;
}

function addOperators(
  timing: StepTiming,
  stage: TimedStage,
  result: RunResult,
  first: number,
): void {
  stage.labels.forEach((label, i) => {
    // No operation has this label, such as head norms in a model without them.
    if (result.labelEnd[i] === -Infinity) return;
    const end = first + result.labelEnd[i];
    if (!timing.operators.has(label)) timing.operators.set(label, { cycles: 0, compute: 0 });
    const cycles = Math.max(0, end - timing.cycles);
    const operator = timing.operators.get(label)!;
    operator.cycles += cycles;
    operator.compute += Math.min(cycles, result.labelBusy[i]);
    timing.cycles += cycles;
  });
}

function addCauses(timing: StepTiming, stage: TimedStage, result: RunResult, starts: Starts): void {
  const { causes } = timing;
  const { ports } = stage;
  const sum = (cycles: Float64Array) => sumOf(cycles) - ports.reduce((n, i) => n + cycles[i], 0);
  const started = stage.rows * stage.columns + stage.outside - ports.length;
  causes.compute += sum(result.compute);
  causes.setup += sum(result.setup) - started * stage.programStart;
  causes.waitInput += sum(result.waitInput) + starts.waited;
  causes.waitOutput += sum(result.waitOutput);
}

function sumOf(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
