/** Rounds of drafted tokens on the simulated wafer: whatever is drafted, they say what plain greedy decoding says. */
import { describe, expect, it } from 'vitest';
import { checkpointNames } from './helpers/checkpoints.js';
import { checkpointOn } from './helpers/checkpoint-runs.js';
import { cases, count } from './helpers/full.js';
import { byChance, plainTokens, roundsOf } from './helpers/rounds.js';

const FAMILIES = [
  'public-llama',
  'public-qwen3',
  'public-gemma3',
  'public-gpt_oss',
  'public-mistral',
  'public-llama4',
  'public-deepseek_v3',
  'public-qwen3_next',
  'public-qwen3_5',
].filter((name) => checkpointNames().includes(name));

const DRAFTS: [string, number][] = cases(
  [['mixed', 0.6]],
  [
    ['right', 1],
    ['wrong', 0],
  ],
);

describe.each(DRAFTS)('%s drafts', (_, chance) => {
  it.each(FAMILIES)('say what plain greedy decoding says: %s', async (name) => {
    const speaking = checkpointOn(name, {});
    const asked = { prompt: [3, 1, 4], tokens: count(9, 21), verified: 3 };
    const { tokens, rounds, check } = await roundsOf(speaking, asked, byChance(chance));
    expect(tokens).toEqual(plainTokens(speaking, asked));
    expect(check).toMatchObject({ passed: true, choice: true });
    const all = rounds.map(({ accepted }) => accepted);
    if (chance === 1) expect(all).toEqual(all.map(() => 2));
    else if (chance === 0) expect(all).toEqual(all.map(() => 0));
    else expect(new Set(all).size).toBeGreaterThan(1);
  });
});
