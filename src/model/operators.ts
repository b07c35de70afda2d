/**
 * The operators of one decode step: what each multiplies, how many bytes of weights it reads and how
 * many floating-point operations it does. A multiply-add counts as two, every other addition,
 * multiplication, comparison, division and special function (exp, square root) as one.
 */
import { denseOf, gqaOf, type ModelSpec } from './model.js';

export interface Operator {
  name: string;
  part: 'embedding' | 'layer' | 'head';
  /** Which kind of layer it stands in. */
  layerKind?: number;
  /** How often it stands in the model: once per layer of its kind, or once. */
  count: number;
  /** Shape of its weights, [outputs][inputs]; a norm is [1][length], no weights are [0][0]. */
  outputs: number;
  inputs: number;
  /** Bytes of its own weights, each time it stands in the model. */
  weightBytes: number;
  /** FLOPs of one of it for one token, apart from those that grow with the context. */
  flops: number;
  /** FLOPs of one of it for one token and position of the context, the token's own included. */
  flopsPerPosition: number;
}

/** Numbers in the model's weights. A tied head counts once, rotary tables not at all. */
export function parameterCount(model: ModelSpec): number {
  return operatorsOf(model).reduce(
    (sum, o) => sum + (ownsWeights(o, model) ? o.count * o.outputs * o.inputs : 0),
    0,
  );
}

/** Bytes of the weights as they are stored: matrices in `weightBits`, norms in `dtype`. */
export function weightBytes(model: ModelSpec): number {
  return operatorsOf(model).reduce((sum, o) => sum + o.count * o.weightBytes, 0);
}

/** Bytes that one position of the context takes in the KV cache of all layers, in `dtype`. */
export function cacheBytesPerPosition(model: ModelSpec): number {
  return model.layers.reduce((sum, kind) => {
    const { kvHeads, headDim } = gqaOf(model.kinds[kind]);
    return sum + 2 * kvHeads * headDim * valueBytes(model);
  }, 0);
}

/** The operators of a decode step in the order of a token's path. */
export function operatorsOf(model: ModelSpec): Operator[] {
  const { dim, vocab } = model;
  const once = builder(model, 'head', 1);
  const embedding = {
    ...once.matrix('embedding', vocab, dim),
    part: 'embedding' as const,
    flops: 0,
  };
  const head = once.matrix('head', vocab, dim);
  return [
    embedding,
    ...model.kinds.flatMap((_, kind) => layerOperators(model, kind)),
    once.norm('finalNorm', dim, 1),
    model.tied ? { ...head, weightBytes: 0 } : head,
    once.plain('argmax', vocab, 0),
  ];
}

function layerOperators(model: ModelSpec, kind: number): Operator[] {
  const { dim } = model;
  const { heads, kvHeads, headDim, qkNorm } = gqaOf(model.kinds[kind]);
  const { inner } = denseOf(model.kinds[kind]);
  const queries = heads * headDim;
  const keys = kvHeads * headDim;
  const count = model.layers.filter((of) => of === kind).length;
  const { matrix, norm, plain } = builder(model, 'layer', count, kind);
  return [
    norm('attentionNorm', dim, 1),
    matrix('q', queries, dim),
    matrix('k', keys, dim),
    matrix('v', keys, dim),
    ...(qkNorm === 'head' ? [norm('qNorm', headDim, heads), norm('kNorm', headDim, kvHeads)] : []),
    // Each number times a cosine plus its partner times a sine.
    plain('rope', 3 * (queries + keys), 0),
    // Dot product and 1/sqrt(headDim).
    plain('scores', 0, 2 * queries + heads),
    // Maximum, difference, exp, sum, division.
    plain('softmax', 0, 5 * heads),
    plain('attended', 0, 2 * queries),
    matrix('o', dim, queries),
    plain('attentionResidual', dim, 0),
    norm('mlpNorm', dim, 1),
    matrix('gate', inner, dim),
    matrix('up', inner, dim),
    // x / (1 + exp(-x)) and the product with the other half.
    plain('activation', 5 * inner, 0),
    matrix('down', dim, inner),
    plain('mlpResidual', dim, 0),
  ];
}

function builder(model: ModelSpec, part: Operator['part'], count: number, layerKind?: number) {
  const base = { part, ...(layerKind !== undefined && { layerKind }), count, flopsPerPosition: 0 };
  return {
    matrix: (name: string, outputs: number, inputs: number): Operator => ({
      ...base,
      name,
      outputs,
      inputs,
      weightBytes: (outputs * inputs * model.weightBits) / 8,
      flops: 2 * outputs * inputs,
    }),
    /** Squares and their sum, scale and weight; mean, epsilon, root and reciprocal once. */
    norm: (name: string, length: number, vectors: number): Operator => ({
      ...base,
      name,
      outputs: 1,
      inputs: length,
      weightBytes: length * valueBytes(model),
      flops: vectors * (4 * length + 4),
    }),
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

function valueBytes(model: ModelSpec): number {
  return model.dtype === 'f16' ? 2 : 4;
}
