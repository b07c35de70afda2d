/** What the page of a run hands to its script, as JSON. */
import type { OtherToken, StageSpan } from '../detail.js';

/** Maps of wafers: what is shown of every core, and how. */
export interface MapData {
  /** What is shown of every core, in the order of the maps; `whole` is what a share is of, 0 for none. */
  quantities: Quantity[];
  wafers: PageWafer[];
  /** Values are differences, which may be negative. */
  isDifference?: boolean;
}

export interface Quantity {
  name: string;
  title: string;
  unit: string;
  whole: number;
  /** The largest of the quantities with these numbers, in place of a map of its own. */
  largestOf?: number[];
}

export interface PageWafer {
  wafer: number;
  width: number;
  height: number;
  regions: { name: string; x: number; y: number; width: number; height: number }[];
  /** A map per quantity that has one, see html-maps.ts. */
  packed: string[];
  /** Where the critical path goes: x and y of one core after the other, in each stretch without another wafer. */
  path?: number[][];
}

/** A step in time. */
export interface StepData {
  /** Cycles of the step. */
  cycles: number;
  /** In the order of the token's path. */
  stages: StageSpan[];
  /** With several users: other tokens that are under way. */
  others?: OtherToken[];
  /** The critical path from cycle 0 on: a kind (see STRETCHES) and how many cycles of it, again and again. */
  path?: number[];
}

export interface PageData extends MapData {
  hint: string;
  step: StepData;
  downloads: Downloads;
}

/** Files that a page can write. */
export interface Downloads {
  /** Begins their names. */
  name: string;
  /** Text files by name: deflated, in base64. */
  files: Record<string, string>;
}
