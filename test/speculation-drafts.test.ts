/** Drafts that are computed: a model for itself, for a copy that is a little different, and what the host looks up. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lookUp, ngramDrafter } from '../src/decode/speculation/drafters.js';
import type { Weights } from '../src/model/model-weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { CHECKPOINTS, checkpointNames } from './helpers/checkpoints.js';
import { checkpointOn } from './helpers/checkpoint-runs.js';
import { cases, count } from './helpers/full.js';
import { byModel, plainTokens, roundsOf } from './helpers/rounds.js';

const SIZES = { growth: 'minimal', rows: 3, layerColumns: 7 } as const;

/** The same weights, those of layers off by up to so much of themselves. */
function perturbed(weights: Weights, by: number): Weights {
  const random = seededRandom('perturbed');
  const off = <T>(value: T): T => {
    if (value instanceof Float32Array || value instanceof Float64Array)
      return value.map((x) => x * (1 + by * (2 * random() - 1))) as T;
    if (Array.isArray(value)) return value.map(off) as T;
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, off(of)])) as T;
  };
  // Tables stay, which may be one.
  return { ...weights, layers: off(weights.layers), finalNorm: off(weights.finalNorm) };
}

const accepted = (rounds: { accepted: number }[]) => rounds.map((round) => round.accepted);

const present = (names: string[]) =>
  names.map((name) => `public-${name}`).filter((name) => checkpointNames().includes(name));
const FAMILIES = present(cases(['qwen3_next'], ['llama', 'gemma3', 'deepseek_v3', 'llama4']));

describe.skipIf(FAMILIES.length === 0)('a model that drafts', () => {
  const asked = { prompt: [3, 1, 4, 1], tokens: count(7, 9), verified: 3 };

  // What nobody accepts is undone as in the next test, by all families.
  it.each(present(cases(['qwen3_next'], ['gemma3'])))(
    'for itself is always right: %s',
    async (name) => {
      const speaking = checkpointOn(name, SIZES);
      const { tokens, rounds, check } = await roundsOf(speaking, asked, byModel(speaking, asked));
      expect(tokens).toEqual(plainTokens(speaking, asked));
      expect(accepted(rounds)).toEqual(rounds.map(({ drafted }) => drafted.length));
      expect(rounds.every(({ drafted }) => drafted.length === 2)).toBe(true);
      expect(check?.passed).toBe(true);
    },
  );

  it.each(FAMILIES)(
    'for another is right at times, and what is said is as it was: %s',
    async (name) => {
      const speaking = checkpointOn(name, SIZES);
      const copy = { ...speaking, weights: perturbed(speaking.weights, 0.3) };
      const { tokens, rounds, check } = await roundsOf(speaking, asked, byModel(copy, asked));
      expect(tokens).toEqual(plainTokens(speaking, asked));
      expect(rounds.some((round) => round.accepted < round.drafted.length)).toBe(true);
      expect(check?.passed).toBe(true);
    },
  );
});

describe.skipIf(!existsSync(join(CHECKPOINTS, 'stories260k')))('a trained model', () => {
  const asked = { prompt: [1], tokens: count(8, 20), verified: 4 };

  it('drafts its story for itself, and a copy that is off drafts some of it', async () => {
    const speaking = checkpointOn('stories260k', { ...SIZES, rows: 4 });
    const story = plainTokens(speaking, asked);
    const own = await roundsOf(speaking, asked, byModel(speaking, asked));
    expect(own.tokens).toEqual(story);
    expect(accepted(own.rounds)).toEqual(own.rounds.map(() => 3));
    const copy = { ...speaking, weights: perturbed(speaking.weights, 0.4) };
    const other = await roundsOf(speaking, asked, byModel(copy, asked));
    expect(other.tokens).toEqual(story);
    const all = accepted(other.rounds);
    expect(Math.min(...all)).toBeLessThan(3);
    expect(Math.max(...all)).toBeGreaterThan(0);
  });
});

describe('what the host looks up', () => {
  it('is what followed the last tokens where they came before, the latest place first', () => {
    expect(lookUp([5, 6, 7, 5, 6, 8, 5, 6], 2, 3)).toEqual([8, 5, 6]);
    expect(lookUp([5, 6, 7, 5, 6, 8, 5, 6], 2, 1)).toEqual([8]);
    expect(lookUp([5, 6, 7, 8], 1, 3)).toEqual([]);
    expect(lookUp([5, 5], 1, 3)).toEqual([5]);
    expect(lookUp([5], 2, 3)).toEqual([]);
  });

  const absent = present(['llama']).length === 0;

  it.skipIf(absent)('changes nothing of what is said, and drafts nothing new', async () => {
    const speaking = checkpointOn('public-llama', SIZES);
    const asked = { prompt: [3, 1, 4, 3, 1], tokens: count(10, 16), verified: 3 };
    const { tokens, rounds } = await roundsOf(speaking, asked, async () => ngramDrafter(1));
    expect(tokens).toEqual(plainTokens(speaking, asked));
    expect(rounds[0].drafted).toEqual([4, 3]);
    expect(rounds.some(({ drafted }) => drafted.length === 0)).toBe(true);
  });
});
