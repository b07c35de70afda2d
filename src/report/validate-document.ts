/** What a validation says: every measurement beside its prediction, and how far they are apart. */

export interface ValidateRow {
  id: string;
  kernel: string;
  system: string;
  /** hardware, vendor simulator or hosted service: never averaged together. */
  kind: string;
  /** Of `measured` and `predicted`; tokens/s are those of one user. */
  unit: 'cycles' | 'tokens/s';
  measured: number;
  /** Null if the simulator refuses what was measured; `refused` says why. */
  predicted: number | null;
  /** (predicted - measured) / measured. */
  error: number | null;
  /** Where `error` may lie. */
  band: [least: number, most: number];
  /** Whether the project ships this measurement: its cost table may have been fitted to it. */
  listed: boolean;
  /** Null for a service that is not simulated: nothing to judge. */
  passed: boolean | null;
  source: string;
  note?: string;
  refused?: string;
  /** What was simulated differs from what was measured, and in what. */
  remark?: string;
}

export interface ValidateSummary {
  measurements: number;
  /** Those that have a prediction. */
  predicted: number;
  /** Of the signed errors' absolute values; null without a prediction. */
  meanAbsoluteError: number | null;
  worst: { id: string; error: number } | null;
  /** Ids of the rows outside their bands. */
  failed: string[];
}

export interface LimitRow {
  kernel: string;
  /** Bands of measurements that ship with the project, and of others. */
  listed: [number, number];
  unlisted: [number, number];
  reason: string;
}

/** A published prefill beside a prompt that streams through the simulated layers; not judged. */
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

export interface ValidateDocument {
  schema: 'wafersim.validate/1';
  rows: ValidateRow[];
  /** By kind. */
  summary: Record<string, ValidateSummary>;
  limits: LimitRow[];
  /** No row has failed. */
  passed: boolean;
  /** Published figures that the simulator has no prediction of, beside what comes closest. */
  notes?: PrefillNote[];
}
