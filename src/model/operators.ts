/**
 * The operators of one decode step: what each multiplies, how many bytes of weights it reads and how
 * many floating-point operations it does. A multiply-add counts as two, every other addition,
 * multiplication, comparison, division and special function (exp, tanh, square root) as one.
 */
import { BYTES } from '../numeric/types.js';
import { slotsOf, spanOf } from './cache-slots.js';
import { formatOf, matrixBytes, type MatrixClass } from './formats.js';
import { layerOperators } from './layer-operators.js';
import type { LayerSpec, ModelSpec } from './model.js';

export interface Operator {
  name: string;
  part: 'embedding' | 'layer' | 'head';
  /** Which kind of layer it stands in. */
  layerKind?: number;
  /** How often it stands in the model: once per layer of its kind, or once. */
  count: number;
  /** Shape of its weights, [outputs][inputs]; a norm or a bias is [1][length], no weights are [0][0]. */
  outputs: number;
  inputs: number;
  /** How many such weights each one has, one for each expert, and how many of them a token multiplies. */
  copies: number;
  used: number;
  /** Bytes of its own weights, each time it stands in the model. */
  weightBytes: number;
  /** FLOPs of one of it for one token, apart from those that grow with the context. */
  flops: number;
  /** FLOPs of one of it for one token and position that it attends to, the token's own included. */
  flopsPerPosition: number;
}

/** Numbers in the model's weights. A tied head counts once, rotary tables and scalars of layers not at all. */
export function parameterCount(model: ModelSpec): number {
  return sum(operatorsOf(model), (o) =>
    ownsWeights(o, model) ? o.count * o.copies * o.outputs * o.inputs : 0,
  );
}

/**
 * Those that one token meets: of the experts the chosen ones. The embedding's table counts whole; `withoutTable`
 * leaves it out, as a token reads one row of it, unless it is the head too.
 */
export function activeParameters(model: ModelSpec): { active: number; withoutTable: number } {
  const active = sum(operatorsOf(model), (o) =>
    ownsWeights(o, model) ? o.count * o.used * o.outputs * o.inputs : 0,
  );
  return { active, withoutTable: model.tied ? active : active - model.vocab * model.dim };
}

/**
 * Numbers in the layers of multi-token prediction, which the model's own do not contain: norms of the token
 * before and of the guess, a projection of both into one, a layer, a norm before the shared head.
 */
export function mtpParameters({ mtp, ...model }: ModelSpec): number {
  if (mtp === undefined) return 0;
  const one = { ...model, kinds: [mtp.layer], layers: [0] };
  const layer = sum(kindOperators(one, 0), (o) => o.copies * o.outputs * o.inputs);
  return mtp.layers * (layer + 2 * model.dim * model.dim + 3 * model.dim);
}

/** Bytes of the weights as they are stored: matrices in their formats, scales of blocks included, norms in `dtype`. */
export function weightBytes(model: ModelSpec): number {
  return sum(operatorsOf(model), (o) => o.count * o.weightBytes);
}

/**
 * Bytes that one position of the context takes in the cache of all layers, in `dtype`, while no window is full.
 * @param isExpanded whether the cache of latent attention has keys and values of every head, not latent vectors
 */
export function cacheBytesPerPosition(model: ModelSpec, isExpanded = false): number {
  return (
    BYTES[model.dtype] * sum(model.layers, (kind) => perPosition(model.kinds[kind], isExpanded))
  );
}

/** Bytes of the cache of so many positions (see above): windows and chunks keep no more than their own. */
export function cacheBytes(model: ModelSpec, positions: number, isExpanded = false): number {
  return sum(model.layers, (kind) => {
    const layer = model.kinds[kind];
    const kept = slotsOf(spanOf(layer.attention), positions);
    const ofPositions = kept * perPosition(layer, isExpanded) * BYTES[model.dtype];
    return ofPositions + stateBytes(layer, model.dtype);
  });
}

