/** What surrounds attention and MLPs in the plain decoder, by hand. */
import { describe, expect, it } from 'vitest';
import type { DeltaSpec } from '../src/model/attention-spec.js';
import { routerSpec } from '../src/model/families/experts.js';
import type { LayerWeights, Weights } from '../src/model/model-weights.js';
import { kindsOf, type LayerSpec, type ModelSpec } from '../src/model/model.js';
import { createPlainDecoder, embedded, headLogits } from '../src/model/plain/decoder.js';
import { diagonal, expectClose, matrix, oneHead, silu, vector } from './helpers/by-hand.js';

/** The MLP gives silu(x) * x, attention of one token the token. */
const layer: LayerSpec = {
  attention: oneHead,
  mlp: { kind: 'dense', inner: 2, act: { fn: 'silu' }, bias: false },
  norms: 'pre',
  scaled: false,
};
const [a, b, c, d] = [vector(1, 2), vector(3, 5), vector(0.5, 2), vector(4, 1)];
const layerWeights = (norms: Partial<LayerWeights>): LayerWeights => {
  const one = diagonal(2);
  const attention = { kind: 'gqa', q: one, k: one, v: one, o: one } as const;
  return { attention, mlp: { kind: 'dense', gate: one, up: one, down: one }, ...norms };
};

const modelOf = (layers: LayerSpec[], changes: Partial<ModelSpec> = {}): ModelSpec => ({
  name: 'by hand',
  family: 'llama',
  dim: 2,
  vocab: 2,
  ...kindsOf(layers),
  normEpsilon: 0,
  normPlusOne: false,
  embeddingScale: 1,
  tied: false,
  maxContext: 8,
  dtype: 'f32',
  weightBits: 32,
  ...changes,
});
const weightsOf = (layers: LayerWeights[]): Weights => ({
  embedding: matrix(3, 4, 1, 1),
  layers,
  finalNorm: vector(1, 1),
  head: diagonal(2),
});

type Pair = [number, number];
const norm = ([x, y]: Pair, weight: Float64Array, plus = 0): Pair => {
  const size = Math.sqrt((x * x + y * y) / 2);
  return [(x / size) * (plus + weight[0]), (y / size) * (plus + weight[1])];
};
const plain = vector(1, 1);
const sum = (p: Pair, q: Pair): Pair => [p[0] + q[0], p[1] + q[1]];
const gated = ([x, y]: Pair): Pair => [silu(x) * x, silu(y) * y];

const logitsOf = (model: ModelSpec, layers: LayerWeights[]) =>
  createPlainDecoder(model, weightsOf(layers)).step(0);

describe('norms of a layer', () => {
  it('before each block', () => {
    const weights = layerWeights({ attentionNorm: a, mlpNorm: b });
    const x = sum([3, 4], norm([3, 4], a));
    const y = sum(x, gated(norm(x, b)));
    expectClose(logitsOf(modelOf([layer]), [weights]), norm(y, plain));
  });

  it('after each block, before it is added', () => {
    const weights = layerWeights({ attentionOutNorm: c, mlpOutNorm: d });
    const x = sum([3, 4], norm([3, 4], c));
    const y = sum(x, norm(gated(x), d));
    expectClose(logitsOf(modelOf([{ ...layer, norms: 'post' }]), [weights]), norm(y, plain));
  });

  const sandwich = layerWeights({
    attentionNorm: a,
    attentionOutNorm: c,
    mlpNorm: b,
    mlpOutNorm: d,
  });

  it('both before and after', () => {
    const x = sum([3, 4], norm(norm([3, 4], a), c));
    const y = sum(x, norm(gated(norm(x, b)), d));
    expectClose(logitsOf(modelOf([{ ...layer, norms: 'sandwich' }]), [sandwich]), norm(y, plain));
  });

  it('multiply by 1 + weight everywhere if the model does', () => {
    const model = modelOf([{ ...layer, norms: 'sandwich' }], { normPlusOne: true });
    const x = sum([3, 4], norm(norm([3, 4], a, 1), c, 1));
    const y = sum(x, norm(gated(norm(x, b, 1)), d, 1));
    expectClose(logitsOf(model, [sandwich]), norm(y, plain, 1));
  });
});

