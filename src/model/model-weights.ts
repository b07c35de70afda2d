/** The numbers of a model, each matrix row-major [outputs][inputs] whatever the published file does. */
import type { BlockFormat } from './formats.js';

/** Numbers as they are stored, and what to multiply them by: one scale, or one for each block. */
export interface Matrix {
  values: Float32Array | Float64Array;
  /** 1 with blocks. */
  scale: number;
  blocks?: Blocks;
}

export interface Blocks {
  format: BlockFormat;
  /** Inputs of the matrix. */
  width: number;
  /** By blocks of outputs, and in each by blocks of inputs. */
  scales: Vector;
}

export type Vector = Float32Array | Float64Array;

export interface Weights {
  /** [vocab][dim] */
  embedding: Matrix;
  layers: LayerWeights[];
  finalNorm: Vector;
  /** [vocab][dim]; the embedding itself if tied. */
  head: Matrix;
}

/** One layer's, as far as its LayerSpec asks for them. */
export interface LayerWeights {
  attentionNorm?: Vector;
  attentionOutNorm?: Vector;
  mlpNorm?: Vector;
  mlpOutNorm?: Vector;
  attention: AttentionWeights;
  mlp: MlpWeights;
  /** What the layer's result is multiplied by. */
  scalar?: number;
  join?: JoinWeights;
}

/** Of a layer that takes a token and a hidden state: norms of both, and their projection, [dim][2 * dim], the token first. */
export interface JoinWeights {
  tokenNorm: Vector;
  hiddenNorm: Vector;
  project: Matrix;
}

export type AttentionWeights = GqaWeights | LatentWeights | DeltaWeights;

export interface GqaWeights {
  kind: 'gqa';
  q: Matrix;
  k: Matrix;
  /** The keys' where values are keys. */
  v: Matrix;
  o: Matrix;
  /** Rows as the queries'. */
  gate?: Matrix;
  qBias?: Vector;
  kBias?: Vector;
  /** None where values are keys, which have theirs. */
  vBias?: Vector;
  oBias?: Vector;
  qNorm?: Vector;
  kNorm?: Vector;
  /** One for each query head. */
  sinks?: Vector;
}

export interface LatentWeights {
  kind: 'latent';
  /** [qRank][dim], its norm, and [heads * (nope + rope)][qRank]; or without them q, [heads * (nope + rope)][dim]. */
  qDown?: Matrix;
  qNorm?: Vector;
  qUp: Matrix;
  /** [kvRank + rope][dim]: the latent vector, then the rotary key. */
  kvDown: Matrix;
  kvNorm: Vector;
  /** [heads * (nope + value)][kvRank], head by head: key, then value. */
  kvUp: Matrix;
  o: Matrix;
  qDownBias?: Vector;
  kvDownBias?: Vector;
  oBias?: Vector;
  indexer?: {
    /** [heads * dim][qRank], [dim][model's dim], [heads][model's dim]. */
    q: Matrix;
    k: Matrix;
    headWeights: Matrix;
    kNorm: Vector;
    kNormBias: Vector;
  };
}

export interface DeltaWeights {
  kind: 'delta';
  /** [keyHeads * keyDim][dim] twice, [valueHeads * valueDim][dim]. */
  q: Matrix;
  k: Matrix;
  v: Matrix;
  /** Gate of the output, as the values; step sizes and decays, [valueHeads][dim]. */
  z: Matrix;
  beta: Matrix;
  alpha: Matrix;
  /** [queries, keys, values][conv], the newest token last. */
  conv: Vector;
  aLog: Vector;
  dtBias: Vector;
  /** [valueDim] */
  norm: Vector;
  o: Matrix;
}

export type MlpWeights = DenseWeights | ExpertsWeights;

export interface DenseWeights {
  kind: 'dense';
  gate: Matrix;
  up: Matrix;
  down: Matrix;
  gateBias?: Vector;
  upBias?: Vector;
  downBias?: Vector;
}

export interface ExpertsWeights {
  kind: 'experts';
  /** [count][dim] */
  router: Matrix;
  /** Of the logits, or of the choice: RouterSpec says which. */
  routerBias?: Vector;
  /** [dim], as published: its input is multiplied by it and by 1/sqrt(dim). One for each expert. */
  routerScale?: Vector;
  perExpertScale?: Vector;
  experts: DenseWeights[];
  shared?: DenseWeights;
  /** [1][dim] */
  sharedGate?: Matrix;
  /** The dense MLP next to the experts; norms after it, before the experts and after them. */
  parallel?: { mlp: DenseWeights; outNorm: Vector; expertsNorm: Vector; expertsOutNorm: Vector };
}
