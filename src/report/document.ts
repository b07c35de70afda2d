/**
 * What a simulation says: one JSON document per run and per kernel. Everything outside `host` is a
 * function of the configuration alone. Later fields are added, never renamed.
 */

import type { FewerWafers } from '../placement/fewer-wafers.js';
import type { Located, Placement } from '../placement/placement.js';
import type { CostResult } from '../serving/cost.js';
import type { Identity } from './identity.js';

/** Core-cycles (or a core's cycles) by cause: every cycle has exactly one. */
export interface CyclesByCause {
  compute: number;
  setup: number;
  waitInput: number;
  waitOutput: number;
  idle: number;
}

/** What cycles of the critical path are spent on. */
export type PathKind =
  | 'compute'
  | 'setup'
  | 'flight'
  | 'arbitration'
  | 'credit'
  | 'handOff'
  | 'otherToken';

/**
 * Cycles of the critical path, in which one thing happened: of a flight, (x, y) is where it begins; of a credit, where it
 * comes from; ports between wafers are columns beyond their edges.
 */
export interface PathEntry {
  operator: string;
  kind: PathKind;
  wafer: number;
  x: number;
  y: number;
  from: number;
  to: number;
  cycles: number;
}

/** What cores wait for: a wavelet, a slot to send one, the token to be handed on, or other users' tokens. */
export type WaitsOn = 'line' | 'credit' | 'handOff' | 'otherToken';

/** Core-cycles of waiting in an operator; without those that are 0. */
export interface WaitResult {
  operator: string;
  on: WaitsOn;
  coreCycles: number;
}

/**
 * An operator's part of the critical path, in cycles; `compute` + `communication` = `cycles`. What is not
 * compute is communication: flight and waiting, that for a turn included.
 */
export interface OperatorCycles {
  cycles: number;
  compute: number;
  communication: number;
}

/** Operators in program order. */
export type Breakdown = Record<string, OperatorCycles>;

/** One decode step: its cycles and the token it chose, if the run computes. */
export interface StepResult {
  cycles: number;
  token?: number;
}

/** A user's token, from its choice to the next one. */
export interface TurnResult {
  cycles: number;
  /** Of these it waited for its turn: for room among the tokens in flight, or for others before it. */
  waited: number;
  /** That all else in `decode` is of; of turns as long as each other the first. */
  described?: true;
}

export interface DecodeResult {
  /** Cycles of the last step; an integer. */
  cyclesPerToken: number;
  tokensPerSecondPerUser: number;
  /** All users together. */
  tokensPerSecond: number;
  tpotMs: number;
  /** One for each layer, of both of its regions where it has two. */
  perLayerCycles: number[];
  /** Adds up to `cyclesPerToken`. */
  breakdown: Breakdown;
  /** Adds up to `coresUsed` times `cyclesPerToken`. */
  coreCycles: CyclesByCause;
  /** Operators in program order; adds up to `waitInput` and `waitOutput` of `coreCycles` together. */
  waits?: WaitResult[];
  /**
   * From cycle 0 to `cyclesPerToken`, each entry from where the one before ends: what the token's last cycle was for, back
   * to its choice. Left out where it cannot be had, for the reason in `noCriticalPath`.
   */
  criticalPath?: PathEntry[];
  noCriticalPath?: string;
  /** Share of `coreCycles.compute` spent in special functions (exp, SiLU, ...), 0 to 1. */
  specialShare: number;
  /** Tokens in flight at once (those of other users wait for their turn), and the slowest stage. */
  inFlight?: number;
  bottleneck?: string;
  /**
   * Tokens simulated until all cores and tokens were as they had been before, and how many tokens
   * before that was; 0 if it was not found, so that the round is the last one simulated.
   */
  simulatedTokens?: number;
  repeatsAfter?: number;
  /** Where users' turns are not all as long: those that repeat, in the order of their choices, or the last of each user. */
  turns?: TurnResult[];
  /** With several users: where wavelets of two of them may want one link at a time. */
  sharedLinks?: SharedLinksResult;
  /** Where experts lie in strips. */
  routing?: RoutingResult;
  /** With `workload.speculation`: the speed with drafted tokens; all else here is plain decoding. */
  speculation?: SpeculationResult;
}

