/**
 * Random weights of a model, for runs that compute: drawn so that activations stay of order one
 * through all layers, and rounded to what the model stores.
 */
import { ModelError } from './errors.js';
import type { AttentionSpec, DeltaSpec, GqaSpec, LatentSpec } from './attention-spec.js';
import type { DenseSpec, ExpertsSpec } from './mlp-spec.js';
import type {
  AttentionWeights,
  DeltaWeights,
  DenseWeights,
  ExpertsWeights,
  GqaWeights,
  JoinWeights,
  LatentWeights,
  LayerWeights,
  Weights,
} from './model-weights.js';
import { layerOf, type LayerSpec, type ModelSpec } from './model.js';
import { parameterCount } from './operators.js';
import { tensorsOf, type Tensors } from './random-tensors.js';

/** One GiB of 32-bit numbers: more is a mistake on a machine that has to compute with them. */
export const MOST_PARAMETERS = 2 ** 28;
/** Deviation of what is added to numbers of order one. */
const BIAS = 0.25;

/**
 * Weights drawn from `random` (uniform in [0, 1)), layer by layer; what a layer's spec does not ask for
 * is not drawn. Matrices have standard deviation 1/sqrt(inputs), the embedding what makes a token's
 * residual stream of order one unless it is the head too, norms multiply by 1 +- 0.1. Matrices are
 * stored in their formats (8-bit integers: from -127 to 127 and one scale, itself of type `dtype`), all
 * else in `dtype`. Throws a ModelError over 2^28 parameters.
 */
export function randomWeights(model: ModelSpec, random: () => number): Weights {
  const count = parameterCount(model);
  if (count > MOST_PARAMETERS)
    throw new ModelError(
      `model: expected at most ${MOST_PARAMETERS} parameters to compute with, found ${count}`,
      'model',
    );
  const { dim, vocab, tied, embeddingScale } = model;
  const draw = tensorsOf(model, random);
  const embedding = draw.matrix(
    vocab,
    dim,
    'tables',
    tied ? 1 / Math.sqrt(dim) : 1 / embeddingScale,
  );
  const layers = model.layers.map((_, layer) => randomLayer(layerOf(model, layer), dim, draw));
  const finalNorm = draw.norm(dim);
  const head = tied ? embedding : draw.matrix(vocab, dim, 'tables');
  return { embedding, layers, finalNorm, head };
}

function randomLayer(spec: LayerSpec, dim: number, draw: Tensors): LayerWeights {
  const before = spec.norms !== 'post';
  const after = spec.norms !== 'pre';
  return {
    ...(before && { attentionNorm: draw.norm(dim) }),
    attention: randomAttention(spec.attention, dim, draw),
    ...(after && { attentionOutNorm: draw.norm(dim) }),
    ...(before && { mlpNorm: draw.norm(dim) }),
    mlp: spec.mlp.kind === 'dense' ? dense(spec.mlp, dim, draw) : experts(spec.mlp, dim, draw),
    ...(after && { mlpOutNorm: draw.norm(dim) }),
    ...(spec.scaled && { scalar: draw.vector(1, 1, 0.1)[0] }),
    ...(spec.joins && { join: randomJoin(dim, draw) }),
  };
}

function randomJoin(dim: number, draw: Tensors): JoinWeights {
  const [tokenNorm, hiddenNorm] = [draw.norm(dim), draw.norm(dim)];
  return { tokenNorm, hiddenNorm, project: draw.matrix(dim, 2 * dim, 'rest') };
}

function randomAttention(spec: AttentionSpec, dim: number, draw: Tensors): AttentionWeights {
  if (spec.kind === 'gqa') return gqa(spec, dim, draw);
  return spec.kind === 'latent' ? latent(spec, dim, draw) : delta(spec, dim, draw);
}

function gqa(spec: GqaSpec, dim: number, draw: Tensors): GqaWeights {
  const queries = spec.heads * spec.headDim;
  const keys = spec.kvHeads * spec.headDim;
  const q = draw.matrix(queries, dim, 'attention');
  const k = draw.matrix(keys, dim, 'attention');
  const v = spec.valueIsKey ? k : draw.matrix(keys, dim, 'attention');
  const biases = () => {
    const [qBias, kBias] = [draw.vector(queries, 0, BIAS), draw.vector(keys, 0, BIAS)];
    return { qBias, kBias, ...(!spec.valueIsKey && { vBias: draw.vector(keys, 0, BIAS) }) };
  };
  const [qWidth, kWidth] = spec.qkNorm === 'whole' ? [queries, keys] : [spec.headDim, spec.headDim];
  const hasNorms = spec.qkNorm === 'head' || spec.qkNorm === 'whole';
  return {
    kind: 'gqa',
    ...{ q, k, v },
    ...(spec.bias && biases()),
    ...(hasNorms && { qNorm: draw.norm(qWidth), kNorm: draw.norm(kWidth) }),
    o: draw.matrix(dim, queries, 'attention'),
    ...(spec.outBias && { oBias: draw.vector(dim, 0, BIAS) }),
    ...(spec.gate && { gate: draw.matrix(queries, dim, 'attention') }),
    ...(spec.sinks && { sinks: draw.vector(spec.heads, 0, 1) }),
  };
}

