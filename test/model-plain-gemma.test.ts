/** The plain decoder of Gemma 4 against its rules written out once more, all of them together. */
import { describe, expect, it } from 'vitest';
import type { GqaWeights, LayerWeights, Matrix, Weights } from '../src/model/model-weights.js';
import type { DenseWeights, ExpertsWeights } from '../src/model/model-weights.js';
import { gqaOf, layerOf, type LayerSpec, type ModelSpec } from '../src/model/model.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { BESIDE, gemma } from './helpers/gemma-models.js';

type Numbers = number[];
const times = ({ values, scale }: Matrix, x: Numbers): Numbers =>
  Array.from({ length: values.length / x.length }, (_, row) =>
    x.reduce((sum, value, i) => sum + value * values[row * x.length + i] * scale, 0),
  );
const plus = (a: Numbers, b: Numbers) => a.map((value, i) => value + b[i]);
const rms = (x: Numbers, weight?: ArrayLike<number>): Numbers => {
  const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  return x.map((value, i) => (value / Math.sqrt(mean + gemma.normEpsilon)) * (weight?.[i] ?? 1));
};
const heads = (x: Numbers, size: number): Numbers[] =>
  Array.from({ length: x.length / size }, (_, h) => x.slice(h * size, (h + 1) * size));
const softmax = (x: Numbers): Numbers => {
  const all = x.map((value) => Math.exp(value - Math.max(...x)));
  return all.map((value) => value / all.reduce((a, b) => a + b));
};
const gelu = (x: number) =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const gated = ({ gate, up, down }: DenseWeights, x: Numbers): Numbers => {
  const ups = times(up, x);
  return times(
    down,
    times(gate, x).map((value, i) => gelu(value) * ups[i]),
  );
};

/** The first dim/2 pairs (i, i + half) of a head turn by position * theta^(-2i/size), the others stand still. */
function turned(head: Numbers, position: number, { dim, theta }: { dim: number; theta: number }) {
  const half = head.length / 2;
  const result = [...head];
  for (let i = 0; i < dim / 2; i++) {
    const angle = position * theta ** ((-2 * i) / head.length);
    const [a, b] = [head[i], head[i + half]];
    result[i] = a * Math.cos(angle) - b * Math.sin(angle);
    result[i + half] = b * Math.cos(angle) + a * Math.sin(angle);
  }
  return result;
}

interface Cache {
  keys: Numbers[][];
  values: Numbers[][];
}

function attention(spec: LayerSpec, w: GqaWeights, input: Numbers, { keys, values }: Cache) {
  const { headDim, heads: many, kvHeads, valueIsKey, rope, span } = gqaOf(spec);
  const position = keys.length;
  const raw = heads(times(w.k, input), headDim);
  keys.push(raw.map((head) => turned(rms(head, w.kNorm), position, rope!)));
  const own = valueIsKey ? raw : heads(times(w.v, input), headDim);
  values.push(own.map((head) => rms(head)));
  const first = span.kind === 'window' ? Math.max(0, position - span.size + 1) : 0;
  const attended = heads(times(w.q, input), headDim).flatMap((head, h) => {
    const query = turned(rms(head, w.qNorm), position, rope!);
    const kv = Math.floor(h / (many / kvHeads));
    const seen = keys.slice(first).map((of) => of[kv]);
    // Scores are not scaled.
    const shares = softmax(seen.map((key) => key.reduce((sum, k, i) => sum + k * query[i], 0)));
    return query.map((_, i) =>
      shares.reduce((sum, share, j) => sum + share * values[first + j][kv][i], 0),
    );
  });
  return times(w.o, attended);
}

/** The dense MLP reads the normed stream; router and experts read the stream by norms of their own. */
function mlp(w: LayerWeights, x: Numbers): Numbers {
  const of = w.mlp as ExpertsWeights;
  const beside = of.parallel!;
  const dense = rms(gated(beside.mlp, rms(x, w.mlpNorm)), beside.outNorm);
  const read = rms(x).map((value, i) => (value * of.routerScale![i]) / Math.sqrt(x.length));
  const shares = softmax(times(of.router, read));
  const best = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, BESIDE.topK);
  const total = best.reduce((sum, expert) => sum + shares[expert], 0);
  const input = rms(x, beside.expertsNorm);
  const mixed = best
    .map((expert) => {
      const weight = (shares[expert] / total) * of.perExpertScale![expert];
      return gated(of.experts[expert], input).map((value) => value * weight);
    })
    .reduce(plus);
  return plus(dense, rms(mixed, beside.expertsOutNorm));
}

function logitsAfter(model: ModelSpec, weights: Weights, tokens: number[]): Numbers[] {
  const caches = model.layers.map((): Cache => ({ keys: [], values: [] }));
  return tokens.map((token) => {
    const { values, scale } = weights.embedding;
    let x = [...values.slice(token * model.dim, (token + 1) * model.dim)];
    x = x.map((value) => value * scale * Math.sqrt(model.dim));
    weights.layers.forEach((w, i) => {
      const spec = layerOf(model, i);
      const input = rms(x, w.attentionNorm);
      const mixed = attention(spec, w.attention as GqaWeights, input, caches[i]);
      x = plus(x, rms(mixed, w.attentionOutNorm));
      x = plus(x, rms(mlp(w, x), w.mlpOutNorm));
      x = x.map((value) => value * w.scalar!);
    });
    const logits = times(weights.embedding, rms(x, weights.finalNorm));
    return logits.map((logit) => 30 * Math.tanh(logit / 30));
  });
}

describe('the plain decoder of Gemma 4', () => {
  it('follows its rules: beyond the window, in both kinds of layers', () => {
    const weights = randomWeights(gemma, seededRandom('gemma'));
    const tokens = [3, 17, 40, 8, 3, 29, 11];
    const decoder = createPlainDecoder(gemma, weights);
    for (const [i, expected] of logitsAfter(gemma, weights, tokens).entries()) {
      const found = decoder.step(tokens[i]);
      const largest = Math.max(...expected.map(Math.abs));
      for (const [j, logit] of expected.entries())
        expect(Math.abs(found[j] - logit) / largest).toBeLessThan(1e-12);
    }
  });
});