/**
 * The cycles of a round by what they are, along its last token; simulated. `verify` is a plain token, `comparison`
 * that of choices and drafts, `rollback` how much longer the first token takes to select the memory that was accepted,
 * as far as that delays the round, and `spacing` how much longer the last token takes because it follows the others.
 */
export interface RoundRows {
  draft: number;
  verify: number;
  spacing: number;
  comparison: number;
  transport: number;
  rollback: number;
  /** With several users: how much longer a round takes because of the others, the longest of those that repeat. */
  others?: number;
}

/** A round: tokens that were drafted and accepted, its cycles, and what these are. */
export interface RoundResult extends RoundRows {
  drafted: number;
  accepted: number;
  /** The rows' sum. */
  cycles: number;
}

/** Decoding with drafted tokens. Cycles are simulated; how many tokens are accepted is assumed, or computed. */
export interface SpeculationResult {
  /** Who drafts: a model by its name, an MTP layer, or a look-up by the host. */
  draft: string;
  /** Tokens that a round verifies, the certain one included. */
  tokens: number;
  /** Of all rounds, before the last one is cut to `workload.tokens`. */
  drafted: number;
  accepted: number;
  /** The chance of each drafted token, or of all, from which accepted ones were drawn; none where they were computed. */
  assumedAcceptance?: number | readonly number[];
  /** Mean of the rounds, as all here. */
  cyclesPerRound: number;
  tokensPerRound: number;
  draftCycles: number;
  /** From the last drafted token to the last choice compared: all that is neither draft nor transport. */
  verifyCycles: number;
  /** Adds up to `cyclesPerRound`. */
  breakdown: RoundRows;
  tokensPerSecondPerUser: number;
  /** With several users: how many, each with rounds like these. */
  users?: number;
  /** Of an assumed acceptance: what rounds give in the mean of all draws, and the speed with that. */
  expected?: { tokensPerRound: number; cyclesPerRound: number; tokensPerSecondPerUser: number };
  rounds: RoundResult[];
}

/** Least, mean and most of some numbers. */
export interface Spread {
  mean: number;
  least: number;
  most: number;
}

/** Of experts in strips, whose times depend on which are chosen; all cycles are simulated. */
export interface RoutingResult {
  /** Whose choices: drawn (`uniform`, `skewed`), lines of a file (`trace`), or the plain decoder's (`reference`). */
  source: 'uniform' | 'skewed' | 'trace' | 'reference';
  /** Tokens whose choices these are. */
  tokens: number;
  /** A token's largest number of experts in a strip, mean of its layers; and the least and most of any layer. */
  largestLoad: Spread;
  /** Of the last step with the choices of each of these tokens; of one user alone. */
  cyclesPerToken?: Spread;
  /** The mean is that of as many tokens as there are, one after the other: per mean of the cycles. */
  tokensPerSecondPerUser?: Spread;
  /** With as even a number of chosen experts in all strips as can be; and the mean above it. */
  balancedCycles?: number;
  imbalanceCycles?: number;
}

/**
 * Where a hand-off of one token passes links that another token's stage uses, while both are at it. The
 * two are simulated as one program, so that wavelets wait for each other. If such programs would be too
 * large, none is, and what the pairs cost is in no other number. Without pairs the times prove that no
 * wavelet can wait.
 */
