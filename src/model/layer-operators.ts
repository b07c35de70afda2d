/** The operators of one layer, by what its attention and its MLP are. */
import type { AttentionSpec, DeltaSpec, GqaSpec, LatentSpec } from './attention-spec.js';
import type { Act, DenseSpec, ExpertsSpec } from './mlp-spec.js';
import type { LayerSpec } from './model.js';
import type { Builder, Operator } from './operators.js';

export function layerOperators(layer: LayerSpec, dim: number, build: Builder): Operator[] {
  const { norms, mlp } = layer;
  const { norm, plain } = build;
  const before = norms !== 'post';
  const after = norms !== 'pre';
  return [
    ...(layer.joins ? joinOperators(dim, build) : []),
    ...(before ? [norm('attentionNorm', dim, 1)] : []),
    ...attentionOperators(layer.attention, dim, build),
    ...(after ? [norm('attentionOutNorm', dim, 1)] : []),
    plain('attentionResidual', dim, 0),
    ...(before ? [norm('mlpNorm', dim, 1)] : []),
    ...(mlp.kind === 'dense' ? denseOperators(mlp, dim, build) : expertOperators(mlp, dim, build)),
    ...(after ? [norm('mlpOutNorm', dim, 1)] : []),
    plain('mlpResidual', dim, 0),
    // A scalar of the layer, which is kept with its buffers.
    ...(layer.scaled ? [plain('layerScale', dim, 0)] : []),
  ];
}

/** A token and a hidden state, each normed, projected to one. */
function joinOperators(dim: number, { norm, matrix }: Builder): Operator[] {
  return [norm('tokenNorm', dim, 1), norm('hiddenNorm', dim, 1), matrix('project', dim, 2 * dim)];
}

function attentionOperators(attention: AttentionSpec, dim: number, layer: Builder): Operator[] {
  const one = { copies: 1, used: 1, of: 'attention' } as const;
  const build: Builder = {
    ...layer,
    matrix: (name, outputs, inputs) => layer.matrix(name, outputs, inputs, one),
  };
  switch (attention.kind) {
    case 'gqa':
      return gqaOperators(attention, dim, build);
    case 'latent':
      return latentOperators(attention, dim, build);
    case 'delta':
      return deltaOperators(attention, dim, build);
  }
}

function gqaOperators(
  a: GqaSpec,
  dim: number,
  { matrix, norm, vector, plain }: Builder,
): Operator[] {
  const { heads, kvHeads, headDim } = a;
  const queries = heads * headDim;
  const keys = kvHeads * headDim;
  const bias = (name: string, length: number) => vector(name, length, length);
  return [
    matrix('q', queries, dim),
    matrix('k', keys, dim),
    ...(a.valueIsKey ? [] : [matrix('v', keys, dim)]),
    ...(a.gate ? [matrix('attentionGate', queries, dim)] : []),
    ...(a.bias ? [bias('qBias', queries), bias('kBias', keys)] : []),
    ...(a.bias && !a.valueIsKey ? [bias('vBias', keys)] : []),
    ...headNorms(a, { norm, plain }),
    ...(a.vNorm ? [plain('vNorm', kvHeads * (3 * headDim + 4), 0)] : []),
    // Each number that turns times a cosine plus its partner times a sine.
    ...(a.rope ? [plain('rope', 3 * a.rope.dim * (heads + kvHeads), 0)] : []),
    ...(a.temperature ? [plain('temperature', queries, 0)] : []),
    // Dot product and the scale.
    plain('scores', 0, 2 * queries + heads),
    // A quotient, a tanh and a product.
    ...(a.scoreCap === undefined ? [] : [plain('scoreCap', 0, 3 * heads)]),
    // Comparison, difference, exp and sum.
    ...(a.sinks ? [vector('sinks', heads, 4 * heads)] : []),
    // Maximum, difference, exp, sum, division.
    plain('softmax', 0, 5 * heads),
    plain('attended', 0, 2 * queries),
    // A sigmoid (minus, exp, sum, reciprocal) and a product.
    ...(a.gate ? [plain('gated', 5 * queries, 0)] : []),
    matrix('o', dim, queries),
    ...(a.outBias ? [bias('oBias', dim)] : []),
  ];
}

