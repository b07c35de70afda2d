/**
 * What cores wait for, operator by operator. Engines count waits in a stage by label: for a wavelet (`line`), and for a
 * slot of the next queue (`credit`). Before its stage a core waits for the token to be handed on to its region
 * (`handOff`); while the token itself waits for its turn, the core waits for the tokens of others (`otherToken`).
 */
import type { RunResult } from '../engine/engine.js';
import type { WaitResult, WaitsOn } from '../report/document.js';
import type { StageTiming } from './timeline.js';

/** Core-cycles of waiting by operator, in program order. */
export type Waits = Map<string, Record<WaitsOn, number>>;

/** Of the cores that a stage counts, by label. */
export interface StageWaits {
  input: Float64Array;
  output: Float64Array;
}

/** A visit's part of them. */
interface VisitWaits {
  start: { waits: StageWaits };
  /** Before the stage: core-cycles of waiting for the token, and those of them in which it waited for its turn. */
  waiting: number;
  otherToken: number;
}

/** What the region's cores and the senders wait for in a result; ports are no cores of a wafer, and only hand on. */
export function waitsIn(
  { ports, handOff }: Pick<StageTiming, 'ports' | 'handOff'>,
  result: RunResult,
): StageWaits {
  const [input, output] = [result.labelWaitInput.slice(), result.labelWaitOutput.slice()];
  // Waits by core are made when they are read: most stages have no ports.
  for (const core of ports) {
    input[handOff] -= result.waitInput[core];
    output[handOff] -= result.waitOutput[core];
  }
  return { input, output };
}

export function sumOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Adds a visit of a stage. */
export function addVisitWaits(
  waits: Waits,
  { labels, handOff }: Pick<StageTiming, 'labels' | 'handOff'>,
  { start, waiting, otherToken }: VisitWaits,
): void {
  addStageWaits(waits, labels, start.waits);
  if (waiting === 0) return;
  const of = waitsOf(waits, labels[handOff]);
  of.handOff += waiting - otherToken;
  of.otherToken += otherToken;
}

/** Adds the waits of a stage. */
export function addStageWaits(
  waits: Waits,
  labels: readonly string[],
  { input, output }: StageWaits,
): void {
  labels.forEach((operator, label) => {
    if (input[label] + output[label] === 0) return;
    const of = waitsOf(waits, operator);
    of.line += input[label];
    of.credit += output[label];
  });
}

function waitsOf(waits: Waits, operator: string): Record<WaitsOn, number> {
  let of = waits.get(operator);
  if (of === undefined)
    waits.set(operator, (of = { line: 0, credit: 0, handOff: 0, otherToken: 0 }));
  return of;
}

const WAITS_ON = ['line', 'credit', 'handOff', 'otherToken'] as const satisfies WaitsOn[];

/** As a document has them: those that there are. */
export function waitResults(waits: Waits): WaitResult[] {
  return [...waits].flatMap(([operator, of]) =>
    WAITS_ON.filter((on) => of[on] > 0).map((on) => ({ operator, on, coreCycles: of[on] })),
  );
}

/** Cycles in which something was so: from the first of them on, up to and without the last. */
export type Interval = readonly [from: number, to: number];

/** Cycles of an interval that are in some of others, which have none in common. */
export function within(from: number, to: number, intervals: readonly Interval[]): number {
  let cycles = 0;
  for (const [begin, end] of intervals)
    cycles += Math.max(0, Math.min(to, end) - Math.max(from, begin));
  return cycles;
}