export interface SharedLinksResult {
  /** Cycles of `cyclesPerToken` that come of pairs simulated as one program; negative if they gain. */
  cycles: number;
  /** Cycles per token that the others cost at most, in addition. */
  cyclesAtMost: number;
  pairs: {
    handOff: string;
    /** Maybe the same stage, at work for the token before. */
    other: string;
    links: number;
    /** Wavelets over these links, each time. */
    handOffWavelets: number;
    otherWavelets: number;
    /** How often one token's hand-off or work has part in it, at most. */
    meetings: number;
    /** Whether both are simulated as one program each time that they meet: else the wait is not in the cycles. */
    simulated: boolean;
    /** 0 if simulated; else `meetings` times the cycles that wavelets could wait, by a formula. */
    cyclesAtMost: number;
  }[];
}

export interface RegionResult extends Located {
  /** KV groups that hold each KV head, where there is more than one. */
  kvReplicas?: number;
  /** Strips of columns with as many experts each, where there is more than one. */
  strips?: number;
  name: string;
}

/** Where the draft lies: in the lower rows of the model's wafers, or on wafers of its own, counted after those. */
export interface DraftPlacementResult {
  model: string;
  shared: boolean;
  /** Of its own; 0 if shared. */
  wafers: number;
  regions: RegionResult[];
  coresUsed: number;
  sramPeakBytesPerCore: number;
}

export interface PlacementResult {
  strategy: string;
  /** Whether a layer is one region, or one for its attention and one for its MLP. */
  layers?: Placement['layers'];
  /** What the caches of latent attention have: keys and values of every head, or latent vectors. */
  latent?: NonNullable<Placement['latent']>;
  regions: RegionResult[];
  coresUsed: number;
  sramUsedBytes: number;
  sramPeakBytesPerCore: number;
  /** What a core has, and how many cores the wafers in use have. */
  sramBytesPerCore?: number;
  coresAvailable?: number;
  /** On wafers with dead cores: how many, and the hops of the longest link past some. */
  defects?: NonNullable<Placement['defects']>;
  /** All in use, those of a draft included. */
  wafers?: number;
  /** With speculation by a model or a layer: all else here is of the model whose tokens are verified. */
  draft?: DraftPlacementResult;
  /** With several wafers: what would have to shrink for fewer. */
  fewerWafers?: FewerWafers;
  /**
   * What the strategy weighed: estimated cycles of all hand-offs, nothing simulated; after an exact
   * search also the least that any layout of these regions costs by that estimate, where that was proved.
   */
  estimate?: { handOffCycles: number; bound?: number };
  /** With `growth: search`. */
  search?: SearchResult;
}

/** The layers' shape and the groups on their lines, simulated cycles of a token, and what was tried. */
export interface SearchResult {
  rows: number;
  layerColumns: number | { attention: number; mlp: number };
  /** KV groups that hold each KV head, where others than the estimate's are faster. */
  kvReplicas?: number;
  /** Of whole layers; those of split ones are the fastest on each line. */
  groups?: { column: number; row: number; head: number };
  cycles: number;
  /** Shapes that fit, shapes that were simulated, and sets of groups tried in place. */
  candidates: number;
  simulated: number;
  groupsTried: number;
  /** Numbers of KV replicas tried in place, where some were. */
  replicasTried?: number;
}

export interface FabricResult {
  waveletHops: number;
  /** Wavelets over cycles of the busiest link, 0 to 1. */
  peakLinkUtilization: number;
  routeHazards?: number;
}

/** Which regions an engine ran and which took over another's result. */
export interface ReuseResult {
  simulated: { region: string }[];
  reused: { region: string; as: string }[];
  /** Of a run by lines: the stages that were simulated, in all steps. */
  lines?: LinesResult;
}

/**
 * Lines of the stages that were simulated, as they would be if nothing had been known when the run began: how many
 * there are, and how many differ; pairs of phases that were simulated as one, since lines of theirs met; stages that
 * were simulated whole, and how many of them why.
 */
export interface LinesResult {
  lines: number;
  distinct: number;
  merged: number;
  whole: number;
  why: Record<string, number>;
}

