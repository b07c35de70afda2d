/** Several runs of one workload side by side: `wafersim compare`. Later fields are added, never renamed. */
import type { Placement } from '../../placement/placement.js';
import type { PlacementResult, RoutingResult, RunDocument } from '../../report/document.js';
import type { SpeculationResult } from '../../report/document.js';
import type { COMPARED } from '../../report/metrics.js';
import type { Identity } from '../../report/identity.js';

export interface CompareDocument extends Identity {
  schema: 'wafersim.compare/1';
  runs: RunDocument[];
  /** One per run, in their order. */
  rows: CompareRow[];
  /** What the configurations say differently of the hardware, the placement and the rest. */
  settings: { path: string; values: unknown[] }[];
}

/** A run in a few numbers: its metrics, and what they say of it next to the others. */
export interface CompareRow extends Record<(typeof COMPARED)[number], number> {
  /** The strategy, or the path of the run or its configuration. */
  name: string;
  /** Of wafersim that simulated it; null for a run from before documents said so. */
  version: string | null;
  /** Against the first run; below zero is faster. */
  differenceCycles: number;
  /** With dead cores: how many, and the hops of the longest link past some. */
  defects?: NonNullable<Placement['defects']>;
  /** Where its experts lie in strips: with which choices, and what each of them takes. */
  routing?: RoutingResult;
  /** With drafted tokens; the numbers above are those of plain decoding. */
  speculation?: SpeculationResult;
  /** What the strategy weighed, and the least that any layout was proved to cost by it. */
  estimate?: NonNullable<PlacementResult['estimate']>;
  /** What it served, by scenario; absent if it served nothing. The numbers above are a step's own. */
  served?: ServedRow[];
  /** Name of the first run with the same regions at the same places. */
  sameFloorPlanAs?: string;
}

/** A scenario in a few numbers; null where no request has one. */
export interface ServedRow {
  /** Its name; empty if the configuration has none. */
  scenario: string;
  arrived: number;
  completed: number;
  /** Tokens per second of one user, and of all together. */
  outputSpeedP50: number | null;
  outputThroughput: number;
  requestGoodput: number;
  ttftMs: { p50: number | null; p99: number | null };
  tpotMs: { p50: number | null; p99: number | null };
  e2elMs: { p50: number | null; p99: number | null };
  joulesPerOutputToken: number | null;
}
