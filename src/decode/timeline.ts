/**
 * A token's timeline out of the timings of its stages. A stage starts for its senders when they have
 * computed what they send, and for its other cores when their own last work of this step is done (at
 * the step's begin, for most): they set their first operations up and wait. Stage after stage gives
 * the cycle at which every core ends, and the last one the cycles of the token.
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
  /** The region's cores in the rectangle: first core, columns and rows. */
  origin: number;
  columns: number;
  rows: number;
  /** Longest work that a core does before it first waits for the fabric, start-up included. */
  preparation: number;
  /** Cycles of start-up, which a sender, whose program goes on, does not pay again. */
  programStart: number;
}

/** Runs stage `index` with these starts, relative to the first sender's. */
export type RunStage = (index: number, startAt: Int32Array) => Promise<RunResult>;

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

/** Times one step: `stages` in order, of `regions` regions. */
export async function timeStep(
  stages: TimedStage[],
  regions: number,
  runStage: RunStage,
): Promise<StepTiming> {
  const ends: (Int32Array | undefined)[] = Array.from({ length: regions });
  const timing: StepTiming = {
    cycles: 0,
    operators: new Map(),
    stages: [],
    stageCycles: [],
    causes: { compute: 0, setup: 0, waitInput: 0, waitOutput: 0 },
  };
  for (const [index, stage] of stages.entries()) {
    const before = timing.cycles;
    const sends = index === 0 ? undefined : ends[stage.from];
    const starts = startsOf(stage, sends, ends[stage.region]);
    const result = await runStage(index, starts.startAt);
    ends[stage.region] = endsOf(stage, result, starts.first);
    addOperators(timing, stage, result, starts.first);
    addCauses(timing, stage, result, starts.waited);
    timing.stages.push({
      name: stage.name,
      start: starts.first,
      end: starts.first + result.cycles,
    });
    timing.stageCycles.push(timing.cycles - before);
  }
  return timing;
}

interface Starts {
  /** Cycle of the step at which the first sender sends. */
  first: number;
  startAt: Int32Array;
  /** Core-cycles that the region's cores had already waited when this stage's times begin. */
  waited: number;
}

function startsOf(
  stage: TimedStage,
  sends: Int32Array | undefined,
  ready: Int32Array | undefined,
): Starts {
  const times = stage.senders.map(({ of }) => sends?.[of] ?? 0);
  const first = times.length > 0 ? Math.min(...times) : 0;
  const startAt = new Int32Array(stage.width * stage.height);
  let waited = 0;
  for (let row = 0; row < stage.rows; row++)
    for (let column = 0; column < stage.columns; column++) {
      const core = stage.origin + row * stage.width + column;
      const start = (ready?.[row * stage.columns + column] ?? 0) - first;
      // A core that has long been waiting may as well have come later.
      startAt[core] = Math.max(start, -stage.preparation);
      waited += startAt[core] - start;
    }
  stage.senders.forEach(({ core }, i) => {
    startAt[core] = times[i] - first - stage.programStart;
  });
  return { first, startAt, waited };
}

/** Ends of the region's cores, in cycles of the step. */
function endsOf(stage: TimedStage, result: RunResult, first: number): Int32Array {
  const ends = new Int32Array(stage.rows * stage.columns);
  for (let row = 0; row < stage.rows; row++)
    for (let column = 0; column < stage.columns; column++)
      ends[row * stage.columns + column] =
        first + result.end[stage.origin + row * stage.width + column];
  return ends;
}

/** `labelEnd` of a label that no operation has, such as head norms in a model without them. */
const NEVER = -(2 ** 31);

function addOperators(
  timing: StepTiming,
  stage: TimedStage,
  result: RunResult,
  first: number,
): void {
  stage.labels.forEach((label, i) => {
    if (result.labelEnd[i] === NEVER) return;
    const end = first + result.labelEnd[i];
    if (!timing.operators.has(label)) timing.operators.set(label, { cycles: 0, compute: 0 });
    const cycles = Math.max(0, end - timing.cycles);
    const operator = timing.operators.get(label)!;
    operator.cycles += cycles;
    operator.compute += Math.min(cycles, result.labelBusy[i]);
    timing.cycles += cycles;
  });
}

function addCauses(timing: StepTiming, stage: TimedStage, result: RunResult, waited: number): void {
  const { causes } = timing;
  causes.compute += sum(result.compute);
  causes.setup += sum(result.setup) - stage.senders.length * stage.programStart;
  causes.waitInput += sum(result.waitInput) + waited;
  causes.waitOutput += sum(result.waitOutput);
}

function sum(values: Int32Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
