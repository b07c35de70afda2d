/** The choice of positions of sparse attention in the plain decoder: scores by hand, and what is done by them. */
import { describe, expect, it } from 'vitest';
import type { IndexerSpec, LatentSpec } from '../src/model/attention-spec.js';
import type { LatentWeights } from '../src/model/model-weights.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import { createIndexer } from '../src/model/plain/indexer.js';
import { latentAttention } from '../src/model/plain/latent.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { expectClose, matrix, vector } from './helpers/by-hand.js';
import { modelOf } from './helpers/dense-models.js';
import { latentLayer, latentWith } from './helpers/latent-models.js';

/** The first two elements turn; keys and queries have none there but for the last test. */
const indexer: IndexerSpec = { heads: 2, dim: 4, topK: 2, own: true, pairs: 'halves' };
const spec: LatentSpec = {
  ...latentWith({ rope: { dim: 2, width: 2, theta: 100, pairs: 'neighbours' } }),
  indexer,
};

/** Of an input [a, b, c, d]: key [0, 0, a, b] normed, queries [0, 0, c, 0] and [0, 0, 0, d], both times 1 and -2. */
const index: LatentWeights['indexer'] = {
  q: matrix(
    ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
    ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ),
  k: matrix(0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0),
  headWeights: matrix(0, 0, 1, 0, 0, 0, 0, -2),
  kNorm: vector(0, 0, 1, 3),
  kNormBias: vector(0, 0, 0.5, 0),
};

function scored(tokens: number[][], changes: Partial<IndexerSpec> = {}, asked?: number[]) {
  const of = { ...spec, indexer: { ...indexer, ...changes } };
  const keys: Float64Array[] = [];
  const choose = createIndexer(of, { indexer: index } as LatentWeights, 16, keys);
  const found = tokens.map((token, p) => choose(vector(...token), vector(...token), p, asked));
  return { keys, last: found.at(-1) };
}

describe('an indexer', () => {
  // Of four numbers 0, 0, a, b: mean and variance.
  const moments = (a: number, b: number) => {
    const mean = (a + b) / 4;
    return { mean, scale: 1 / Math.sqrt((a * a + b * b) / 4 - mean ** 2 + 1e-6) };
  };
  const keyOf = ([a, b]: number[]) => {
    const { mean, scale } = moments(a, b);
    return [0, 0, (a - mean) * scale + 0.5, (b - mean) * scale * 3];
  };
  const tokens = [
    [1, -1, 0, 0],
    [-1, 1, 0, 0],
    [2, 2, 0, 0],
    [0, 1, 3, 0.5],
  ];

  it('norms its keys with the mean taken away, weights and biases', () => {
    const { keys } = scored(tokens);
    for (const [p, token] of tokens.entries()) expectClose(keys[p], keyOf(token));
  });

  it('adds up what its heads find, nothing below 0, by their weights', () => {
    const { last } = scored(tokens);
    const expected = tokens.map((token) => {
      const [, , x, y] = keyOf(token);
      return (Math.max(3 * x, 0) * 3 + Math.max(0.5 * y, 0) * -1) / Math.sqrt(8);
    });
    expectClose(last!.scores, expected);
    expect(last!.positions).toEqual([0, 2]);
    const others = Math.max(last!.scores[1], last!.scores[3]);
    expect([last!.last, last!.next]).toEqual([Math.min(last!.scores[0], last!.scores[2]), others]);
  });

  it('chooses the earlier of equal ones', () => {
    const same = [tokens[2], tokens[1], tokens[2], tokens[2], tokens[3]];
    expect(scored(same).last!.positions).toEqual([0, 2]);
    expect(scored(same, { topK: 1 }).last!.positions).toEqual([0]);
    expect(scored(same, { topK: 3 }).last!.positions).toEqual([0, 2, 3]);
    // Without queries all are 0.
    const none = [tokens[2], tokens[1], tokens[0], tokens[0]];
    expect(scored(none, { topK: 3 }).last!.positions).toEqual([0, 1, 2]);
  });

  it('chooses all of as many as it chooses, and of any number as an upper bound', () => {
    expect(scored(tokens, { topK: 4 }).last).toBeUndefined();
    expect(scored(tokens, { dense: true }).last).toBeUndefined();
    expect(scored(tokens, { topK: 3 }).last).toBeDefined();
  });

  it('is told which positions to take, and what it would have chosen', () => {
    const { last } = scored(tokens, {}, [1, 3]);
    expect(last).toMatchObject({ positions: [0, 2], taken: [1, 3] });
  });
});

