/** What a validation says: every measurement next to its prediction, and how far they are apart. */

import type { Identity } from '../../report/identity.js';

/**
 * Whether a number of the cost table was chosen on this very case. What agrees there is a calibration;
 * only out of sample does the simulator predict.
 */
export type Basis = 'fitted' | 'out of sample';

export interface ValidateRow {
  id: string;
  kernel: string;
  system: string;
  /** hardware, vendor simulator or hosted service: never averaged together. */
  kind: string;
  /** The machine, and where it was measured, such as `WSE-3 simulator`: never averaged together. */
  cohort: string;
  /** Of `measured` and `predicted`; tokens/s are those of one user. */
  unit: 'cycles' | 'tokens/s';
  measured: number;
  /** What is simulated; null if the simulator refuses what was measured, and `refused` says why. */
  predicted: number | null;
  basis: Basis;
  /** Numbers of the hardware file that were chosen on this row, with others perhaps. */
  fitted?: string[];
  /** Of a service: whether it decodes speculatively; null if nothing is said. */
  speculation?: boolean | null;
  /** (predicted - measured) / measured; null where the two are not of the same thing. */
  error: number | null;
  /** Where `error` may lie. */
  band: [least: number, most: number];
  /** Whether the project ships this measurement. */
  listed: boolean;
  /** Null for a service that is not simulated, or not as it was measured: nothing to judge. */
  passed: boolean | null;
  source: string;
  note?: string;
  refused?: string;
  /** What was simulated differs from what was measured, and in what. */
  remark?: string;
}

/** How far rows of one basis are off. */
export interface ErrorSummary {
  /** Rows that are simulated as they were measured. */
  predicted: number;
  /** Of the signed errors' absolute values; null where nothing is simulated. */
  meanAbsoluteError: number | null;
  worst: { id: string; error: number } | null;
}

/** Its own figures are those of the only basis that its rows have, and null where they have both. */
export interface ValidateSummary extends ErrorSummary {
  measurements: number;
  basis: Basis | 'both';
  /** Figures over fitted rows, and over the others; absent without any such row. */
  calibration?: ErrorSummary;
  outOfSample?: ErrorSummary;
  /** Ids of the rows outside their bands. */
  failed: string[];
}

/** What one source published of one kernel on one machine, as predictions rank it. */
export interface Sweep {
  cohort: string;
  kernel: string;
  source: string;
  ids: string[];
  /** Spearman's, of measured and predicted; null where all are equal. */
  rankCorrelation: number | null;
  /** Pairs predicted the other way round than measured, of so many that were measured unequal. */
  inversions: number;
  pairs: number;
}

/** Predictions of services times one constant. */
export interface ServiceScale {
  /** The only service that the constant is fitted on. */
  fittedOn: string;
  constant: number;
  /** Services that are judged. */
  rows: { id: string; predicted: number; error: number; basis: Basis }[];
  outOfSample: ErrorSummary;
}

export interface LimitRow {
  kernel: string;
  /** Whether the cost table was fitted to some of the measurements that ship with the project. */
  fitted: boolean;
  /** Bands of measurements that ship with the project, and of others. */
  listed: [number, number];
  unlisted: [number, number];
  reason: string;
}

/** A published prefill next to a prompt that streams through the simulated layers; not judged. */
export interface PrefillNote {
  id: string;
  system: string;
  promptTokens: number;
  /** Prompt tokens per second of one request. */
  published: number;
  simulated: number;
  source: string;
  /** How the published one works. */
  algorithm: string;
}

export interface ValidateDocument extends Identity {
  schema: 'wafersim.validate/1';
  rows: ValidateRow[];
  /** By kind; where a kind has rows of several cohorts there are no figures of errors. */
  summary: Record<string, ValidateSummary>;
  /** By cohort; this and the next two are absent in documents of earlier versions. */
  cohorts?: Record<string, ValidateSummary>;
  sweeps?: Sweep[];
  /** Absent too without the service that its constant is fitted on. */
  serviceScale?: ServiceScale;
  limits: LimitRow[];
  /** No row has failed. */
  passed: boolean;
  /** Published figures that the simulator has no prediction of, next to what comes closest. */
  notes?: PrefillNote[];
}
