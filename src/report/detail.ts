/**
 * What a run knows in addition to its document, too large for JSON: the last step core by core, and the
 * token's path through the regions operator by operator.
 */

/** One wafer, one number per core: core (x, y) is entry y * width + x. All users' tokens of one step. */
export interface WaferMap {
  wafer: number;
  width: number;
  height: number;
  /** Cycles of compute and set-up. */
  busy: Float64Array;
  /** Cycles of waiting for input or output while the core's stage runs. */
  waiting: Float64Array;
  /** Bytes of memory that the core's program keeps. */
  sram: Float64Array;
  /** Wavelets over the busiest of the core's four links. */
  link: Float64Array;
  /** Of `busy`: cycles of compute; the rest is set-up. Of `waiting`: cycles of waiting for output. */
  compute: Float64Array;
  waitOutput: Float64Array;
  /** Cycles of waiting for a token before the core's stage, and of being idle until it is chosen. */
  between: Float64Array;
  idle: Float64Array;
  /** Wavelets that left by each link: entry (y * width + x) * 4 + port, ports as hardware/mesh.ts numbers them. */
  links: Float64Array;
}

/** A core by its place on a wafer. */
export interface CoreAt {
  wafer: number;
  x: number;
  y: number;
}

/** An operation of a core of `--trace-core`, for the token whose path is followed; cycles count from its choice. */
export interface CoreOperation extends CoreAt {
  stage: string;
  operator: string;
  /** Its number in the core's program of the stage. */
  index: number;
  kind: string;
  /** As `inspect --what program` lists it. */
  instruction: string;
  /** When it begins with its set-up and when it is over; cycles of the set-up. */
  from: number;
  to: number;
  setup: number;
  /** Wavelets that it takes and sends. */
  takes: number;
  sends: number;
}

/** An operator's part of the token's path, in cycles of the step. */
export interface OperatorSpan {
  name: string;
  start: number;
  end: number;
  /** Cycles of these in which its busiest core computes, as the breakdown counts them. */
  compute: number;
}

/** A stage on its region, from its first sender's start to its last core's end. */
export interface StageSpan {
  name: string;
  region: string;
  wafer: number;
  start: number;
  end: number;
  operators: OperatorSpan[];
}

/** Another token than the one the run is about, while that one goes round. */
export interface OtherToken {
  /** From its choice to the next one, in cycles of the step: below 0 and beyond its end too. */
  start: number;
  end: number;
  /** By stage, in the order of `RunDetail.stages`: its first and last cycle. */
  stages: { start: number; end: number }[];
}

export interface RunDetail {
  /** Cycles of the step. */
  cycles: number;
  /** In the order of the token's path. */
  stages: StageSpan[];
  /** With several users: the tokens of others that are under way in the step, first come first; at most 64. */
  others?: OtherToken[];
  /** By wafer. */
  maps: WaferMap[];
  /** Of the cores that are asked for: core by core, in the order of their cycles. */
  operations?: CoreOperation[];
}
