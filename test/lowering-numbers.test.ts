/** Numbers that are far from one: scores whose exponentials overflow, and a stream that is almost zero. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { DenseWeights, GqaWeights, Vector, Weights } from '../src/model/model-weights.js';
import type * as model from '../src/model/weights.js';
import { simulateTimes } from './helpers/times.js';

/** What becomes of the random weights, for the wafer and for the plain decoder alike. */
const weights = vi.hoisted(() => ({ change: (_: Weights) => {} }));
vi.mock('../src/model/weights.js', async (original) => {
  const real = await original<typeof model>();
  const randomWeights: typeof real.randomWeights = (...args) => {
    const drawn = real.randomWeights(...args);
    weights.change(drawn);
    return drawn;
  };
  return { ...real, randomWeights };
});
afterEach(() => (weights.change = () => {}));

const times = (values: Vector, factor: number) => {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
};

async function checkOf(...sets: string[]) {
  const size = ['workload.tokens=2', 'placement.rows=5'];
  const config = loadConfig('configs/tiny.yaml', [...size, ...sets]);
  const host = { now: () => 0, rss: () => 0 };
  return (await simulateTimes(config, { engine: 'fast', shards: 1, memo: true, ...host })).check!;
}

const MAPPINGS = [
  ['gqa', ['placement.layerColumns=7']],
  ['waferllm', ['mapping=waferllm', 'exact=true']],
] as const;

describe.each(MAPPINGS)('in the mapping %s', (_, sets) => {
  it.each([
    // Beyond 88.7 an exponential overflows in f32, beyond 11.1 in f16.
    ['f32', 10],
    ['f16', 4],
  ])('scores far above what an exponential holds in %s are right', async (dtype, factor) => {
    weights.change = ({ layers }) =>
      layers.forEach(({ attention }) => {
        const { q, k } = attention as GqaWeights;
        times(q.values, factor);
        times(k.values, factor);
      });
    expect(await checkOf(...sets, `model.dtype=${dtype}`)).toMatchObject({ passed: true });
  });

  it('a stream so small that the epsilon of the norms counts is right', async () => {
    weights.change = ({ embedding, layers }) => {
      times(embedding.values, 1e-3);
      layers.forEach(({ attention, mlp }) => {
        times((attention as GqaWeights).o.values, 1e-3);
        times((mlp as DenseWeights).down.values, 1e-3);
      });
    };
    expect(await checkOf(...sets)).toMatchObject({ passed: true });
  });
});

describe('query and key norms', () => {
  it('of heads so small that their epsilon counts are right', async () => {
    weights.change = ({ layers }) =>
      layers.forEach(({ attention }) => {
        const { q, k } = attention as GqaWeights;
        [q, k].forEach(({ values }) => times(values, 1e-3));
      });
    const sets = ['model=models/tiny-qwen3.json', 'placement.layerColumns=7'];
    expect(await checkOf(...sets)).toMatchObject({ passed: true });
  });
});
