/** The weights of a layer's attention out of a checkpoint: what is packed together is taken apart. */
import type { AttentionSpec, DeltaSpec, GqaSpec, LatentSpec } from '../model/attention-spec.js';
import type { AttentionWeights, DeltaWeights, GqaWeights } from '../model/model-weights.js';
import type { LatentWeights, Matrix } from '../model/model-weights.js';
import type { Names } from './names.js';
import { rowsOf, rowsWhere } from './parts.js';
import type { Tensors } from './tensors.js';

/**
 * @param layer beginning of the layer's names
 * @param dim width of the residual stream
 */
export function attentionOf(
  tensors: Tensors,
  layer: string,
  spec: AttentionSpec,
  names: Names,
  dim: number,
): AttentionWeights {
  switch (spec.kind) {
    case 'gqa':
      return gqaOf(tensors, layer, spec, names, dim);
    case 'latent':
      return latentOf(tensors, `${layer}self_attn.`, spec, dim);
    case 'delta':
      return deltaOf(tensors, `${layer}linear_attn.`, spec, dim);
  }
}

function gqaOf(
  tensors: Tensors,
  layer: string,
  spec: GqaSpec,
  { qkv }: Names,
  dim: number,
): GqaWeights {
  const own = `${layer}self_attn.`;
  const { heads, kvHeads, headDim } = spec;
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const bias = (name: string, length: number) => tensors.vector(`${own}${name}.bias`, length);
  const norm = (length: number, name: string) => tensors.vector(`${own}${name}.weight`, length);
  const whole = spec.qkNorm === 'whole';
  const normed = spec.qkNorm === 'head' || whole;
  return {
    kind: 'gqa',
    ...(qkv === undefined
      ? separate(tensors, own, spec, dim)
      : threeOf(
          tensors.matrix(`${layer}${qkv}.weight`, queries + 2 * keys, dim),
          dim,
          queries,
          keys,
        )),
    o: tensors.matrix(`${own}o_proj.weight`, dim, queries),
    ...(spec.bias && {
      qBias: bias('q_proj', queries),
      kBias: bias('k_proj', keys),
      ...(!spec.valueIsKey && { vBias: bias('v_proj', keys) }),
    }),
    ...(spec.outBias && { oBias: bias('o_proj', dim) }),
    ...(normed && {
      qNorm: norm(whole ? queries : headDim, 'q_norm'),
      kNorm: norm(whole ? keys : headDim, 'k_norm'),
    }),
    ...(spec.sinks && { sinks: tensors.vector(`${own}sinks`, heads) }),
  };
}

type Projections = Pick<GqaWeights, 'q' | 'k' | 'v' | 'gate'>;

function separate(
  tensors: Tensors,
  own: string,
  { heads, kvHeads, headDim, gate, valueIsKey }: GqaSpec,
  dim: number,
): Projections {
  const matrix = (name: string, rows: number) => tensors.matrix(`${own}${name}.weight`, rows, dim);
  const k = matrix('k_proj', kvHeads * headDim);
  const v = valueIsKey ? k : matrix('v_proj', kvHeads * headDim);
  if (!gate) return { q: matrix('q_proj', heads * headDim), k, v };
  // Head by head: its query, then its gate.
  const both = matrix('q_proj', 2 * heads * headDim);
  const isGate = (row: number) => row % (2 * headDim) >= headDim;
  const q = rowsWhere(both, dim, (row) => !isGate(row));
  return { q, gate: rowsWhere(both, dim, isGate), k, v };
}

