/**
 * The model as published, and nothing of the machine: a decoder in double precision that takes one
 * token at a time. It defines which logits a mapped model has to produce. Architectures: as in Hugging
 * Face transformers, src/transformers/models/FAMILY/modeling_FAMILY.py. With the programs of the wafer it
 * shares rotary tables and nothing else.
 */
import { unexpected } from '../errors.js';
import type { LayerWeights, Weights } from '../model-weights.js';
import { layerOf, type LayerSpec, type ModelSpec } from '../model.js';
import { gqaAttention, type Attention, type KvCache } from './attention.js';
import { gatedMlp } from './mlp.js';
import { addBlock, rmsNorm } from './norm.js';
import { multiply, scaleBy, softCap } from './vectors.js';

export interface PlainDecoder {
  /**
   * Takes the next token and returns the `vocab` logits of the one after it. Throws a ModelError if
   * there is no such token, or no position left up to `maxContext`.
   */
  step(token: number): Float64Array;
  /**
   * The cache so far, [layer][position][kvHeads * headDim]: keys after RoPE, and values. Layers without
   * grouped queries have none.
   */
  readonly keys: Float64Array[][];
  readonly values: Float64Array[][];
}

/** One layer: changes the residual stream of the token at a position. */
type Layer = (x: Float64Array, position: number) => void;

/** A decoder with an empty cache, for a run of so many positions. */
export function createPlainDecoder(
  model: ModelSpec,
  weights: Weights,
  positions = model.maxContext,
): PlainDecoder {
  const caches = model.layers.map((): KvCache => ({ keys: [], values: [] }));
  const layers = weights.layers.map((layer, number) =>
    createLayer(model, layerOf(model, number), layer, caches[number], positions),
  );
  let position = 0;

  function step(token: number): Float64Array {
    if (!Number.isInteger(token) || token < 0 || token >= model.vocab)
      throw unexpected('token', `a whole number from 0 to ${model.vocab - 1}`, token);
    if (position >= model.maxContext)
      throw unexpected('position', `less than ${model.maxContext}`, position);
    const x = embedded(model, weights, token);
    for (const layer of layers) layer(x, position);
    position++;
    return headLogits(model, weights, x);
  }

  return {
    step,
    keys: caches.map(({ keys }) => keys),
    values: caches.map(({ values }) => values),
  };
}

function createLayer(
  model: ModelSpec,
  spec: LayerSpec,
  weights: LayerWeights,
  cache: KvCache,
  positions: number,
): Layer {
  const attention = attentionOf(model, spec, weights, cache, positions);
  const mlp = mlpOf(spec, weights);
  const norms = normsOf(spec, weights);
  return (x, position) => {
    addBlock(x, norms.attention, model, (input) => attention(input, position));
    addBlock(x, norms.mlp, model, mlp);
    if (spec.scaled) scaleBy(x, weights.scalar!);
  };
}

/** The norms before and after both blocks that the layer has. */
function normsOf({ norms }: LayerSpec, weights: LayerWeights) {
  const before = norms !== 'post';
  const after = norms !== 'pre';
  return {
    attention: {
      ...(before && { before: weights.attentionNorm! }),
      ...(after && { after: weights.attentionOutNorm! }),
    },
    mlp: {
      ...(before && { before: weights.mlpNorm! }),
      ...(after && { after: weights.mlpOutNorm! }),
    },
  };
}

function attentionOf(
  model: ModelSpec,
  { attention: spec }: LayerSpec,
  { attention: weights }: LayerWeights,
  cache: KvCache,
  positions: number,
): Attention {
  if (spec.kind === 'gqa' && weights.kind === 'gqa')
    return gqaAttention(spec, weights, model, cache, positions);
  throw new TypeError(`expected weights of ${spec.kind}, found ${weights.kind}`);
}

function mlpOf({ mlp: spec }: LayerSpec, { mlp: weights }: LayerWeights) {
  if (spec.kind === 'dense' && weights.kind === 'dense')
    return (input: Float64Array) => gatedMlp(spec, weights, input);
  throw new TypeError(`expected weights of ${spec.kind}, found ${weights.kind}`);
}

/** The residual stream of a token before the first layer. */
export function embedded(model: ModelSpec, { embedding }: Weights, token: number): Float64Array {
  const x = new Float64Array(model.dim);
  for (let i = 0; i < x.length; i++)
    x[i] = embedding.values[token * model.dim + i] * embedding.scale * model.embeddingScale;
  return x;
}

/** The `vocab` logits of a residual stream of `dim` elements: final norm and head. */
export function headLogits(
  model: ModelSpec,
  weights: Weights,
  residual: ArrayLike<number>,
): Float64Array {
  const normed = rmsNorm(Float64Array.from(residual), weights.finalNorm, model);
  const logits = multiply(weights.head, normed);
  const { logitCap } = model;
  return logitCap === undefined ? logits : logits.map((logit) => softCap(logit, logitCap));
}

/** The number of the largest logit; of equal ones the lowest. */
export function greedy(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  return best;
}
