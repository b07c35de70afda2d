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
}

/** An operator's part of the critical path, in cycles of the step. */
export interface OperatorSpan {
  name: string;
  start: number;
  end: number;
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

export interface RunDetail {
  /** Cycles of the step. */
  cycles: number;
  /** In the order of the token's path. */
  stages: StageSpan[];
  /** By wafer. */
  maps: WaferMap[];
}
