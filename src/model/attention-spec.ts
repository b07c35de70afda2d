/** What the attention of a layer is, and how it knows positions. */

export type AttentionSpec = GqaSpec | LatentSpec | DeltaSpec;

/** Grouped queries: query head h reads the key and value head floor(h / (heads / kvHeads)). */
export interface GqaSpec {
  kind: 'gqa';
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Biases of queries, keys and values; and of the output projection. */
  bias: boolean;
  outBias: boolean;
  /**
   * RMSNorm of queries and keys: of each head before RoPE, of all heads as one vector before RoPE, or of
   * each head after RoPE and without weights.
   */
  qkNorm: 'none' | 'head' | 'whole' | 'head-after-rope';
  /** RMSNorm of each value head, without weights. */
  vNorm: boolean;
  /** Values are the keys as they are projected. */
  valueIsKey: boolean;
  /** The attended heads are multiplied by the sigmoid of a projection as wide as the queries. */
  gate: boolean;
  /** A learned score for each head takes part in the softmax, and its share is dropped. */
  sinks: boolean;
  /** What scores are multiplied by. */
  scale: number;
  /** A score s becomes cap * tanh(s / cap). */
  scoreCap?: number;
  /** Without it positions are not told apart. */
  rope?: Rope;
  span: Span;
  /** Queries at position p are multiplied by 1 + scale * ln(1 + floor((p + 1) / floor)). */
  temperature?: { floor: number; scale: number };
}

/** Does a wafer copy values from keys? Not with a gate, which lies where values would: they are projected then. */
export function copiesKeys({ valueIsKey, gate }: GqaSpec): boolean {
  return valueIsKey && !gate;
}

/** Positions that a token attends to: all, the last `size` with its own, or those of its own block of `size`. */
export type Span = { kind: 'full' } | { kind: 'window' | 'chunk'; size: number };

/** Multi-head latent attention: the cache holds a latent vector and one rotary key for all heads. */
export interface LatentSpec {
  kind: 'latent';
  heads: number;
  /** Width of the queries' latent vector; without it queries are projected directly. */
  qRank?: number;
  kvRank: number;
  /** Width of a head's keys without position, of the rotary part, and of its values. */
  nope: number;
  rope: Rope;
  value: number;
  /** Biases of the projections from the residual stream. */
  bias: boolean;
  scale: number;
  indexer?: IndexerSpec;
}

/** Chooses the positions to attend to. */
export interface IndexerSpec {
  heads: number;
  dim: number;
  topK: number;
  /** The layer has one; otherwise it takes the last choice before. */
  own: boolean;
  /** The next layer takes the choice that this one has. */
  handsOn?: true;
  pairs: Rope['pairs'];
  /** All positions are attended to, however many they are, which the published model does not do. */
  dense?: true;
}

/** What chooses the positions that an attention attends to, if something does. */
export function indexerOf(attention: AttentionSpec): IndexerSpec | undefined {
  return attention.kind === 'latent' ? attention.indexer : undefined;
}

/** Whether an attention leaves some of so many positions out: those that an indexer does not choose. */
export function leavesOut(attention: AttentionSpec, positions: number): boolean {
  const indexer = indexerOf(attention);
  return indexer !== undefined && !indexer.dense && positions > indexer.topK;
}

/** Gated delta rule: a state of keyDim x valueDim for each value head in place of a cache. */
export interface DeltaSpec {
  kind: 'delta';
  keyHeads: number;
  valueHeads: number;
  keyDim: number;
  valueDim: number;
  /** Tokens that the causal convolution over queries, keys and values reaches over. */
  conv: number;
}

export interface Rope {
  /** Elements of a head that turn, the first ones. */
  dim: number;
  /**
   * Frequencies are theta^(-2i/width); halves are pairs (i, i + width/2). `dim` of most models; where it is
   * wider, pairs from dim/2 on stand still.
   */
  width: number;
  theta: number;
  /** Pairs of (i, i + width/2), or of (2i, 2i + 1). */
  pairs: 'halves' | 'neighbours';
  scaling?: RopeScaling;
}

/** How rotary frequencies are stretched; which of them it is shows in its fields. */
export type RopeScaling = LinearScaling | Llama3Scaling | YarnScaling | LongScaling;

/** All of them divided by `factor`. */
export interface LinearScaling {
  factor: number;
}

/** Llama 3.1's stretch of the low ones. */
export interface Llama3Scaling {
  factor: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  originalMaxPosition: number;
}

/** YaRN: low ones divided by `factor`, high ones kept, a ramp over the pairs between. */
export interface YarnScaling {
  factor: number;
  /** Rotations within the original context that a pair makes at the ramp's two ends. */
  betaFast: number;
  betaSlow: number;
  /** The ramp's ends are rounded outwards to whole pairs. */
  truncate: boolean;
  originalMaxPosition: number;
  /** Cosines and sines are multiplied by it. */
  amplitude: number;
}

/** LongRoPE: each divided by a factor of its own, by others where a run goes beyond the original context. */
export interface LongScaling {
  short: readonly number[];
  long: readonly number[];
  originalMaxPosition: number;
  amplitude: number;
}
