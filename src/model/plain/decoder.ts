/**
 * The model as published, and nothing of the machine: a decoder in double precision that takes one
 * token at a time. It defines which logits a mapped model has to produce. Architectures: as in Hugging
 * Face transformers, src/transformers/models/FAMILY/modeling_FAMILY.py. With the programs of the wafer it
 * shares rotary tables and nothing else.
 */
import { scaleAt } from '../blocks.js';
import { unexpected } from '../errors.js';
import type { LayerWeights, Weights } from '../model-weights.js';
import { indexerOf } from '../attention-spec.js';
import { layerOf, type LayerSpec, type ModelSpec } from '../model.js';
import { gqaAttention, type KvCache } from './attention.js';
import { deltaAttention, emptyState, type DeltaState } from './delta.js';
import { expertsMlp } from './experts.js';
import type { Selection } from './indexer.js';
import { latentAttention, type LastSelection } from './latent.js';
import { gatedMlp } from './mlp.js';
import { addBlock, rmsNorm } from './norm.js';
import type { Choice, Inputs } from './router.js';
import { multiply, scaleBy, softCap } from './vectors.js';

export interface PlainDecoder {
  /**
   * Takes the next token and returns the `vocab` logits of the one after it. Throws a ModelError if
   * there is no such token, or no position left up to `maxContext`.
   * @param experts of layers whose token goes through these, whatever their routers choose
   * @param positions of layers whose token attends to these, whatever their indexers choose
   * @param hidden of a model whose first layer joins a hidden state to its token
   */
  step(
    token: number,
    experts?: ChosenExperts,
    positions?: ChosenPositions,
    hidden?: Float64Array,
  ): Float64Array;
  /** After each position what the head multiplies: the residual stream, normed. */
  readonly hiddens: Float64Array[];
  /** Keeps in mind what it remembers now; the function that it returns goes back to that, as often as one likes. */
  mark(): () => void;
  /**
   * The cache so far, [layer][position][kvHeads * headDim]: keys after RoPE, and values. Layers without
   * grouped queries have none.
   */
  readonly keys: Float64Array[][];
  readonly values: Float64Array[][];
  /** What each layer with a gated delta net remembers; nothing in others. */
  readonly states: readonly (DeltaState | undefined)[];
  /** Keys of each layer's indexer, [layer][position][dim]; none in others. */
  readonly indexKeys: Float64Array[][];
  /** What each layer's indexer chose for the last token; nothing where it attends to all positions. */
  readonly selections: readonly (Selection | undefined)[];
  /** What each layer's router chose for the last token; nothing in layers without experts. */
  readonly choices: readonly (Choice | undefined)[];
}

/** Numbers of the experts that each layer's token goes through; none where it has none. */
export type ChosenExperts = readonly (readonly number[] | undefined)[];

/** By layer with an indexer of its own: the positions that its token attends to; nothing where these are all. */
export type ChosenPositions = readonly (readonly number[] | undefined)[];

/** What a token is asked to go through, and to attend to. */
interface Asked {
  experts?: readonly number[] | undefined;
  positions?: readonly number[] | undefined;
}

/** One layer: changes the residual stream of the token at a position. */
type Layer = (x: Float64Array, position: number, asked: Asked) => void;
type Mixer = (input: Float64Array, position: number, asked?: readonly number[]) => Float64Array;
/** What the MLP of a layer adds. */
type Mlp = (inputs: Inputs, experts?: readonly number[]) => Float64Array;

/** A decoder with an empty cache, for a run of so many positions. */
export function createPlainDecoder(
  model: ModelSpec,
  weights: Weights,
  positions = model.maxContext,
): PlainDecoder {
  const caches = model.layers.map((): Record<CacheName, Float64Array[]> => {
    return { keys: [], values: [], indexKeys: [] };
  });
  const states = model.layers.map((_, number) => {
    const { attention } = layerOf(model, number);
    return attention.kind === 'delta' ? emptyState(attention) : undefined;
  });
  const choices = model.layers.map((): Choice | undefined => undefined);
  const selections = model.layers.map((): Selection | undefined => undefined);
  const selection: LastSelection = {};
  const layers = weights.layers.map((layer, number) => {
    const spec = layerOf(model, number);
    const attention = attentionOf(
      model,
      spec,
      layer,
      { cache: caches[number], state: states[number], selection },
      positions,
    );
    const mlp = mlpOf(model, spec, layer, (choice) => (choices[number] = choice));
    const attend: Mixer = (...of) => {
      const output = attention(...of);
      selections[number] = indexerOf(spec.attention)?.own ? selection.last : undefined;
      return output;
    };
    return createLayer(model, spec, layer, attend, mlp);
  });
  const hiddens: Float64Array[] = [];
  let position = 0;

  function step(
    token: number,
    experts: ChosenExperts = [],
    positions: ChosenPositions = [],
    hidden?: Float64Array,
  ): Float64Array {
    if (!Number.isInteger(token) || token < 0 || token >= model.vocab)
      throw unexpected('token', `a whole number from 0 to ${model.vocab - 1}`, token);
    if (position >= model.maxContext)
      throw unexpected('position', `less than ${model.maxContext}`, position);
    const x = joined(model, weights, embedded(model, weights, token), hidden);
    for (const [number, layer] of layers.entries())
      layer(x, position, { experts: experts[number], positions: positions[number] });
    position++;
    hiddens.push(rmsNorm(x, weights.finalNorm, model));
    return logitsOf(model, weights, hiddens.at(-1)!);
  }

  function mark(): () => void {
    const marked = position;
    const kept = states.map((state) => state && copyOf(state));
    return () => {
      position = marked;
      hiddens.splice(marked);
      for (const { keys, values, indexKeys } of caches)
        for (const list of [keys, values, indexKeys]) list.splice(marked);
      for (const [layer, state] of states.entries()) {
        const { heads, window } = copyOf(kept[layer] ?? { heads: [], window: [] });
        state?.heads.forEach((head, h) => head.set(heads[h]));
        state?.window.splice(0, Infinity, ...window);
      }
    };
  }

  return {
    step,
    hiddens,
    mark,
    keys: caches.map(({ keys }) => keys),
    values: caches.map(({ values }) => values),
    indexKeys: caches.map(({ indexKeys }) => indexKeys),
    states,
    choices,
    selections,
  };
}

