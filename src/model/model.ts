/**
 * What a decoder-only dense transformer is, in the words of the published `config.json` files.
 * Only what the simulator can map; hf-config.ts refuses the rest by name.
 */
import type { FloatType } from '../numeric/types.js';

/** How rotary frequencies are stretched; which of the three it is shows in its fields. */
export type RopeScaling = LinearScaling | Llama3Scaling | YarnScaling;

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

export interface ModelSpec {
  name: string;
  family: 'llama' | 'qwen3';
  dim: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ffn: number;
  vocab: number;
  ropeTheta: number;
  ropeScaling?: RopeScaling;
  normEpsilon: number;
  /** The head uses the embedding's table. */
  tied: boolean;
  /** Query and key heads are RMS-normalised before RoPE. */
  qkNorm: boolean;
  maxContext: number;
  /**
   * Positions from which on some layers attend to the last so many only, which cannot be modelled;
   * absent if none does within `maxContext`.
   */
  window?: number;
  /** Type of activations and of the KV cache on the wafer. */
  dtype: FloatType;
  /** Bits of a stored weight: those of `dtype` (16 or 32), or 8, widened on use. */
  weightBits: 8 | 16 | 32;
  /** How the file stores its weights, if that is where `weightBits` come from. */
  stored?: string;
}

/** One layer's weights, each matrix row-major [outputs][inputs] as in the published files. */
export interface LayerWeights {
  attentionNorm: Float32Array;
  q: Float32Array;
  k: Float32Array;
  v: Float32Array;
  qNorm?: Float32Array;
  kNorm?: Float32Array;
  o: Float32Array;
  mlpNorm: Float32Array;
  gate: Float32Array;
  up: Float32Array;
  down: Float32Array;
  /** With 8-bit weights the matrices hold integers, to be multiplied by one scale each. */
  scales: Record<'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down', number>;
}

export interface Weights {
  /** [vocab][dim] */
  embedding: Float32Array;
  embeddingScale: number;
  layers: LayerWeights[];
  finalNorm: Float32Array;
  /** [vocab][dim]; the embedding itself if tied. */
  head: Float32Array;
  headScale: number;
}
