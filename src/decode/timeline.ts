/**
 * A token's timeline out of the timings of its stages (visit.ts says when they start): its operators'
 * parts of the time from one choice to the next, and what cores do meanwhile.
 *
 * A stage's result depends on its program and on its cores' starts relative to each other only, so an
 * equal stage is the same translated in place and time, and may be simulated once.
 */
import type { RunResult, Starts } from '../engine/engine.js';
import type { Waits } from './waits.js';

/** A stage as the timeline sees it: a rectangle of cores. */
export interface StageTiming {
  name: string;
  /** The layer that it is of, -1 if none. */
  layer: number;
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
  /** Whether what is sent is the chosen token, and no rows. */
  isToken: boolean;
  /** Cycles between sending and entering this stage's program: those of the path between two wafers. */
  crossing: number;
  /** Whether the region itself is a port. */
  isPort: boolean;
  /** Cores of the rectangle that are ports between wafers, and no cores of a wafer. */
  ports: number[];
  /** The label with which the region receives; -1 if nothing is handed on. */
  handOff: number;
  /** Cycles of start-up, which a core whose program is a loop pays once and not for each token. */
  programStart: number;
}

/** Where the rectangle lies on the wafer, given where its region does. */
export function boxOf(
  { origin, width, height }: Pick<StageTiming, 'origin' | 'width' | 'height'>,
  region: { x: number; y: number },
) {
  const [x, y] = [region.x - (origin % width), region.y - Math.floor(origin / width)];
  return { x, y, width, height };
}

/** Runs stage `index` with these starts, relative to the first sender's. */
export type RunStage = (index: number, startAt: Starts) => Promise<RunResult>;

export interface OperatorTime {
  cycles: number;
  compute: number;
}

export interface StageTime {
  name: string;
  layer: number;
  /** Cycle of the step at which the stage's first sender starts, and at which its last core ends. */
  start: number;
  end: number;
  /** Cycle from which its operators count: the token has crossed, and waited for its turn. */
  from: number;
}

export interface StepTiming {
  cycles: number;
  /** Cycles of waiting for a turn: for room among the tokens in flight, and for others inside. */
  waited: number;
  /** Operators in program order; their cycles add up to `cycles`. */
  operators: Map<string, OperatorTime>;
  stages: StageTime[];
  /** What each stage adds to the token's cycles, by stage. */
  stageCycles: number[];
  /** What all cores do in these cycles. */
  causes: Causes;
  /** What they wait for. */
  waits: Waits;
}

/** Core-cycles by cause. */
export interface Causes {
  compute: number;
  setup: number;
  waitInput: number;
  waitOutput: number;
  /** Done with a token, while the next one to come has not been chosen yet. */
  idle: number;
}

export function emptyCauses(): Causes {
  return { compute: 0, setup: 0, waitInput: 0, waitOutput: 0, idle: 0 };
}

export function addCauses(causes: Causes, more: Causes): void {
  causes.compute += more.compute;
  causes.setup += more.setup;
  causes.waitInput += more.waitInput;
  causes.waitOutput += more.waitOutput;
  causes.idle += more.idle;
}

/** A timing with its waiting as an operator, the last one. */
export function withWait(timing: StepTiming): StepTiming {
  if (timing.waited === 0) return timing;
  const waiting: [string, OperatorTime] = [
    'wait for a turn',
    { cycles: timing.waited, compute: 0 },
  ];
  return { ...timing, operators: new Map([...timing.operators, waiting]) };
}

export function emptyTiming(): StepTiming {
  const lists = { stages: [], stageCycles: [] };
  return {
    cycles: 0,
    waited: 0,
    operators: new Map(),
    ...lists,
    causes: emptyCauses(),
    waits: new Map(),
  };
}

/**
 * Adds a stage whose first sender starts in cycle `first` of the token, which waits for its turn until
 * cycle `turn` if it is not held up longer by itself.
 */
export function addStage(
  timing: StepTiming,
  stage: Pick<StageTiming, 'name' | 'layer' | 'labels' | 'crossing'>,
  result: RunResult,
  first: number,
  turn: number,
): void {
  if (stage.crossing > 0) addCrossing(timing, first);
  const waited = Math.max(0, turn - timing.cycles);
  timing.waited += waited;
  timing.cycles += waited;
  const before = timing.cycles;
  addOperators(timing, stage, result, first);
  const { name, layer } = stage;
  timing.stages.push({ name, layer, start: first, end: first + result.cycles, from: before });
  timing.stageCycles.push(timing.cycles - before);
}

function addOperator(timing: StepTiming, name: string, cycles: number, compute: number): void {
  const sofar = timing.operators.get(name) ?? { cycles: 0, compute: 0 };
  timing.operators.set(name, {
    cycles: sofar.cycles + cycles,
    compute: sofar.compute + compute,
  });
}

/** What was sent arrives in cycle `first` of the token: nothing computes meanwhile. */
function addCrossing(timing: StepTiming, first: number): void {
  const cycles = Math.max(0, first - timing.cycles);
  addOperator(timing, 'between wafers', cycles, 0);
  timing.cycles += cycles;
}

function addOperators(
  timing: StepTiming,
  stage: Pick<StageTiming, 'labels'>,
  result: RunResult,
  first: number,
): void {
  stage.labels.forEach((label, i) => {
    // No operation has this label, such as head norms in a model without them.
    if (result.labelEnd[i] === -Infinity) return;
    const cycles = Math.max(0, first + result.labelEnd[i] - timing.cycles);
    addOperator(timing, label, cycles, Math.min(cycles, result.labelBusy[i]));
    timing.cycles += cycles;
  });
}
