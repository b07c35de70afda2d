import type { CostResult } from '../serving/cost.js';

/** What a plan says of a served model: field `plan` of a serving result. */

export interface PlanResult {
  /** Tokens per second that every user is to have. */
  floor: number;
  megawatts: number;
  pue: number;
  /** A group of wafers that serves the model, its draft included, and its watts. */
  wafers: number;
  watts: number;
  /** Chances of drafted tokens: an assumption. */
  assumedAcceptance?: readonly number[];
  /** By tokens in every user's cache. */
  rows: PlanRow[];
  /** Tokens in every user's cache of the GPUs. */
  gpuContext: number;
  gpus: GpuPlanRow[];
}

/** Users of one group at the floor. */
export interface AtFloor {
  users: number;
  boundBy: 'speed' | 'memory' | 'nothing fits';
  /** Of each of them. */
  tokensPerSecondPerUser: number;
  site: PlanSite;
}

/** Groups of the whole site, and what they serve. */
export interface PlanSite {
  machines: number;
  groups: number;
  users: number;
  tokensPerDay: number;
  /** Of the machines at their stated power; and with the site's share (PUE) on top. */
  joulesPerToken: number;
  joulesPerTokenAtSite: number;
  /** Where prices are given: of all groups and their tokens. */
  cost?: CostResult;
}

export interface PlanRow extends AtFloor {
  context: number;
  /** One user alone: plain decoding (simulated), and with rounds at the assumed acceptance. */
  plainTokensPerSecond: number;
  tokensPerSecondAlone: number;
  /** Tokens that a round of one user alone verifies and emits in the mean. */
  verified: number;
  emitted: number;
  /** Least acceptance with which one user alone has the floor; 0: none is needed; null: 1 is not enough. */
  acceptanceForFloor: number | null;
  /** Users whose caches fit, at whatever speed. */
  heldUsers: number;
}

export interface GpuPlanRow extends AtFloor {
  kind: 'analytic';
  gpu: string;
  gpus: number;
  tokensPerSecondAlone: number;
  /** As many users as memory holds, whatever their speed. */
  full: { users: number; tokensPerSecondPerUser: number; site: PlanSite };
}
