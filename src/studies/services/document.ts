/** What `validate --services` says: every published speed of a service next to what is simulated for it. */
import type { Identity } from '../../report/identity.js';
import type { HostResult } from '../../report/document.js';

export interface ServiceRow {
  /** Model, date and speed, such as `gpt-oss-120b/2026-05/2700`. */
  id: string;
  model: string;
  date: string;
  kind: 'hosted service';
  unit: 'tokens/s';
  /** Tokens per second of one user, as published, and by whom. */
  measured: number;
  source: string;
  grade: string;
  /** Whose machine it is; null: wafers. */
  system: string | null;
  /** Whether it decodes speculatively; null if nothing is said. */
  speculation: boolean | null;
  published: {
    /** What is known of its settings; null where nothing is said. */
    wafers: number | null;
    weightBits: number | null;
    context: number | null;
  };
  /** Plain decoding, simulated; null where nothing is simulated, and `refused` says why. */
  predicted: number | null;
  simulated?: PlainPrediction;
  /** Rounds of the same model, where the service may decode so. */
  speculative?: SpeculativePrediction;
  /**
   * The least chance of a drafted token with which those rounds are as fast as was published; 0: it takes no drafts;
   * null: 1 is not enough.
   */
  acceptanceForPublished?: number | null;
  /** measured / predicted (computed): what speculation would have to make of it, if nothing else did. */
  speedUp: number | null;
  /** Whether all its settings are known, so that the prediction is of what was measured. */
  judged: boolean;
  /** (predicted - measured) / measured, and whether it lies in `band`; null where it is not judged. */
  error: number | null;
  band: [least: number, most: number];
  passed: boolean | null;
  /** What is assumed of its settings, and how the simulation differs from them. */
  remarks: string[];
  refused?: string;
  note?: string;
}

export interface PlainPrediction {
  /** The bundled model, its wafers and tokens in its cache. */
  model: string;
  wafers: number;
  context: number;
  cyclesPerToken: number;
  /** Cycles between two tokens of any users with the layers full. */
  spacingCycles: number;
  /** Of one user. */
  tokensPerSecond: number;
}

export interface SpeculativePrediction {
  /** Who drafts: an assumption, as drafts of services are not published. */
  draft: string;
  /** Tokens that a round verifies at most. */
  tokens: number;
  /** With the draft's; and their clock. */
  wafers: number;
  clockHz: number;
  /** Cycles of a round of one user, by the tokens that it verifies (1, 2, ...): simulated. */
  cyclesPerRound: number[];
  /** Tokens per second of one user at assumed chances of a drafted token, in rounds of as many as are fastest. */
  assumed: { acceptance: number; tokensPerSecond: number }[];
}

export interface ServicesDocument extends Identity {
  schema: 'wafersim.validate/1';
  rows: ServiceRow[];
  summary: Record<string, ServicesSummary>;
  /** No row that is judged has failed. */
  passed: boolean;
  host: HostResult;
}

export interface ServicesSummary {
  measurements: number;
  /** Rows that something is simulated for, and rows that are judged. */
  predicted: number;
  judged: number;
  /** Ids of the rows outside their bands. */
  failed: string[];
}