/** Numbers that a layer keeps of each position. */
function perPosition({ attention: a }: LayerSpec, isExpanded: boolean): number {
  if (a.kind === 'gqa') return (a.valueIsKey && !a.vNorm ? 1 : 2) * a.kvHeads * a.headDim;
  if (a.kind === 'delta') return 0;
  const own = isExpanded ? a.heads * (a.nope + a.rope.dim + a.value) : a.kvRank + a.rope.dim;
  return own + (a.indexer?.own ? a.indexer.dim : 0);
}

/** A state in place of a cache: what the delta rule remembers in f32, and its convolution in `dtype`. */
function stateBytes({ attention: a }: LayerSpec, dtype: ModelSpec['dtype']): number {
  if (a.kind !== 'delta') return 0;
  const channels = 2 * a.keyHeads * a.keyDim + a.valueHeads * a.valueDim;
  return 4 * a.valueHeads * a.keyDim * a.valueDim + BYTES[dtype] * (a.conv - 1) * channels;
}

/** The operators of a decode step in the order of a token's path. */
export function operatorsOf(model: ModelSpec): Operator[] {
  const { dim, vocab, logitCap } = model;
  const once = builder(model, 'head', 1);
  const embedding: Operator = {
    ...once.matrix('embedding', vocab, dim),
    part: 'embedding',
    flops: model.embeddingScale === 1 ? 0 : dim,
  };
  const head = once.matrix('head', vocab, dim);
  return [
    embedding,
    ...model.kinds.flatMap((_, kind) => kindOperators(model, kind)),
    once.norm('finalNorm', dim, 1),
    model.tied ? { ...head, weightBytes: 0 } : head,
    // A quotient, a tanh and a product.
    ...(logitCap === undefined ? [] : [once.plain('logitCap', 3 * vocab, 0)]),
    once.plain('argmax', vocab, 0),
  ];
}

function kindOperators(model: ModelSpec, kind: number): Operator[] {
  const count = model.layers.filter((of) => of === kind).length;
  return layerOperators(model.kinds[kind], model.dim, builder(model, 'layer', count, kind));
}

/** How many matrices there are of one kind, how many of them a token uses, and how they are stored. */
interface Copies {
  copies: number;
  used: number;
  of: MatrixClass;
}

/** Writes operators of one part of a model. */
export type Builder = ReturnType<typeof builder>;

function builder(
  model: Pick<ModelSpec, 'weightBits' | 'formats' | 'dtype' | 'normPlusOne'>,
  part: Operator['part'],
  count: number,
  layerKind?: number,
) {
  const base = {
    part,
    ...(layerKind !== undefined && { layerKind }),
    count,
    copies: 1,
    used: 1,
    flopsPerPosition: 0,
  };
  const usual: MatrixClass = part === 'layer' ? 'rest' : 'tables';
  /** With `copies` of it, of which a token uses some. */
  const matrix = (
    name: string,
    outputs: number,
    inputs: number,
    { copies, used, of }: Copies = { copies: 1, used: 1, of: usual },
  ): Operator => ({
    ...base,
    name,
    outputs,
    inputs,
    copies,
    used,
    weightBytes: copies * matrixBytes(formatOf(model, of), outputs, inputs),
    flops: 2 * used * outputs * inputs,
  });
  const vector = (
    name: string,
    length: number,
    flops: number,
    { copies, used } = { copies: 1, used: 1 },
  ): Operator => ({
    ...base,
    name,
    outputs: 1,
    inputs: length,
    copies,
    used,
    weightBytes: copies * length * BYTES[model.dtype],
    flops,
  });
  return {
    matrix,
    /** Numbers of the type of activations: a bias, a table of scales. */
    vector,
    /** Squares and their sum, scale and weight; mean, epsilon, root and reciprocal once. */
    norm: (name: string, length: number, vectors: number): Operator =>
      vector(name, length, vectors * ((model.normPlusOne ? 5 : 4) * length + 4)),
    plain: (name: string, flops: number, flopsPerPosition: number): Operator => ({
      ...base,
      name,
      outputs: 0,
      inputs: 0,
      weightBytes: 0,
      flops,
      flopsPerPosition,
    }),
  };
}

function ownsWeights(operator: Operator, model: ModelSpec): boolean {
  return !(model.tied && operator.name === 'head');
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