function latent(spec: LatentSpec, dim: number, draw: Tensors): LatentWeights {
  const { heads, qRank, kvRank, nope, rope, value, bias, indexer } = spec;
  const queries = heads * (nope + rope.dim);
  return {
    kind: 'latent',
    ...(qRank !== undefined && {
      qDown: draw.matrix(qRank, dim, 'attention'),
      qNorm: draw.norm(qRank),
    }),
    qUp: draw.matrix(queries, qRank ?? dim, 'attention'),
    kvDown: draw.matrix(kvRank + rope.dim, dim, 'attention'),
    kvNorm: draw.norm(kvRank),
    kvUp: draw.matrix(heads * (nope + value), kvRank, 'attention'),
    o: draw.matrix(dim, heads * value, 'attention'),
    ...(bias && qRank !== undefined && { qDownBias: draw.vector(qRank, 0, BIAS) }),
    ...(bias && { kvDownBias: draw.vector(kvRank + rope.dim, 0, BIAS) }),
    ...(bias && { oBias: draw.vector(dim, 0, BIAS) }),
    ...(indexer?.own && {
      indexer: {
        q: draw.matrix(indexer.heads * indexer.dim, qRank ?? dim, 'attention'),
        k: draw.matrix(indexer.dim, dim, 'attention'),
        headWeights: draw.matrix(indexer.heads, dim, 'attention'),
        kNorm: draw.vector(indexer.dim, 1, 0.1),
        kNormBias: draw.vector(indexer.dim, 0, BIAS),
      },
    }),
  };
}

function delta(spec: DeltaSpec, dim: number, draw: Tensors): DeltaWeights {
  const { keyHeads, valueHeads, keyDim, valueDim, conv } = spec;
  const [keys, values] = [keyHeads * keyDim, valueHeads * valueDim];
  return {
    kind: 'delta',
    q: draw.matrix(keys, dim, 'attention'),
    k: draw.matrix(keys, dim, 'attention'),
    v: draw.matrix(values, dim, 'attention'),
    z: draw.matrix(values, dim, 'attention'),
    beta: draw.matrix(valueHeads, dim, 'attention'),
    alpha: draw.matrix(valueHeads, dim, 'attention'),
    conv: draw.vector((2 * keys + values) * conv, 0, 1 / Math.sqrt(conv)),
    // Decays around 0.8 a token, so that states remember several of them.
    aLog: draw.vector(valueHeads, -1, 0.5),
    dtBias: draw.vector(valueHeads, 0, 0.5),
    norm: draw.vector(valueDim, 1, 0.1),
    o: draw.matrix(dim, values, 'attention'),
  };
}

function dense(
  { inner, bias }: Pick<DenseSpec, 'inner' | 'bias'>,
  dim: number,
  draw: Tensors,
  of: 'experts' | 'rest' = 'rest',
): DenseWeights {
  return {
    kind: 'dense',
    gate: draw.matrix(inner, dim, of),
    up: draw.matrix(inner, dim, of),
    down: draw.matrix(dim, inner, of),
    ...(bias && {
      gateBias: draw.vector(inner, 0, BIAS),
      upBias: draw.vector(inner, 0, BIAS),
      downBias: draw.vector(dim, 0, BIAS),
    }),
  };
}

function experts(spec: ExpertsSpec, dim: number, draw: Tensors): ExpertsWeights {
  const { count, router, shared, parallel } = spec;
  const unbiased = (inner: number) => dense({ inner, bias: false }, dim, draw);
  return {
    kind: 'experts',
    router: draw.matrix(count, dim, 'router'),
    ...(router.bias !== 'none' && { routerBias: draw.vector(count, 0, BIAS) }),
    // The router divides it by sqrt(dim).
    ...(router.ownNorm && { routerScale: draw.vector(dim, Math.sqrt(dim), 0.1 * Math.sqrt(dim)) }),
    ...(router.perExpertScale && { perExpertScale: draw.vector(count, 1, 0.1) }),
    experts: Array.from({ length: count }, () => dense(spec, dim, draw, 'experts')),
    ...(shared && { shared: unbiased(shared.inner) }),
    ...(shared?.gate && { sharedGate: draw.matrix(1, dim, 'router') }),
    ...(parallel && {
      parallel: {
        mlp: unbiased(parallel.inner),
        outNorm: draw.norm(dim),
        expertsNorm: draw.norm(dim),
        expertsOutNorm: draw.norm(dim),
      },
    }),
  };
}
