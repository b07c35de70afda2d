/**
 * The model a second time, for tests: the whole sequence at once with a causal mask instead of a
 * cache, and rotation as a multiplication of complex numbers instead of `rotate_half`.
 */
import type { ModelSpec, Weights } from '../src/model/model.js';

type Rows = number[][];

/** Logits [token][vocab] of every position of a sequence. */
export function wholeSequence(model: ModelSpec, w: Weights, tokens: number[]): Rows {
  const table = matrix(w.embedding, model.dim, w.embeddingScale);
  let x: Rows = tokens.map((token) => table[token]);
  for (const layer of w.layers) {
    const m = (name: 'q' | 'k' | 'v' | 'gate' | 'up', input: Rows) =>
      times(input, matrix(layer[name], model.dim, layer.scales[name]));
    const a = norm(x, layer.attentionNorm, model);
    const v = split(m('v', a), model.kvHeads);
    const q = split(m('q', a), model.heads).map((head) => turned(head, layer.qNorm, model));
    const k = split(m('k', a), model.kvHeads).map((head) => turned(head, layer.kNorm, model));
    const perKv = model.heads / model.kvHeads;
    const heads = q.map((head, h) =>
      attend(head, k[Math.trunc(h / perKv)], v[Math.trunc(h / perKv)]),
    );
    const joined = tokens.map((_, t) => heads.flatMap((head) => head[t]));
    x = plus(x, times(joined, matrix(layer.o, model.heads * model.headDim, layer.scales.o)));
    const b = norm(x, layer.mlpNorm, model);
    const up = m('up', b);
    const gated = m('gate', b).map((row, t) =>
      row.map((g, i) => (g * up[t][i] * (1 + Math.tanh(g / 2))) / 2),
    );
    x = plus(x, times(gated, matrix(layer.down, model.ffn, layer.scales.down)));
  }
  return times(norm(x, w.finalNorm, model), matrix(w.head, model.dim, w.headScale));
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
function turned(rows: Rows, weight: Float32Array | undefined, model: ModelSpec): Rows {
  const half = model.headDim / 2;
  return (weight ? norm(rows, weight, model) : rows).map((row, t) =>
    row.map((_, i) => {
      const pair = i % half;
      const size = Math.hypot(row[pair], row[pair + half]);
      const angle = Math.atan2(row[pair + half], row[pair]) + t / model.ropeTheta ** (pair / half);
      return size * (i < half ? Math.cos(angle) : Math.sin(angle));
    }),
  );
}

function norm(rows: Rows, weight: Float32Array, model: ModelSpec): Rows {
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

function matrix(values: Float32Array, inputs: number, scale: number): Rows {
  return Array.from({ length: values.length / inputs }, (_, row) =>
    Array.from(values.subarray(row * inputs, (row + 1) * inputs), (value) => value * scale),
  );
}

const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const times = (x: Rows, m: Rows): Rows => x.map((row) => m.map((weights) => dot(row, weights)));
const plus = (a: Rows, b: Rows): Rows => a.map((row, t) => row.map((v, i) => v + b[t][i]));