export interface CheckResult {
  /** max |difference| / max |logit| against a plain implementation of the model. */
  logitsMaxRelativeError: number;
  tolerance: number;
  /** Whether every chosen token is the first largest of the logits that it was chosen from. */
  choice?: boolean;
  /** The first step whose choice is not: null for what is no number. */
  wrongChoice?: { step: number; chosen: number | null; largest: number | null };
  /** Where the head computes: on the wafer, or (mapping waferllm) on the host. */
  head?: 'wafer' | 'host';
  /** Users whose numbers were computed and checked, counted from 0, and how many there are. */
  users?: { checked: number[]; of: number };
  /** Of models with experts: whether all choices are the plain implementation's. */
  expertsAgree?: boolean;
  /** Choices of all layers for all tokens, and how many of them are the plain implementation's. */
  expertChoices?: { agree: number; of: number };
  /**
   * The least difference between the score of the last chosen expert and of the best one left out, over the
   * largest score, of all these choices in the plain implementation. Left out where all experts are chosen.
   */
  routingMargin?: number;
  /** The first choice (layer and token counted from 0, prompt included) that differs and is no near tie. */
  wrongExperts?: {
    token: number;
    layer: number;
    chosen: (number | null)[];
    expected: number[];
    margin: number;
  };
  /** Of runs that leave positions out: whether all choices of positions are the plain implementation's. */
  positionsAgree?: boolean;
  /** Choices of all layers with an indexer for all tokens, and how many are the plain implementation's. */
  positionChoices?: { agree: number; of: number };
  /** The least difference between the last score that is chosen and the next one, over the largest, of all these choices. */
  selectionMargin?: number;
  /**
   * The first choice (layer and token counted from 0, prompt included) that differs and is no near tie: how many
   * positions were chosen and how many should be; those that should not, and should be, in it, at most eight each.
   */
  wrongPositions?: {
    token: number;
    layer: number;
    chosen: number;
    of: number;
    extra: number[];
    missing: number[];
    margin: number;
  };
  /** Bits to which a checkpoint's weights were rounded, here and in the plain implementation, if fewer than it has. */
  roundedTo?: number;
  /** The formats of those bits, in words. */
  roundedFormats?: string[];
  passed?: boolean;
}

/** The only part that depends on the machine the simulator runs on. */
export interface HostResult {
  engine: string;
  shards: number;
  wallSeconds: number;
  peakRssBytes: number;
  /** Seconds of processor time of this process while the engine ran a program, of all its threads. */
  engineCpuSeconds?: number;
  /** Lines that were simulated, and lines whose result was known, from this run or from one before. */
  lines?: { simulated: number; known: number };
  /** Of a grid of steps: those that were simulated, and those that an earlier command had kept. */
  steps?: { simulated: number; read: number };
}

export interface RunDocument extends Identity {
  schema: 'wafersim.run/1';
  /** Over what the configuration says, however it is spelt and wherever its files lie. */
  configHash: string;
  /** The resolved configuration with every default. */
  config: unknown;
  decode: DecodeResult;
  steps: StepResult[];
  /** What the chosen tokens say, where the model has a tokenizer. */
  text?: string;
  placement: PlacementResult;
  fabric: FabricResult;
  reuse: ReuseResult;
  /** Tensors of the checkpoint that are no part of the model, by kind. */
  skippedTensors?: Partial<Record<string, number>>;
  check?: CheckResult;
  /** With --acceptance: rounds of every number of tokens, and what acceptance makes of them. */
  acceptance?: AcceptanceResult;
  /** With --sensitivity: the uncertain numbers of the hardware, and how far they move the result. */
  sensitivity?: Sensitivity[];
  sensitivityBand?: SensitivityBand;
  /** Where prices are given: what tokens cost at `decode.tokensPerSecond`, or at the speed with drafted tokens. */
  cost?: CostResult;
  host: HostResult;
}

/**
 * Rounds of the run's first token with more and more drafted ones: cycles are simulated, the chances are assumed, and
 * a speed is what follows from both.
 */
