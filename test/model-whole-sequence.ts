/**
 * The model a second time, for tests: the whole sequence at once with a causal mask instead of a
 * cache, and rotation as a multiplication of complex numbers instead of `rotate_half`.
 */
import type {
  DenseWeights,
  GqaWeights,
  Matrix,
  Vector,
  Weights,
} from '../src/model/model-weights.js';
import type { ModelSpec } from '../src/model/model.js';
import { sizesOf } from './helpers/small-model.js';

type Rows = number[][];

/** Logits [token][vocab] of every position of a sequence. */
export function wholeSequence(model: ModelSpec, w: Weights, tokens: number[]): Rows {
  const { heads: queryHeads, kvHeads, headDim, ffn } = sizesOf(model);
  const table = matrix(w.embedding, model.dim);
  let x: Rows = tokens.map((token) => table[token]);
  for (const layer of w.layers) {
    const m = (of: Matrix, input: Rows) => times(input, matrix(of, model.dim));
    const { qNorm, kNorm, ...project } = layer.attention as GqaWeights;
    const mlp = layer.mlp as DenseWeights;
    const a = norm(x, layer.attentionNorm!, model);
    const v = split(m(project.v, a), kvHeads);
    const q = split(m(project.q, a), queryHeads).map((head) => turned(head, qNorm, model));
    const k = split(m(project.k, a), kvHeads).map((head) => turned(head, kNorm, model));
    const perKv = queryHeads / kvHeads;
    const heads = q.map((head, h) =>
      attend(head, k[Math.trunc(h / perKv)], v[Math.trunc(h / perKv)]),
    );
    const joined = tokens.map((_, t) => heads.flatMap((head) => head[t]));
    x = plus(x, times(joined, matrix(project.o, queryHeads * headDim)));
    const b = norm(x, layer.mlpNorm!, model);
    const up = m(mlp.up, b);
    const gated = m(mlp.gate, b).map((row, t) =>
      row.map((g, i) => (g * up[t][i] * (1 + Math.tanh(g / 2))) / 2),
    );
    x = plus(x, times(gated, matrix(mlp.down, ffn)));
  }
  return times(norm(x, w.finalNorm, model), matrix(w.head, model.dim));
}

function attend(q: Rows, k: Rows, v: Rows): Rows {
  return q.map((query, t) => {
    const scores = k.map((key, s) => (s > t ? -Infinity : dot(query, key) / query.length ** 0.5));
    const shares = scores.map(Math.exp);
    const sum = shares.reduce((a, b) => a + b);
    return query.map(
      (_, i) =>
        dot(
          shares,
          v.map((row) => row[i]),
        ) / sum,
    );
  });
}

/** Element i and i + half of row t are one complex number, times e^(i t theta^(-i/half)). */
function turned(rows: Rows, weight: Vector | undefined, model: ModelSpec): Rows {
  const { headDim, ropeTheta } = sizesOf(model);
  const half = headDim / 2;
  return (weight ? norm(rows, weight, model) : rows).map((row, t) =>
    row.map((_, i) => {
      const pair = i % half;
      const size = Math.hypot(row[pair], row[pair + half]);
      const angle = Math.atan2(row[pair + half], row[pair]) + t / ropeTheta ** (pair / half);
      return size * (i < half ? Math.cos(angle) : Math.sin(angle));
    }),
  );
}

function norm(rows: Rows, weight: Vector, model: ModelSpec): Rows {
  return rows.map((row) => {
    const root = (dot(row, row) / row.length + model.normEpsilon) ** 0.5;
    return row.map((value, i) => (value / root) * weight[i]);
  });
}

function split(rows: Rows, heads: number): Rows[] {
  const each = rows[0].length / heads;
  return Array.from({ length: heads }, (_, h) =>
    rows.map((row) => row.slice(h * each, (h + 1) * each)),
  );
}

function matrix({ values, scale }: Matrix, inputs: number): Rows {
  return Array.from({ length: values.length / inputs }, (_, row) =>
    Array.from(values.subarray(row * inputs, (row + 1) * inputs), (value) => value * scale),
  );
}

const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const times = (x: Rows, m: Rows): Rows => x.map((row) => m.map((weights) => dot(row, weights)));
const plus = (a: Rows, b: Rows): Rows => a.map((row, t) => row.map((v, i) => v + b[t][i]));
