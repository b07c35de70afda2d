/** Random weights of layers of every kind. */
import { describe, expect, it } from 'vitest';
import seedrandom from 'seedrandom';
import { roundF16 } from '../src/numeric/types.js';
import type { Matrix, Vector, Weights } from '../src/model/model-weights.js';
import { parameterCount } from '../src/model/operators.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { KINDS, modelOf } from './helpers/all-kinds.js';

const alea = (seed = 'kinds') => seedrandom.alea(seed);
const isVector = (value: unknown): value is Vector =>
  value instanceof Float32Array || value instanceof Float64Array;

/** All tensors below a part of weights, each once, by its path. */
function tensorsOf(part: unknown, path = '', found = new Map<Vector, string>()) {
  if (isVector(part)) {
    if (!found.has(part)) found.set(part, path);
  } else if (typeof part === 'object' && part !== null)
    for (const [name, value] of Object.entries(part)) tensorsOf(value, `${path}.${name}`, found);
  return found;
}
const countOf = (w: Weights) =>
  [...tensorsOf(w).keys()].reduce((sum, { length }) => sum + length, 0);

describe.each(Object.entries(KINDS))('random weights of %s', (_, kind) => {
  const model = modelOf([kind, kind]);

  it('are as many as the model has parameters, and no layer has those of another', () => {
    const w = randomWeights(model, alea());
    expect(countOf(w)).toBe(parameterCount(model));
    expect(w.layers[1]).not.toEqual(w.layers[0]);
    expect(w.layers[0].scalar === undefined).toBe(!kind.scaled);
  });

  it('all matter: the logits are others without one of them', () => {
    const w = randomWeights(model, alea());
    const tokens = [3, 17, 5, 5, 9];
    const run = () => {
      const decoder = createPlainDecoder(model, w);
      return tokens.map((token) => [...decoder.step(token)]);
    };
    const whole = run();
    for (const [tensor, path] of tensorsOf(w.layers[0])) {
      // Up to topK positions the indexer's choice is all of them.
      if (path.startsWith('.attention.indexer')) continue;
      const kept = tensor.slice();
      tensor.set(kept.map((x, i) => (i % 2 === 0 ? x + 3 : x - 3)));
      // An expert that no token chooses is the exception.
      if (!path.startsWith('.mlp.experts')) expect(run(), path).not.toEqual(whole);
      tensor.set(kept);
    }
    expect(run()).toEqual(whole);
  });

  it('give logits of order one after many layers', () => {
    const deep = modelOf(Array.from({ length: 12 }, () => kind));
    const decoder = createPlainDecoder(deep, randomWeights(deep, alea()));
    for (const token of [3, 17, 5]) {
      const logits = decoder.step(token);
      const size = Math.sqrt(logits.reduce((sum, x) => sum + x * x, 0) / logits.length);
      expect(size).toBeGreaterThan(0.3);
      expect(size).toBeLessThan(3);
    }
  });

  it('are 16-bit floats in a 16-bit model', () => {
    const half = modelOf([kind], { dtype: 'f16', weightBits: 16 });
    for (const [tensor, path] of tensorsOf(randomWeights(half, alea())))
      expect(
        tensor.every((x) => roundF16(x) === x),
        path,
      ).toBe(true);
  });
});

describe('random weights', () => {
  it('of norms are around 0 where 1 is added to them, but for the norm of a delta rule', () => {
    const mean = (values: Vector) => values.reduce((sum, x) => sum + x, 0) / values.length;
    const model = modelOf([KINDS['a delta rule, a gated shared expert']], { normPlusOne: true });
    const w = randomWeights(model, alea());
    const { attentionNorm, mlpNorm, attention } = w.layers[0];
    for (const norm of [attentionNorm!, mlpNorm!, w.finalNorm])
      expect(Math.abs(mean(norm))).toBeLessThan(0.15);
    const own = attention.kind === 'delta' && attention.norm;
    expect(Math.abs(mean(own as Vector) - 1)).toBeLessThan(0.2);
  });

  it('make residual streams of order one where embeddings are scaled', () => {
    const scaled = modelOf([], { embeddingScale: 9 });
    const { values } = randomWeights(scaled, alea()).embedding;
    const size = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    expect(9 * size).toBeCloseTo(1, 1);
  });

  it('of a layer like those of Llama and Qwen3 are drawn in the order that they always were', () => {
    for (const name of ['a plain layer', 'norms of heads and a gate']) {
      const { attention, ...others } = KINDS[name];
      if (attention.kind !== 'gqa') throw new TypeError(name);
      const model = modelOf([{ ...others, attention: { ...attention, gate: false } }]);
      const w = randomWeights(model, alea('order'));
      const random = alea('order');
      const normal = () => 2 * (random() + random() + random() - 1.5);
      const drawn = (length: number, mean: number, deviation: number) =>
        Float32Array.from({ length }, () => mean + deviation * normal());
      const matrix = (outputs: number, inputs: number): Matrix => {
        return { values: drawn(outputs * inputs, 0, 1 / Math.sqrt(inputs)), scale: 1 };
      };
      expect(w.embedding.values).toEqual(drawn(23 * 18, 0, 1));
      const [layer] = w.layers;
      expect(layer.attentionNorm).toEqual(drawn(18, 1, 0.1));
      const [q, k, v] = [matrix(24, 18), matrix(12, 18), matrix(12, 18)];
      const norms = attention.qkNorm === 'head' && {
        qNorm: drawn(6, 1, 0.1),
        kNorm: drawn(6, 1, 0.1),
      };
      expect(layer.attention).toEqual({ kind: 'gqa', q, k, v, ...norms, o: matrix(18, 24) });
      expect(layer.mlpNorm).toEqual(drawn(18, 1, 0.1));
      const [gate, up, down] = [matrix(17, 18), matrix(17, 18), matrix(18, 17)];
      expect(layer.mlp).toEqual({ kind: 'dense', gate, up, down });
      expect(w.finalNorm).toEqual(drawn(18, 1, 0.1));
      expect(w.head).toEqual(matrix(23, 18));
    }
  });
});