export interface AcceptanceResult {
  /** Chances of every drafted token, given that those before it are right. */
  chances: number[];
  /** Tokens per second of one user that are asked for, if any. */
  target?: number;
  /** By how much each accepted token makes the next round longer: the model's own layer takes it once more. */
  cyclesPerAccepted?: number;
  rounds: {
    /** Tokens verified. */
    tokens: number;
    /** Where the round before accepted nothing. */
    cyclesPerRound: number;
    /** By chance. */
    tokensPerSecondPerUser: number[];
    /** With a target: the chance that gives it; null where 1 is not enough. */
    needed?: number | null;
  }[];
}

/** What one uncertain number of the hardware does. */
export interface Sensitivity {
  /** Such as `hardware.fabric.hopCycles`. */
  parameter: string;
  /** Where the truth may lie, in base units. */
  range: [number, number];
  /** Lowest and highest at the ends of the range and at the value in use. */
  tokensPerSecondPerUser: [number, number];
  /** The same with drafted tokens, where the run has them, of as many accepted ones. */
  speculativeTokensPerSecondPerUser?: [number, number];
  /** At the low and at the high end of `range`; null if the machine refuses, for the reason in `refused`. */
  atEnds: [number | null, number | null];
  refused?: string;
}

/** Lowest and highest tokens per second of one user over all uncertain numbers. */
export interface SensitivityBand {
  oneAtATime: [number, number];
  /** The same with drafted tokens, where the run has them. */
  speculativeOneAtATime?: [number, number];
  /** All where each alone is slowest, and fastest; null if the machine refuses. */
  allAtOnce: [number | null, number | null];
}

/**
 * An algorithm that could be chosen: its cycles; or how many it takes at least, which is no fewer than the
 * fastest; or why it cannot run.
 */
export interface KernelCandidate {
  options: Record<string, unknown>;
  cycles?: number;
  atLeast?: number;
  refused?: string;
}

export interface KernelDocument extends Identity {
  schema: 'wafersim.kernel/1';
  /** The kernel's name and its options as resolved. */
  kernel: string;
  /** Start of the program to the end of its slowest core, or of the root for a reduce. */
  cycles: number;
  breakdown: Breakdown;
  /** Adds up to the cores of the rectangle times `cycles`. */
  coreCycles?: CyclesByCause;
  /** Adds up to `waitInput` and `waitOutput` of `coreCycles` together. */
  waits?: WaitResult[];
  /** From cycle 0 to `cycles`, as of a run. */
  criticalPath?: PathEntry[];
  noCriticalPath?: string;
  config: { kernel: string; options: unknown; hardware: { name: string } };
  fabric: FabricResult;
  /** With `--algorithm auto`: what was tried, of which the document is that of the fastest. */
  candidates?: KernelCandidate[];
  /** Of synthetic traffic. */
  traffic?: TrafficResult;
  /** With several loads: each of them; the other results are those of the last one. */
  loads?: (TrafficResult & { load: number; cycles: number })[];
  host: HostResult;
}

/** Cycles from one instant of a wavelet to another; simulated. */
export interface LatencyResult {
  mean: number;
  p50: number;
  p99: number;
}

export interface TrafficResult {
  /** Cores that send. */
  senders: number;
  /**
   * Wavelets generated, and wavelets taken (of several targets each counts as its share), per sending
   * core and cycle of the window.
   */
  offeredLoad: number;
  acceptedLoad: number;
  /**
   * More than 1 % of the senders are saturated: in the window those that wait at them to enter the
   * network grew by over 4 wavelets, and by over 5 % of what they generated.
   */
  saturated: boolean;
  saturatedSenders: number;
  /** Cycles of generation that are measured, from the first to one past the last; what arrived of them. */
  window: { from: number; to: number; deliveries: number };
  /** From entering the ramp, and from being generated, until the receiving core takes it. */
  latency: { fromInjection: LatencyResult | null; fromGeneration: LatencyResult | null };
}