describe('the residual stream', () => {
  it('begins with the embedding times its scale', () => {
    const model = modelOf([layer], { embeddingScale: 7 });
    const weights = { ...weightsOf([]), embedding: { ...matrix(3, 4, 1, 2), scale: 0.5 } };
    expect([...embedded(model, weights, 1)]).toEqual([3.5, 7]);
  });

  it('is multiplied by the number of a layer, after both blocks', () => {
    const scaled = { ...layer, scaled: true };
    const own = { attentionNorm: a, mlpNorm: b };
    const layers = [layerWeights({ ...own, scalar: 0.25 }), layerWeights({ ...own, scalar: -3 })];
    let x: Pair = [3, 4];
    for (const scalar of [0.25, -3]) {
      x = sum(x, norm(x, a));
      x = sum(x, gated(norm(x, b)));
      x = [x[0] * scalar, x[1] * scalar];
    }
    expectClose(logitsOf(modelOf([scaled, scaled]), layers), norm(x, plain));
  });

  it('goes through layers of several kinds, each by its own spec', () => {
    const own = { attentionNorm: a, mlpNorm: b };
    const post = { attentionOutNorm: c, mlpOutNorm: d };
    const kinds = [layer, { ...layer, norms: 'post' as const }, layer];
    const model = modelOf(kinds);
    expect(model.layers).toEqual([0, 1, 0]);
    let x: Pair = [3, 4];
    for (const { norms } of kinds) {
      const before = (of: Float64Array) => (norms === 'pre' ? norm(x, of) : x);
      const after = (of: Pair, weight: Float64Array) => (norms === 'post' ? norm(of, weight) : of);
      x = sum(x, after(before(a), c));
      x = sum(x, after(gated(before(b)), d));
    }
    const weights = [layerWeights(own), layerWeights(post), layerWeights(own)];
    expectClose(logitsOf(model, weights), norm(x, plain));
  });
});

describe('a run', () => {
  it('stretches LongRoPE by its own positions, and by the longest context if none are given', () => {
    const scaling = { short: [1], long: [4], originalMaxPosition: 4, amplitude: 1 };
    const rope = { dim: 2, width: 2, theta: 100, pairs: 'halves', scaling } as const;
    const model = modelOf([{ ...layer, attention: { ...oneHead, rope } }]);
    const weights = weightsOf([layerWeights({ attentionNorm: plain, mlpNorm: plain })]);
    const angleOf = (positions?: number) => {
      const decoder = createPlainDecoder(model, weights, positions);
      decoder.step(1);
      decoder.step(1);
      const [[[x, y], key]] = decoder.keys;
      return Math.atan2(key[1], key[0]) - Math.atan2(y, x);
    };
    expect(angleOf(4)).toBeCloseTo(1, 12);
    expect(angleOf(5)).toBeCloseTo(0.25, 12);
    expect(angleOf()).toBeCloseTo(0.25, 12);
  });
});

describe('logits', () => {
  it('are bent below a cap', () => {
    const model = modelOf([layer], { logitCap: 0.5 });
    const weights = { ...weightsOf([]), head: diagonal(2, 2) };
    const [x, y] = norm([3, 4], plain);
    const found = headLogits(model, weights, [3, 4]);
    expectClose(found, [0.5 * Math.tanh(4 * x), 0.5 * Math.tanh(4 * y)]);
  });
});

describe('layers of experts', () => {
  it('say what they chose for the last token', () => {
    const router = routerSpec({ score: 'sigmoid' });
    const act = { fn: 'silu' } as const;
    const mlp = { kind: 'experts', count: 2, topK: 1, inner: 2, act, bias: false, router } as const;
    const norms = { attentionNorm: plain, mlpNorm: plain };
    const dense = layerWeights(norms);
    const zero = {
      kind: 'dense',
      gate: diagonal(2),
      up: diagonal(2),
      down: diagonal(2, 0),
    } as const;
    const experts = { kind: 'experts', router: diagonal(2), experts: [zero, zero] } as const;
    const model = modelOf([layer, { ...layer, mlp }]);
    const weights = weightsOf([dense, { ...dense, mlp: { ...experts, experts: [zero, zero] } }]);
    const decoder = createPlainDecoder(model, { ...weights, embedding: matrix(3, 4, 9, 1) });
    expect(decoder.choices).toEqual([undefined, undefined]);
    for (const [token, chosen] of [
      [0, 1],
      [1, 0],
    ]) {
      decoder.step(token);
      expect(decoder.choices[0]).toBeUndefined();
      expect(decoder.choices[1]?.experts).toEqual([chosen]);
    }
  });
});

describe('weights of another kind than the layer', () => {
  it('are an error of the caller', () => {
    const sizes = { keyHeads: 1, valueHeads: 1, keyDim: 2, valueDim: 2, conv: 2 };
    const delta: DeltaSpec = { kind: 'delta', ...sizes };
    const weights = weightsOf([layerWeights({ attentionNorm: a, mlpNorm: b })]);
    expect(() => createPlainDecoder(modelOf([{ ...layer, attention: delta }]), weights)).toThrow(
      'expected weights of delta, found gqa',
    );
  });
});