function headNorms(a: GqaSpec, { norm, plain }: Pick<Builder, 'norm' | 'plain'>): Operator[] {
  const { heads, kvHeads, headDim } = a;
  switch (a.qkNorm) {
    case 'none':
      return [];
    case 'head':
      return [norm('qNorm', headDim, heads), norm('kNorm', headDim, kvHeads)];
    case 'whole':
      return [norm('qNorm', heads * headDim, 1), norm('kNorm', kvHeads * headDim, 1)];
    case 'head-after-rope':
      return [plain('qkNorm', (heads + kvHeads) * (3 * headDim + 4), 0)];
  }
}

/** As published: each position's keys and values are expanded once, when it is the token's own. */
function latentOperators(
  a: LatentSpec,
  dim: number,
  { matrix, norm, vector, plain }: Builder,
): Operator[] {
  const { heads, qRank, kvRank, nope, value } = a;
  const rotary = a.rope.dim;
  const queries = heads * (nope + rotary);
  const bias = (name: string, length: number) => vector(name, length, length);
  const q =
    qRank === undefined
      ? [matrix('q', queries, dim)]
      : [
          matrix('qDown', qRank, dim),
          ...(a.bias ? [bias('qDownBias', qRank)] : []),
          norm('qNorm', qRank, 1),
          matrix('qUp', queries, qRank),
        ];
  return [
    ...q,
    matrix('kvDown', kvRank + rotary, dim),
    ...(a.bias ? [bias('kvDownBias', kvRank + rotary)] : []),
    norm('kvNorm', kvRank, 1),
    matrix('kvUp', heads * (nope + value), kvRank),
    plain('rope', 3 * rotary * (heads + 1), 0),
    ...indexerOperators(a, dim, { matrix, vector, plain }),
    plain('scores', 0, 2 * queries + heads),
    plain('softmax', 0, 5 * heads),
    plain('attended', 0, 2 * heads * value),
    matrix('o', dim, heads * value),
    ...(a.bias ? [bias('oBias', dim)] : []),
  ];
}

/** A layer norm with a bias has a mean to take away too: two operations for each element. */
function indexerOperators(
  { indexer, qRank, rope }: LatentSpec,
  dim: number,
  { matrix, vector, plain }: Pick<Builder, 'matrix' | 'vector' | 'plain'>,
): Operator[] {
  if (!indexer?.own) return [];
  const { heads, dim: width } = indexer;
  return [
    matrix('indexQ', heads * width, qRank ?? dim),
    matrix('indexK', width, dim),
    vector('indexKNorm', width, 6 * width + 4),
    vector('indexKNormBias', width, width),
    matrix('indexWeights', heads, dim),
    plain('indexRope', 3 * rope.dim * (heads + 1), 0),
    // Dot product, ReLU, weight and sum of each head; the choice compares each once.
    plain('indexScores', 0, heads * (2 * width + 3) + 1),
  ];
}

function deltaOperators(a: DeltaSpec, dim: number, { matrix, vector, plain }: Builder): Operator[] {
  const { keyHeads, valueHeads, keyDim, valueDim, conv } = a;
  const keys = keyHeads * keyDim;
  const values = valueHeads * valueDim;
  const channels = 2 * keys + values;
  return [
    matrix('q', keys, dim),
    matrix('k', keys, dim),
    matrix('v', values, dim),
    matrix('z', values, dim),
    matrix('beta', valueHeads, dim),
    matrix('alpha', valueHeads, dim),
    // Multiply-adds, and x / (1 + exp(-x)).
    vector('conv', channels * conv, 2 * channels * conv + 4 * channels),
    // Decay: a sum, a softplus (exp, sum, logarithm), exp of A, a product, an exp; a sigmoid for beta.
    vector('aLog', valueHeads, 8 * valueHeads),
    vector('dtBias', valueHeads, 4 * valueHeads),
    // Squares and their sum, epsilon, root and reciprocal, product; queries once more.
    plain('keyNorm', 2 * (3 * keys + 3 * keyHeads) + keys, 0),
    // Decay, what keys recall, the update, what queries read: of each element of the states.
    plain('state', 7 * valueHeads * keyDim * valueDim + 2 * values, 0),
    // Of each value head, by weights that all share, and times z / (1 + exp(-z)).
    vector('norm', valueDim, valueHeads * (4 * valueDim + 4) + 5 * values),
    matrix('o', dim, values),
  ];
}

