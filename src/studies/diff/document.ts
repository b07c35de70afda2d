/** What a comparison of engines says: the programs both ran and the first difference, if any. */

import type { Identity } from '../../report/identity.js';

/** One counter that two engines do not agree on. */
export interface Difference {
  /** The counter: `end`, `compute`, `linkWavelets`, `error`, `end of operation`, ... */
  what: string;
  /** The cycle in which they differ or, if not `exact`, by which they have. */
  cycle: number;
  exact: boolean;
  /** The core, and which of its operations, or which label or link, where there is one. */
  core?: { x: number; y: number };
  where?: string;
  /** What the first and the second engine say. */
  values: [number | string, number | string];
}

export interface FoundDifference {
  program: string;
  engines: [string, string];
  first: Difference;
  /** How many counters differ at the end of the run, and some of them, the earliest ones first. */
  count: number;
  others: Difference[];
}

export interface DiffDocument extends Identity {
  schema: 'wafersim.diff/1';
  engines: string[];
  /** Programs that all engines ran, in order; `error` if all failed alike. */
  programs: { name: string; cores: number; cycles: number; error?: string }[];
  difference: FoundDifference | null;
  config: unknown;
}
