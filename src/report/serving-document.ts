/** What a serving simulation says: the field `serving` of a run's document, and each of `scenarios`. */
import type { CostResult } from '../serving/cost.js';
import type { ServingMetrics } from '../serving/metrics.js';
import type { PolicyName } from '../serving/policy.js';
import type { RoundCounts, RoundPolicy } from '../serving/rounds.js';
import type { RooflineCheck } from '../serving/roofline.js';
import type { Series } from '../serving/series.js';
import type { TransportEffect } from '../serving/transport-effect.js';
import type { Transport } from '../serving/transport.js';
import type { RunDocument } from './document.js';
import type { PlanResult } from './plan-document.js';

/** A run that served requests. */
export interface ServingDocument extends RunDocument {
  /** The first scenario. */
  serving: ServingResult;
  /** All of them, if the configuration names any; of deployments those that serve requests. */
  scenarios?: ServingResult[];
  /** Several models on one system. */
  deployments?: DeploymentsResult;
}

/** A run of either kind. */
export type AnyRun = RunDocument &
  Partial<Pick<ServingDocument, 'serving' | 'scenarios' | 'deployments'>>;

/** Several models on one system, and all their requests together. */
export interface DeploymentsResult {
  /** Wafers that the system has (null: as many as are used), and those that are used. */
  systemWafers: number | null;
  wafers: number;
  placed: DeployedModel[];
  total: ServingMetrics & { energy: EnergyResult; cost?: CostResult };
}

export interface DeployedModel {
  name: string;
  model: string;
  parameters: number;
  /** Wafers of the system that it lies on, from the first one on; a draft may share those of its model. */
  firstWafer: number;
  wafers: number;
  /** The deployment that it drafts for: it serves nothing by itself. */
  draftsFor?: string;
  /** Requests that were sent to it. */
  requests?: number;
  /** Positions of the KV cache for all its users, and the longest context of one. */
  kvTokens?: number;
  maxContext?: number;
}

/** The scenarios of a run that served requests; none of any other. */
export function scenariosOf({ serving, scenarios }: AnyRun): ServingResult[] {
  return serving === undefined ? [] : (scenarios ?? [serving]);
}

export interface ServingResult extends ServingMetrics {
  /** Name of the scenario; empty if the configuration has none. */
  scenario: string;
  /** Where the requests come from. */
  workload: string;
  policy: PolicyName;
  model: string;
  parameters: number;
  wafers: number;
  /** Positions of the KV cache for all users together, and the longest context of one. */
  kvTokens: number;
  /** Positions that a request takes together: one on each row of a region. */
  kvBlock?: number;
  /** Users whose states (gated delta nets) or whole windows the layers hold, those of idle sessions included. */
  states?: number;
  maxContext: number;
  /** Longest context of one user on a single wafer (0: none); wafers that 128k takes (null: none do). */
  reach: { oneWafer: number; wafersFor128k: number | null };
  /** Sessions whose kept cache had to make room for others. */
  evictions: number;
  stepTimes: StepTimesResult;
  /** Where tokens are drafted: what rounds came to. */
  speculation?: ServedSpeculation;
  /** Where a plan is asked for: users at the floor, and what a site serves. */
  plan?: PlanResult;
  transport: Transport;
  transportSources: Record<string, string>;
  transportEffect?: TransportEffect;
  energy: EnergyResult;
  /** Where prices are given: what tokens cost at `outputThroughput`. */
  cost?: CostResult;
  gpus: GpuResult[];
  series: Series;
  /** Of completed requests: every fifth percentile from 0 to 100. */
  distributions: Record<'ttftMs' | 'tpotMs' | 'e2elMs', number[]>;
  /** Where the requests are a record: its tokens, and how many came at another time than was recorded. */
  replay?: ReplayResult;
  /** Rows of the trace that could not be used and were left out. */
  skippedRows: number;
  notes: string[];
  assumptions: string[];
}

export interface ReplayResult {
  /** Requests whose end was recorded, and their tokens. */
  requests: number;
  tokens: number;
  differing: number;
  /** The first of them; null for a token that did not come. */
  first?: { request: number; token: number; recordedNs: number | null; servedNs: number | null };
}

/** Rounds of speculative decoding in what was served. */
export interface ServedSpeculation extends RoundCounts {
  /** Who drafts: a model's name, `mtp` or `ngram`. */
  draft: string;
  /** Tokens that a round verifies at most, and whether in every round. */
  tokens: number;
  policy: RoundPolicy;
  /** Chances of the drafted tokens: an assumption, from which accepted ones are drawn. */
  assumedAcceptance: readonly number[];
  /** Of all rounds: tokens that one verified, and that it emitted. */
  tokensVerifiedPerRound: number;
  tokensPerRound: number;
}

/** Simulated steps: one user alone, and `fullUsers` users who fill the layers. */
export interface StepTimesResult {
  contexts: number[];
  aloneCycles: number[];
  fullCycles: number[];
  fullUsers: number;
  /**
   * Tokens per second of one user alone; and of all users together with the layers full, which is
   * also how fast a prompt streams in.
   */
  aloneTokensPerSecond: number[];
  fullTokensPerSecond: number[];
  /** Where tokens are drafted: cycles of a round of one user, by the tokens that it verifies (1, 2, ...), by context. */
  roundCycles?: number[][];
  /** Cycles between two tokens of any users in the regions of the draft, by context. */
  draftSpacingCycles?: number[];
  /** Largest relative interpolation error where it was checked. */
  middleError: number;
}

export interface EnergyResult {
  watts: number;
  /** Of all wafers over the whole time, idle or not, per output token. */
  joulesPerOutputToken: number;
}

/** The same requests on GPUs by roofline. Analytic: nothing of it is simulated but the queue. */
export interface GpuResult {
  kind: 'analytic';
  gpu: string;
  gpus: number;
  outputSpeed: ServingMetrics['outputSpeed'];
  outputThroughput: number;
  ttftMs: ServingMetrics['ttftMs'];
  tpotMs: ServingMetrics['tpotMs'];
  completed: number;
  energy: EnergyResult;
  cost?: CostResult;
  /** The roofline next to published rates, where there are any. */
  checks: RooflineCheck[];
}
