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
  /** Of `measured` and `predicted`; tokens/s are those of one user. */
  unit: 'cycles' | 'tokens/s';
  measured: number;
  /** What is simulated; null if the simulator refuses what was measured, and `refused` says why. */
  predicted: number | null;
  basis: Basis;
  /** (predicted - measured) / measured. */
  error: number | null;
  /** Where `error` may lie. */
  band: [least: number, most: number];
  /** Whether the project ships this measurement. */
  listed: boolean;
  /** Null for a service that is not simulated: nothing to judge. */
  passed: boolean | null;
  source: string;
  note?: string;
  refused?: string;
  /** What was simulated differs from what was measured, and in what. */
  remark?: string;
}

/** How far rows of one basis are off. */
export interface ErrorSummary {
  /** Rows that are simulated. */
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

export interface LimitRow {
  kernel: string;
  /** Whether the cost table was fitted to the measurements that ship with the project. */
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
  /** By kind. */
  summary: Record<string, ValidateSummary>;
  limits: LimitRow[];
  /** No row has failed. */
  passed: boolean;
  /** Published figures that the simulator has no prediction of, next to what comes closest. */
  notes?: PrefillNote[];
}
