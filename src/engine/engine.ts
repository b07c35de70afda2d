/**
 * The contract that every engine keeps: a program on a wafer in, counters of cycles out, the same to
 * the cycle for all of them (rules: docs/machine-model.md, sections 4 and 4a).
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import type { IndexFault } from './indexed.js';
import type { Instants } from './instants.js';

/** `labelEnd` of a label that no operation has. */
export const NO_END = -Infinity;

/** Cycles in which cores start. */
export type Starts = Int32Array | Float64Array;

export interface RunInput {
  program: Program;
  wafer: WaferSpec;
  /** Cycle at which each core's program starts (may be negative); all 0 if not given. */
  startAt?: Starts;
  /** Memory images, one per core, changed in place; without them the program is only timed. */
  memory?: Float32Array[] | undefined;
  /**
   * In place of `memory`: operations that take a wrong index, where numbers were computed apart. The run fails
   * in the cycle in which the first of them is reached, as it would with the numbers.
   */
  badIndices?: readonly IndexFault[] | undefined;
  /** Note when each wavelet of synthetic traffic is sent and taken. */
  instants?: boolean;
  /**
   * All cores are to be done by this cycle of the program's clock, the clock of `startAt`. If they
   * are not, a LimitError says what they do in the cycle before.
   */
  maxCycles?: number | undefined;
  /** What runs, for errors; the program's name if not given. */
  name?: string | undefined;
}

/** Times are whole numbers of cycles, all of them exact: a run beyond `LAST_CYCLE` fails. */
export interface RunResult {
  /** Last cycle in which some core (or the root) is not done, + 1. */
  cycles: number;
  /** Per core: the cycle after its last operation. */
  end: Float64Array;
  /** Per core, from its start to its end, cycles by cause; after its end it is idle. */
  compute: Float64Array;
  setup: Float64Array;
  waitInput: Float64Array;
  waitOutput: Float64Array;
  /** Per label: latest end of its operations over all cores (-Infinity if it has none). */
  labelEnd: Float64Array;
  /** Per label: compute and set-up cycles in it of the core that ends it last (lowest number if equal). */
  labelBusy: Float64Array;
  /** Per label: core-cycles of all cores in which they wait in it for a wavelet, and for a slot. */
  labelWaitInput: Float64Array;
  labelWaitOutput: Float64Array;
  /** Wavelets that left each link, index core * 4 + port. */
  linkWavelets: Float64Array;
  /** Wavelets sent into ramps, and delivered to cores. */
  sent: number;
  delivered: number;
  /** Moves of wavelets over links. */
  waveletHops: number;
  /** Pairs of wavelets of one colour that reached one router on two ports in one cycle. */
  routeHazards: number;
  /** If they were asked for. */
  instants?: Instants;
}

export type Engine = (input: RunInput) => RunResult;

/** A run in slices of some milliseconds, so that its thread can do other things in between. */
export interface Run {
  /** Continues for a slice; the result once there is one. Throws as an engine does. */
  advance(): RunResult | undefined;
  /** The cycle reached, and what cores do in it. */
  cycle(): number;
  standing(): Standing[];
}

/** An engine by its slices. */
export type SlicedEngine = (input: RunInput) => Run;

/** The engine that goes through all slices at once. */
export function wholeRun(run: Run): RunResult {
  for (;;) {
    const result = run.advance();
    if (result !== undefined) return result;
  }
}

/**
 * A core in the middle of its program: an operation with this label. In a stream or in traffic it waits
 * for the rest of what it receives and sends on these colours; else it computes or sets up.
 */
export interface Standing {
  core: number;
  label: number;
  receives: readonly number[];
  sends: readonly number[];
}

export type MachineErrorCode =
  | 'two-inputs'
  | 'bad-route'
  | 'bad-operation'
  | 'left-over'
  | 'route-change'
  | 'unwritten'
  | 'bad-index'
  | 'other-experts'
  | 'deadlock'
  | 'does-not-fit'
  | 'too-long';

/** The last cycle up to which times, and sums of them, are exact. */
export const LAST_CYCLE = Number.MAX_SAFE_INTEGER;

/** Cores of a large program: a smaller one is through so soon that to divide it, or to keep much of it, takes longer. */
export const FEWEST_OF_LARGE = 4096;

/** A program is larger than an engine can hold: a limit of the simulator, not of the machine. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

/** A program was not over by its last cycle, or when its caller stopped it. */
export class LimitError extends Error {
  override readonly name = 'LimitError';
  readonly cycle: number | undefined;

  constructor(message: string, cycle?: number) {
    super(message);
    this.cycle = cycle;
  }
}

/** The simulated machine failed; names the cores, the colours and the cycle. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
  readonly code: MachineErrorCode;
  readonly cycle: number;
  /** Core numbers in rising order, as many as there are. */
  readonly cores: readonly number[];
  readonly colors: readonly number[];

  constructor(
    code: MachineErrorCode,
    at: { cycle: number; cores: number[]; colors: number[] },
    message: string,
  ) {
    super(message);
    this.code = code;
    this.cycle = at.cycle;
    this.cores = at.cores;
    this.colors = at.colors;
  }
}

/** The latest of some cycles; -Infinity if there are none. A loop: these lists are as long as a wafer has cores. */
export function latestOf(cycles: ArrayLike<number>): number {
  let last = -Infinity;
  for (let i = 0; i < cycles.length; i++) if (cycles[i] > last) last = cycles[i];
  return last;
}

/** The earliest of some cycles; Infinity if there are none. */
export function earliestOf(cycles: ArrayLike<number>): number {
  let first = Infinity;
  for (let i = 0; i < cycles.length; i++) if (cycles[i] < first) first = cycles[i];
  return first;
}