function latentOf(tensors: Tensors, own: string, spec: LatentSpec, dim: number): LatentWeights {
  const { heads, qRank, kvRank, nope, value, rope, bias, indexer } = spec;
  const matrix = (name: string, rows: number, columns: number) =>
    tensors.matrix(`${own}${name}.weight`, rows, columns);
  const vector = (name: string, length: number) => tensors.vector(own + name, length);
  const queries = heads * (nope + rope.dim);
  return {
    kind: 'latent',
    ...(qRank === undefined
      ? { qUp: matrix('q_proj', queries, dim) }
      : {
          qDown: matrix('q_a_proj', qRank, dim),
          qNorm: vector('q_a_layernorm.weight', qRank),
          qUp: matrix('q_b_proj', queries, qRank),
          ...(bias && { qDownBias: vector('q_a_proj.bias', qRank) }),
        }),
    kvDown: matrix('kv_a_proj_with_mqa', kvRank + rope.dim, dim),
    kvNorm: vector('kv_a_layernorm.weight', kvRank),
    kvUp: matrix('kv_b_proj', heads * (nope + value), kvRank),
    o: matrix('o_proj', dim, heads * value),
    ...(bias && {
      kvDownBias: vector('kv_a_proj_with_mqa.bias', kvRank + rope.dim),
      oBias: vector('o_proj.bias', dim),
    }),
    ...(indexer?.own && {
      indexer: {
        q: matrix('indexer.wq_b', indexer.heads * indexer.dim, qRank ?? dim),
        k: matrix('indexer.wk', indexer.dim, dim),
        headWeights: matrix('indexer.weights_proj', indexer.heads, dim),
        kNorm: vector('indexer.k_norm.weight', indexer.dim),
        kNormBias: vector('indexer.k_norm.bias', indexer.dim),
      },
    }),
  };
}

function deltaOf(tensors: Tensors, own: string, spec: DeltaSpec, dim: number): DeltaWeights {
  const { keyHeads, valueHeads, keyDim, valueDim, conv } = spec;
  const [keys, values] = [keyHeads * keyDim, valueHeads * valueDim];
  const channels = 2 * keys + values;
  const isPacked = tensors.has(`${own}in_proj_qkvz.weight`);
  return {
    kind: 'delta',
    ...(isPacked ? packedByHead(tensors, own, spec, dim) : flat(tensors, own, spec, dim)),
    conv: tensors.take(`${own}conv1d.weight`, [channels, 1, conv]),
    aLog: tensors.vector(`${own}A_log`, valueHeads),
    dtBias: tensors.vector(`${own}dt_bias`, valueHeads),
    norm: tensors.vector(`${own}norm.weight`, valueDim),
    o: tensors.matrix(`${own}out_proj.weight`, dim, values),
  };
}

type DeltaProjections = Pick<DeltaWeights, 'q' | 'k' | 'v' | 'z' | 'beta' | 'alpha'>;

function flat(
  tensors: Tensors,
  own: string,
  { keyHeads, valueHeads, keyDim, valueDim }: DeltaSpec,
  dim: number,
): DeltaProjections {
  const [keys, values] = [keyHeads * keyDim, valueHeads * valueDim];
  const matrix = (name: string, rows: number) => tensors.matrix(`${own}${name}.weight`, rows, dim);
  return {
    ...threeOf(matrix('in_proj_qkv', 2 * keys + values), dim, keys, keys),
    z: matrix('in_proj_z', values),
    beta: matrix('in_proj_b', valueHeads),
    alpha: matrix('in_proj_a', valueHeads),
  };
}

/** So many rows of queries, so many of keys; the rest are values. */
function threeOf(
  all: Matrix,
  dim: number,
  queries: number,
  keys: number,
): Record<'q' | 'k' | 'v', Matrix> {
  return {
    q: rowsOf(all, dim, 0, queries),
    k: rowsOf(all, dim, queries, queries + keys),
    v: rowsOf(all, dim, queries + keys, all.values.length / dim),
  };
}

/** Key head by key head: query, key, its values, their gates; and step sizes, decays. */
function packedByHead(
  tensors: Tensors,
  own: string,
  { keyHeads, valueHeads, keyDim, valueDim }: DeltaSpec,
  dim: number,
): DeltaProjections {
  const each = valueHeads / keyHeads;
  const wide = 2 * keyDim + 2 * each * valueDim;
  const all = tensors.matrix(`${own}in_proj_qkvz.weight`, keyHeads * wide, dim);
  const part = (from: number, to: number) =>
    rowsWhere(all, dim, (row) => row % wide >= from && row % wide < to);
  const steps = tensors.matrix(`${own}in_proj_ba.weight`, 2 * valueHeads, dim);
  const values = 2 * keyDim + each * valueDim;
  return {
    q: part(0, keyDim),
    k: part(keyDim, 2 * keyDim),
    v: part(2 * keyDim, values),
    z: part(values, wide),
    beta: rowsWhere(steps, dim, (row) => row % (2 * each) < each),
    alpha: rowsWhere(steps, dim, (row) => row % (2 * each) >= each),
  };
}
