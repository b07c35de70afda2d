/**
 * What a decoder-only transformer is, in the words of the published `config.json` files: numbers of the whole
 * model, and a list of its layers, which may be of several kinds.
 */
import type { FloatType } from '../numeric/types.js';
import { indexerOf } from './attention-spec.js';
import type { AttentionSpec, DeltaSpec, GqaSpec, LatentSpec } from './attention-spec.js';
import type { Formats } from './formats.js';
import type { DenseSpec, MlpSpec } from './mlp-spec.js';
import type { Published } from './published.js';

export interface ModelSpec {
  name: string;
  /** `model_type` of the published file. */
  family: string;
  dim: number;
  vocab: number;
  /** The layers that differ. */
  kinds: readonly LayerSpec[];
  /** Each layer's number in `kinds`, in the order of a token's path. */
  layers: readonly number[];
  normEpsilon: number;
  /** A norm multiplies by 1 + its weight, not by the weight. */
  normPlusOne: boolean;
  /** What the embedding is multiplied by. */
  embeddingScale: number;
  /** A logit l becomes cap * tanh(l / cap). */
  logitCap?: number;
  /** The head uses the embedding's table. */
  tied: boolean;
  maxContext: number;
  /** Type of activations and of the KV cache on the wafer. */
  dtype: FloatType;
  /** Bits of a stored weight: those of `dtype` (16 or 32), or 8 or 4, widened on use; of `formats` the rest's. */
  weightBits: 4 | 8 | 16 | 32;
  /** How matrices are stored, if not all alike or in a format that `weightBits` does not say. */
  formats?: Formats;
  /** How the file stores its weights, if that is where `weightBits` or `formats` come from. */
  stored?: string;
  /** Layers after the last that guess the tokens after the next; no logits of the model need them. */
  mtp?: { layers: number; layer: LayerSpec };
  /** What else the file says: names of its fields, its other models, its format. */
  published?: Published;
}

export interface LayerSpec {
  attention: AttentionSpec;
  mlp: MlpSpec;
  /**
   * Which norms a layer has: of the input of attention and of the MLP (`pre`), of their output before it is
   * added to the residual stream (`post`), or both (`sandwich`).
   */
  norms: 'pre' | 'post' | 'sandwich';
  /** The layer's result is multiplied by a number of its own. */
  scaled: boolean;
  /**
   * The layer takes a token and a hidden state: it norms both and projects them to one (`eh_proj`) before its
   * attention.
   */
  joins?: true;
}

/** The layer of that number. */
export function layerOf(
  { kinds, layers }: Pick<ModelSpec, 'kinds' | 'layers'>,
  layer: number,
): LayerSpec {
  return kinds[layers[layer]];
}

/**
 * The distinct layers, in order of their first appearance, and the number of each layer's kind. Equal means
 * equal in every field.
 */
export function kindsOf(specs: readonly LayerSpec[]): Pick<ModelSpec, 'kinds' | 'layers'> {
  const numbers = new Map<string, number>();
  const kinds: LayerSpec[] = [];
  const layers = specs.map((one, layer) => {
    const spec = handingOn(one, specs[layer + 1]);
    const key = JSON.stringify(spec);
    let number = numbers.get(key);
    if (number === undefined) {
      numbers.set(key, (number = kinds.length));
      kinds.push(spec);
    }
    return number;
  });
  return { kinds, layers };
}

/** The layer, whose choice of positions the next one takes or not. */
function handingOn(layer: LayerSpec, next: LayerSpec | undefined): LayerSpec {
  const [of, then] = [layer, next].map((one) => one && indexerOf(one.attention));
  if (of === undefined || of.dense || then === undefined || then.own) return layer;
  const indexer = { ...of, handsOn: true } as const;
  return { ...layer, attention: { ...latentOf(layer), indexer } };
}

/** The attention of a layer with grouped queries; throws a TypeError at any other. */
export function gqaOf({ attention }: Pick<LayerSpec, 'attention'>): GqaSpec {
  if (attention.kind === 'gqa') return attention;
  throw new TypeError(`expected grouped queries, found ${attention.kind}`);
}

/** The attention of a layer with a gated delta net; throws a TypeError at any other. */
export function deltaOf({ attention }: Pick<LayerSpec, 'attention'>): DeltaSpec {
  if (attention.kind === 'delta') return attention;
  throw new TypeError(`expected a gated delta net, found ${attention.kind}`);
}

/** The attention of a layer with latent attention; throws a TypeError at any other. */
export function latentOf({ attention }: Pick<LayerSpec, 'attention'>): LatentSpec {
  if (attention.kind === 'latent') return attention;
  throw new TypeError(`expected latent attention, found ${attention.kind}`);
}

export function hasExperts({ mlp }: Pick<LayerSpec, 'mlp'>): boolean {
  return mlp.kind === 'experts';
}

/** The MLP of a layer without experts; throws a TypeError at any other. */
export function denseOf({ mlp }: Pick<LayerSpec, 'mlp'>): DenseSpec {
  if (mlp.kind === 'dense') return mlp;
  throw new TypeError(`expected a dense MLP, found ${mlp.kind}`);
}
