import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importHfConfig } from '../src/model/hf-config.js';
import {
  cacheBytesPerPosition,
  operatorsOf,
  parameterCount,
  weightBytes,
} from '../src/model/operators.js';
import { resized, sizesOf } from './helpers/small-model.js';

const models = new URL('../models/', import.meta.url);
const load = (url: URL, options = {}) =>
  importHfConfig(JSON.parse(readFileSync(url, 'utf8')), { name: 'm', ...options });

const llama8b = load(new URL('llama-3.1-8b.json', models));
const llama70b = load(new URL('llama-3.1-70b.json', models));
const tiny = load(new URL('tiny.json', models));
const qwen = load(new URL('tiny-qwen3.json', models));

const flopsPerToken = (model: typeof llama8b, positions: number) =>
  operatorsOf(model).reduce(
    (sum, o) => sum + o.count * (o.flops + o.flopsPerPosition * positions),
    0,
  );

/** Sizes and parameters as on the models' pages; what is not named is as in the smaller model. */
const LARGER: [
  name: string,
  like: string,
  sizes: Record<string, number | boolean>,
  count: number,
][] = [
  [
    'Llama 3.1 405B',
    'llama-3.1-70b.json',
    {
      hidden_size: 16384,
      num_hidden_layers: 126,
      num_attention_heads: 128,
      intermediate_size: 53248,
    },
    405.9e9,
  ],
  ['Qwen3 8B', 'tiny-qwen3.json', qwen3(4096, 36, 32, 12288), 8.19e9],
  ['Qwen3 32B', 'tiny-qwen3.json', qwen3(5120, 64, 64, 25600), 32.8e9],
];

function qwen3(hidden: number, layers: number, heads: number, inner: number) {
  return {
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: 8,
    head_dim: 128,
    intermediate_size: inner,
    vocab_size: 151936,
    tie_word_embeddings: false,
  };
}

describe('parameters', () => {
  it('of Llama 3.1 8B and 70B are the published ones', () => {
    expect(parameterCount(llama8b)).toBe(8_030_261_248);
    expect(parameterCount(llama70b)).toBe(70_553_706_496);
  });

  it.each(LARGER)('of %s are the published ones within 0.2 %%', (_, like, sizes, count) => {
    const published = JSON.parse(readFileSync(new URL(like, models), 'utf8')) as object;
    const model = importHfConfig({ ...published, ...sizes }, { name: 'm' });
    expect(Math.abs(parameterCount(model) / count - 1)).toBeLessThan(0.002);
  });

  it('of a tied head count once, and query and key norms belong to every layer', () => {
    const { dim, vocab, layers, headDim } = sizesOf(qwen);
    expect(parameterCount({ ...qwen, tied: false }) - parameterCount(qwen)).toBe(vocab * dim);
    expect(parameterCount(qwen) - parameterCount(resized(qwen, { qkNorm: false }))).toBe(
      layers * 2 * headDim,
    );
  });
});

describe('floating-point operations', () => {
  it.each([
    ['tiny', tiny],
    ['qwen', qwen],
  ])('of each operator of %s are those by hand', (_, model) => {
    const { dim, ffn, heads, kvHeads, headDim, vocab, qkNorm } = sizesOf(model);
    const [queries, keys] = [heads * headDim, kvHeads * headDim];
    const norm = (length: number) => 4 * length + 4;
    const found = Object.fromEntries(
      operatorsOf(model).map(({ name, flops, flopsPerPosition }) => [
        name,
        [flops, flopsPerPosition],
      ]),
    );
    expect(found).toEqual({
      embedding: [0, 0],
      attentionNorm: [norm(dim), 0],
      q: [2 * queries * dim, 0],
      k: [2 * keys * dim, 0],
      v: [2 * keys * dim, 0],
      ...(qkNorm && {
        qNorm: [heads * norm(headDim), 0],
        kNorm: [kvHeads * norm(headDim), 0],
      }),
      // Two products and a sum for each number of queries and keys.
      rope: [3 * (queries + keys), 0],
      scores: [0, heads * (2 * headDim + 1)],
      softmax: [0, 5 * heads],
      attended: [0, 2 * queries],
      o: [2 * dim * queries, 0],
      attentionResidual: [dim, 0],
      mlpNorm: [norm(dim), 0],
      gate: [2 * dim * ffn, 0],
      up: [2 * dim * ffn, 0],
      activation: [5 * ffn, 0],
      down: [2 * dim * ffn, 0],
      mlpResidual: [dim, 0],
      finalNorm: [norm(dim), 0],
      head: [2 * dim * vocab, 0],
      argmax: [vocab, 0],
    });
  });
});

describe('operators', () => {
  it('of a layer have the shapes of the published matrices', () => {
    const shapes = Object.fromEntries(
      operatorsOf(llama8b).map((o) => [o.name, [o.part, o.count, o.outputs, o.inputs]]),
    );
    expect(shapes).toMatchObject({
      embedding: ['embedding', 1, 128256, 4096],
      q: ['layer', 32, 4096, 4096],
      k: ['layer', 32, 1024, 4096],
      v: ['layer', 32, 1024, 4096],
      o: ['layer', 32, 4096, 4096],
      gate: ['layer', 32, 14336, 4096],
      up: ['layer', 32, 14336, 4096],
      down: ['layer', 32, 4096, 14336],
      finalNorm: ['head', 1, 1, 4096],
      head: ['head', 1, 128256, 4096],
    });
    expect(operatorsOf(llama8b).some((o) => o.name === 'qNorm')).toBe(false);
  });

  it('store matrices in the weight bits and norms in the data type', () => {
    const norms = (2 * tiny.layers.length + 1) * tiny.dim;
    const matrices = parameterCount(tiny) - norms;
    expect(weightBytes(tiny)).toBe(2 * (matrices + norms));
    expect(weightBytes({ ...tiny, weightBits: 8 })).toBe(matrices + 2 * norms);
    expect(weightBytes({ ...tiny, dtype: 'f32', weightBits: 32 })).toBe(4 * (matrices + norms));
    expect(weightBytes(qwen)).toBe(2 * parameterCount(qwen));
  });

  it('take 128 KiB of cache per position in Llama 3.1 8B', () => {
    expect(cacheBytesPerPosition(llama8b)).toBe(128 * 1024);
    expect(cacheBytesPerPosition({ ...llama8b, dtype: 'f32' })).toBe(256 * 1024);
  });

  it('do two FLOPs per weight that a token meets, and little more without a context', () => {
    const met = parameterCount(llama8b) - llama8b.vocab * llama8b.dim;
    expect(flopsPerToken(llama8b, 0) / (2 * met)).toBeGreaterThan(1);
    expect(flopsPerToken(llama8b, 0) / (2 * met)).toBeLessThan(1.001);
    expect(flopsPerToken({ ...qwen, tied: false }, 0)).toBe(flopsPerToken(qwen, 0));
  });

  it('do four FLOPs per position, layer and query element in attention, and six per score', () => {
    const { layers, heads, headDim } = sizesOf(llama8b);
    expect(flopsPerToken(llama8b, 1001) - flopsPerToken(llama8b, 1000)).toBe(
      layers * heads * (4 * headDim + 6),
    );
  });
});
