/** What the page and its worker say to each other: plain data, as `postMessage` copies it. */
import type { Recording } from '../recording/recording.js';
import type { PathStep } from '../report/page/player-text.js';
import type { PageWafer, Quantity, StepData } from '../report/page/data.js';

/** A configuration, its settings over it. */
export interface Asked {
  path: string;
  config: string;
  sets: string[];
}

/** A kernel as it follows `wafersim kernel`, settings over its hardware. */
export interface KernelAsked {
  line: string;
  sets: string[];
}

/** Numbers of a configuration that controls show. */
export interface Facts {
  clockHz: number;
  hopCycles: number;
  queueDepth: number;
  sramBytes: number;
  width: number;
  height: number;
  rows?: number | undefined;
  context: number;
  maxContext: number;
  batch: number;
  strategy: string;
  dtype: string;
  weightBits?: string | undefined;
  /** Cores of all wafers, as many as there are at most. */
  cores: number;
}

/** Each is answered with `failed`, or its own last answer. */
export type Request = { id: number } & (
  | ({ what: 'resolve' } & Asked)
  /** What has more cores than that is not run. */
  | ({ what: 'run'; mostCores: number } & Asked)
  | ({ what: 'kernel' } & KernelAsked)
);

export type Answer = { id: number } & (
  | { what: 'resolved'; facts: Facts }
  | { what: 'large'; cores: number }
  | { what: 'progress'; done: number; total: number; of: string }
  | { what: 'ran'; result: RunResult }
  /** After that comes what it did cycle by cycle. */
  | { what: 'ranKernel'; result: KernelResult }
  | { what: 'recorded'; recording: Recording | string; path: PathStep[] }
  | { what: 'failed'; why: string }
);

export type KernelAnswer =
  | Omit<Extract<Answer, { what: 'ranKernel' }>, 'id'>
  | Omit<Extract<Answer, { what: 'recorded' }>, 'id'>;

export interface Result {
  /** Of a token, or of a kernel. */
  cycles: number;
  seconds: number;
  /** What it is in a few numbers. */
  headline: [name: string, value: string][];
  sections: Part[];
}

/** A part of the page: its title and its markup; long ones are folded until they are opened. */
export type Part = [title: string, html: string, folded?: true];

/** A run; the difference to another one is that of their speeds. */
export interface RunResult extends Result {
  tokensPerSecondPerUser: number;
  quantities: Quantity[];
  wafers: WaferNumbers[];
  step: StepData;
}

export type KernelResult = Result;

/** A wafer core by core, to be drawn: an array per quantity, in their order. */
export interface WaferNumbers extends PageWafer {
  values: (Uint32Array | Float64Array)[];
}
