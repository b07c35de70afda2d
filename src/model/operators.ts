/**
 * The operators of one decode step: what each multiplies, how many bytes of weights it reads and how
 * many floating-point operations it does. A multiply-add counts as two, every other addition,
 * multiplication, comparison, division and special function (exp, square root) as one.
 */
import type { ModelSpec } from './model.js';

export interface Operator {
  name: string;
  part: 'embedding' | 'layer' | 'head';
  /** How often it stands in the model: once per layer, or once. */
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
  return model.layers * 2 * model.kvHeads * model.headDim * valueBytes(model);
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
    ...layerOperators(model),
    once.norm('finalNorm', dim, 1),
    model.tied ? { ...head, weightBytes: 0 } : head,
    once.plain('argmax', vocab, 0),
  ];
}

function layerOperators(model: ModelSpec): Operator[] {
  const { dim, ffn, heads, kvHeads, headDim } = model;
  const queries = heads * headDim;
  const keys = kvHeads * headDim;
  const { matrix, norm, plain } = builder(model, 'layer', model.layers);
  return [
    norm('attentionNorm', dim, 1),
    matrix('q', queries, dim),
    matrix('k', keys, dim),
    matrix('v', keys, dim),
    ...(model.qkNorm ? [norm('qNorm', headDim, heads), norm('kNorm', headDim, kvHeads)] : []),
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
    matrix('gate', ffn, dim),
    matrix('up', ffn, dim),
    // x / (1 + exp(-x)) and the product with the other half.
    plain('activation', 5 * ffn, 0),
    matrix('down', dim, ffn),
    plain('mlpResidual', dim, 0),
  ];
}

function builder(model: ModelSpec, part: Operator['part'], count: number) {
  const base = { part, count, flopsPerPosition: 0 };
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
