/** Rounds of drafted tokens on the simulated wafer: whatever is drafted, they say what plain greedy decoding says. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { KINDS, modelOf } from './helpers/all-kinds.js';
import type { ModelSpec } from '../src/model/model.js';
import { layerWith } from './helpers/dense-models.js';
import { expertsWith } from './helpers/expert-models.js';
import { latentLayer, latentWith } from './helpers/latent-models.js';
import { checkpointNames } from './helpers/checkpoints.js';
import { checkpointOn } from './helpers/checkpoint-runs.js';
import { cases, count } from './helpers/full.js';
import { byChance, plainTokens, roundsOf } from './helpers/rounds.js';

// Windows and chunks; in the full tests attention to all positions, latent attention and delta nets too.
const FAMILIES = cases(
  ['gemma3', 'llama4'],
  ['llama', 'qwen3', 'gpt_oss', 'mistral', 'deepseek_v3', 'qwen3_next', 'qwen3_5'],
)
  .map((name) => `public-${name}`)
  .filter((name) => checkpointNames().includes(name));

const DRAFTS: [string, number][] = cases(
  [['mixed', 0.6]],
  [
    ['right', 1],
    ['wrong', 0],
  ],
);

const EVERY = modelOf(Object.values(KINDS), { vocab: 31 });
/** The second layer takes the choice of positions of the first. */
const SPARSE = modelOf(
  [true, false].map((own) =>
    latentLayer(latentWith({ indexer: { heads: 4, dim: 7, topK: 5, own, pairs: 'neighbours' } })),
  ),
  { vocab: 31 },
);
const EXPERTS = modelOf([layerWith({}, { mlp: expertsWith({ count: 6, topK: 2 }) })], {
  vocab: 31,
});

/** How attention that may be latent is laid out by turns. */
const FORMS: [string, ModelSpec, string[], 'latent' | 'expanded'][] = cases(
  [
    ['layers of every kind, split', EVERY, ['layers=split'], 'latent'],
    ['a choice of positions', SPARSE, [], 'latent'],
    ['experts in strips', EXPERTS, ['layers=split', 'experts=strips', 'strips=3'], 'expanded'],
  ],
  [
    ['layers of every kind', EVERY, [], 'expanded'],
    ['a choice of positions, split', SPARSE, ['layers=split'], 'expanded'],
    ['16 bits', { ...EVERY, dtype: 'f16', weightBits: 16 }, [], 'latent'],
  ],
);

describe.each(FORMS)('a model with %s', (_, model, sets, latent) => {
  it(`says what it says without drafts, ${latent}`, async () => {
    const weights = randomWeights(model, seededRandom('drafts'));
    const room = ['hardware.width=400', 'hardware.core.sram=1 MiB', `mapping.latent=${latent}`];
    const placed = ['rows=4', 'layerColumns=7', ...sets].map((set) => `placement.${set}`);
    const config = loadConfig('configs/tiny.yaml', [...room, ...placed]);
    const placement = { ...config.placement, groups: 2, growth: 'minimal' } as const;
    const speaking = { config: { ...config, model, placement }, weights };
    const asked = { prompt: [3, 1, 4], tokens: count(7, 10), verified: 4 };
    const { tokens, rounds, check } = await roundsOf(speaking, asked, byChance(0.6));
    expect(tokens).toEqual(plainTokens(speaking, asked));
    expect(check).toMatchObject({ passed: true, choice: true });
    expect(new Set(rounds.map(({ accepted }) => accepted)).size).toBeGreaterThan(1);
  });
});

describe.skipIf(FAMILIES.length === 0).each(DRAFTS)('%s drafts', (_, chance) => {
  // Where all or none are accepted one family in three will do.
  const families = FAMILIES.filter((_, i) => chance === 0.6 || i % 3 === chance);
  it.each(families)('say what plain greedy decoding says: %s', async (name) => {
    const speaking = checkpointOn(name, { growth: 'minimal', rows: 3, layerColumns: 7 });
    const asked = { prompt: [3, 1, 4], tokens: count(9, 12), verified: 3 };
    const { tokens, rounds, check } = await roundsOf(speaking, asked, byChance(chance));
    expect(tokens).toEqual(plainTokens(speaking, asked));
    expect(check).toMatchObject({ passed: true, choice: true });
    const all = rounds.map(({ accepted }) => accepted);
    if (chance === 1) expect(all).toEqual(all.map(() => 2));
    else if (chance === 0) expect(all).toEqual(all.map(() => 0));
    else expect(new Set(all).size).toBeGreaterThan(1);
  });
});