/** x / (1 + exp(-x)) is 4 operations, the tanh form of GELU 9; then the product with the other half. */
function actFlops({ fn, clamp, alpha, plusOne }: Act): number {
  const own = fn === 'silu' ? 5 : 10;
  return own + (clamp === undefined ? 0 : 3) + ((alpha ?? 1) === 1 ? 0 : 1) + (plusOne ? 1 : 0);
}

function denseOperators(
  { inner, act, bias }: DenseSpec,
  dim: number,
  { matrix, vector, plain }: Builder,
  names = (name: string) => name,
): Operator[] {
  const biasOf = (name: string, length: number) =>
    bias ? [vector(names(name), length, length)] : [];
  return [
    matrix(names('gate'), inner, dim),
    matrix(names('up'), inner, dim),
    ...biasOf('gateBias', inner),
    ...biasOf('upBias', inner),
    plain(names('activation'), actFlops(act) * inner, 0),
    matrix(names('down'), dim, inner),
    ...biasOf('downBias', dim),
  ];
}

/** What decides is not stored in few bits. */
const ROUTER = { copies: 1, used: 1, of: 'router' } as const;

function expertOperators(e: ExpertsSpec, dim: number, build: Builder): Operator[] {
  const { matrix, vector, norm, plain } = build;
  const { count, topK, inner, act, router } = e;
  const all = { copies: count, used: topK };
  const routed = { ...all, of: 'experts' } as const;
  const biasOf = (name: string, length: number) =>
    e.bias ? [vector(name, length, topK * length, all)] : [];
  const gated = { kind: 'dense', act, bias: false } as const;
  const under = (prefix: string) => (name: string) =>
    prefix + name[0].toUpperCase() + name.slice(1);
  return [
    ...(e.parallel ? denseOperators({ ...gated, inner: e.parallel.inner }, dim, build) : []),
    ...(e.parallel ? [norm('parallelOutNorm', dim, 1), norm('expertsNorm', dim, 1)] : []),
    // A norm without weights, a scale for each element and one for all.
    ...(router.ownNorm ? [vector('routerScale', dim, 5 * dim + 4)] : []),
    matrix('router', count, dim, ROUTER),
    ...(router.bias === 'none' ? [] : [vector('routerBias', count, count)]),
    ...(router.perExpertScale ? [vector('perExpertScale', count, topK)] : []),
    plain('choice', choiceFlops(e), 0),
    matrix('expertGate', inner, dim, routed),
    matrix('expertUp', inner, dim, routed),
    ...biasOf('expertGateBias', inner),
    ...biasOf('expertUpBias', inner),
    plain('expertActivation', topK * actFlops(act) * inner, 0),
    matrix('expertDown', dim, inner, routed),
    ...biasOf('expertDownBias', dim),
    // Weights multiply what comes out, or what goes in; then the sum of the chosen.
    plain('combine', (2 * topK - 1) * dim, 0),
    ...(e.parallel ? [norm('expertsOutNorm', dim, 1), plain('parallelSum', dim, 0)] : []),
    ...(e.shared ? sharedOperators(e.shared, gated, dim, build, under('shared')) : []),
  ];
}

function sharedOperators(
  shared: NonNullable<ExpertsSpec['shared']>,
  gated: Omit<DenseSpec, 'inner'>,
  dim: number,
  build: Builder,
  names: (name: string) => string,
): Operator[] {
  return [
    ...denseOperators({ ...gated, inner: shared.inner }, dim, build, names),
    ...(shared.gate ? [build.matrix('sharedExpertGate', 1, dim, ROUTER)] : []),
    build.plain('sharedSum', (shared.gate ? 2 : 1) * dim + (shared.gate ? 4 : 0), 0),
  ];
}

/** Scores, one comparison of each for every expert that is chosen, and what becomes of the weights. */
function choiceFlops({ count, topK, router }: ExpertsSpec): number {
  const scored = router.score === 'softmax-of-top' ? topK : count;
  const score = router.score === 'sigmoid' ? 4 : 5;
  const weights = (router.renormalise ? 2 : 0) + (router.scale === 1 ? 0 : 1);
  return score * scored + topK * count + topK * weights;
}