type CacheName = 'keys' | 'values' | 'indexKeys';

function copyOf({ heads, window }: DeltaState): DeltaState {
  // What went into the convolution does not change any more.
  return { heads: heads.map((head) => head.slice()), window: [...window] };
}

function createLayer(
  model: ModelSpec,
  spec: LayerSpec,
  weights: LayerWeights,
  attention: Mixer,
  mlp: Mlp,
): Layer {
  const norms = normsOf(spec, weights);
  return (x, position, { experts, positions }) => {
    addBlock(x, norms.attention, model, (input) => attention(input, position, positions));
    addBlock(x, norms.mlp, model, (normed) => mlp({ stream: x, normed }, experts));
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

/** What an attention remembers of earlier tokens, and of earlier layers. */
interface Kept {
  cache: KvCache;
  state: DeltaState | undefined;
  selection: LastSelection;
}

function attentionOf(
  model: ModelSpec,
  { attention: spec }: LayerSpec,
  { attention: weights }: LayerWeights,
  { cache, state, selection }: Kept,
  positions: number,
): Mixer {
  if (spec.kind === 'gqa' && weights.kind === 'gqa')
    return gqaAttention(spec, weights, model, cache, positions);
  if (spec.kind === 'latent' && weights.kind === 'latent')
    return latentAttention(spec, weights, model, positions, cache, selection);
  if (spec.kind === 'delta' && weights.kind === 'delta')
    return deltaAttention(spec, weights, model, state);
  throw new TypeError(`expected weights of ${spec.kind}, found ${weights.kind}`);
}

function mlpOf(
  model: ModelSpec,
  { mlp: spec }: LayerSpec,
  { mlp: weights }: LayerWeights,
  chosen: (choice: Choice) => void,
): Mlp {
  if (spec.kind === 'dense' && weights.kind === 'dense')
    return ({ normed }) => gatedMlp(spec, weights, normed);
  if (spec.kind === 'experts' && weights.kind === 'experts')
    return (inputs, asked) => {
      const { output, choice } = expertsMlp(spec, weights, model, inputs, asked);
      chosen(choice);
      return output;
    };
  throw new TypeError(`expected weights of ${spec.kind}, found ${weights.kind}`);
}

/** The residual stream of a token before the first layer. */
export function embedded(model: ModelSpec, { embedding }: Weights, token: number): Float64Array {
  const x = new Float64Array(model.dim);
  for (let i = 0; i < x.length; i++)
    x[i] =
      embedding.values[token * model.dim + i] * scaleAt(embedding, token, i) * model.embeddingScale;
  return x;
}

/** What the first layer takes: the token, or what it is projected to with a hidden state, where the layer joins one. */
function joined(
  model: ModelSpec,
  { layers: [first] }: Weights,
  token: Float64Array,
  hidden: Float64Array | undefined,
): Float64Array {
  const { join } = first ?? {};
  if (join === undefined) return token;
  if (hidden === undefined) throw new TypeError('a hidden state to join is missing');
  const both = [rmsNorm(token, join.tokenNorm, model), rmsNorm(hidden, join.hiddenNorm, model)];
  return multiply(join.project, Float64Array.from(both.flatMap((part) => [...part])));
}

/** The `vocab` logits of a residual stream of `dim` elements: final norm and head. */
export function headLogits(
  model: ModelSpec,
  weights: Weights,
  residual: ArrayLike<number>,
): Float64Array {
  return logitsOf(model, weights, rmsNorm(Float64Array.from(residual), weights.finalNorm, model));
}

function logitsOf(model: ModelSpec, weights: Weights, normed: Float64Array): Float64Array {
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