describe('a layer with an indexer', () => {
  const own = latentWith({ indexer: { heads: 3, dim: 6, topK: 4, own: true, pairs: 'halves' } });
  const model = modelOf([latentLayer(own)]);
  const weights = randomWeights(model, seededRandom('own')).layers[0].attention as LatentWeights;
  const inputs = Array.from({ length: 9 }, (_, p) =>
    Float64Array.from({ length: model.dim }, (_, i) => Math.sin(7 * p + i)),
  );

  it('attends to what was chosen, as if there were no other positions', () => {
    const cache = { keys: [] as Float64Array[], values: [] as Float64Array[] };
    const selection: Parameters<typeof latentAttention>[5] = {};
    const sparse = latentAttention(own, weights, model, 16, cache, selection);
    const { indexer: _, ...plain } = own;
    let compared = 0;
    for (const [p, input] of inputs.entries()) {
      const found = sparse(input, p);
      const { last } = selection;
      expect(last === undefined).toBe(p < 4);
      const kept = (last?.positions ?? [...cache.keys.keys()]).filter((at) => at !== p);
      const part = {
        keys: kept.map((at) => cache.keys[at]),
        values: kept.map((at) => cache.values[at]),
      };
      // The new position takes part only if it was chosen.
      if (last && !last.positions.includes(p)) continue;
      if (last) compared++;
      expectClose(found, [...latentAttention(plain, weights, model, 16, part)(input, p)], 10);
    }
    expect(compared).toBeGreaterThan(1);
  });
});

describe('layers without an indexer of their own', () => {
  const own: IndexerSpec = { heads: 2, dim: 6, topK: 3, own: true, pairs: 'neighbours' };
  const layer = (changes: Partial<IndexerSpec>) =>
    latentLayer(latentWith({ indexer: { ...own, ...changes } }));
  const layers = [layer({}), layer({ own: false }), layer({ own: false }), layer({})];
  const model = modelOf(layers);
  const tokens = [3, 1, 4, 1, 5, 9, 2, 6];

  it('are told apart by whether they hand the choice on', () => {
    const handsOn = model.layers.map(
      (kind) => (model.kinds[kind].attention as LatentSpec).indexer!.handsOn,
    );
    expect(handsOn).toEqual([true, true, undefined, undefined]);
  });

  it('take the last choice before them', () => {
    const weights = randomWeights(model, seededRandom('shared'));
    const run = (positions?: readonly (readonly number[] | undefined)[]) => {
      const decoder = createPlainDecoder(model, weights);
      const logits = tokens.map((token, t) =>
        decoder.step(token, [], t === tokens.length - 1 ? positions : undefined),
      );
      return { last: logits.at(-1)!, selections: decoder.selections };
    };
    const free = run();
    expect(free.selections.map((of) => of?.positions.length)).toEqual([3, undefined, undefined, 3]);
    const [first, , , fourth] = free.selections;
    expectClose(run([first!.positions]).last, [...free.last], 12);
    // Another choice of the first layer is that of the two after it, but not of the fourth.
    const other = run([[0, 1, 2], undefined, undefined, fourth!.positions]);
    expect(first!.positions).not.toEqual([0, 1, 2]);
    expect(Math.abs(other.last[0] - free.last[0])).toBeGreaterThan(1e-6);
    // Choices of layers that have no indexer are not asked for.
    expectClose(run([undefined, [0, 1, 2], [0, 1, 2]]).last, [...free.last], 12);
  });
});
