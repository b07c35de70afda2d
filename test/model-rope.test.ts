import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { importHfConfig } from '../src/model/hf-config.js';
import { ropeAmplitude, ropeFrequencies, rotaryPairs, rotateHead } from '../src/model/rope.js';
import { gqaOf } from '../src/model/model.js';

const POSITIONS = 8192;
const halves = (dim: number, theta: number) => ({
  ...{ dim, width: dim, theta, pairs: 'halves' as const },
});
const PAIR = halves(2, 10_000);
/** The first pair turns once a radian; it makes `turns` turns within the original context. */
const stretched = (turns: number) =>
  ropeFrequencies(
    {
      ...PAIR,
      scaling: {
        factor: 8,
        lowFreqFactor: 1,
        highFreqFactor: 4,
        originalMaxPosition: turns * 2 * Math.PI,
      },
    },
    POSITIONS,
  )[0];

describe('rotary frequencies', () => {
  it('fall from 1 by equal factors towards 1/theta', () => {
    const f = ropeFrequencies(halves(8, 10_000), POSITIONS);
    expect(f).toHaveLength(4);
    for (const [i, value] of [1, 0.1, 0.01, 0.001].entries()) expect(f[i]).toBeCloseTo(value, 12);
  });

  it('are stretched as in Llama 3.1: fast ones not, slow ones by the factor, linearly between', () => {
    expect(stretched(4.001)).toBe(1);
    expect(stretched(0.999)).toBe(1 / 8);
    expect(stretched(2.5)).toBeCloseTo((1 + 1 / 8) / 2, 12);
    expect(stretched(1.75)).toBeCloseTo(0.25 * 1 + 0.75 * (1 / 8), 12);
    expect(stretched(4 - 1e-9)).toBeCloseTo(1, 8);
    expect(stretched(1 + 1e-9)).toBeCloseTo(1 / 8, 8);
  });

  it('of Llama 3.1 8B: pairs 0 to 28 keep theirs, 35 to 63 are divided by 8', () => {
    const file = new URL('../models/llama-3.1-8b.json', import.meta.url);
    const model = importHfConfig(JSON.parse(readFileSync(file, 'utf8')), { name: 'm' });
    const scaled = ropeFrequencies(gqaOf(model.kinds[0]).rope!, POSITIONS);
    const ratios = Array.from(scaled, (f, i) => (500000 ** (-i / 64) / f).toFixed(6));
    // 8192 tokens hold 4 turns or more of pairs with theta^(-i/64) * 8192 / (2 pi) > 4, that is
    // i < 64 ln(8192 / (8 pi)) / ln(500000) = 28.2; fewer than one from i > 34.98 on.
    expect(ratios.lastIndexOf('1.000000')).toBe(28);
    expect(ratios.indexOf('8.000000')).toBe(35);
    expect(scaled).toHaveLength(64);
  });
});

/** A head of so many elements with the rotary fields of a file, and its frequencies over unscaled ones. */
function ratiosOf(head_dim: number, rope_theta: number, rope_scaling: object) {
  const tiny = new URL('../models/tiny.json', import.meta.url);
  const json = JSON.parse(readFileSync(tiny, 'utf8')) as object;
  const fields = { head_dim, rope_theta, rope_scaling, max_position_embeddings: 163_840 };
  const model = importHfConfig({ ...json, ...fields }, { name: 'm' });
  const own = ropeFrequencies(halves(head_dim, rope_theta), POSITIONS);
  const rope = gqaOf(model.kinds[0]).rope!;
  const ratios = Array.from(ropeFrequencies(rope, POSITIONS), (f, i) => own[i] / f);
  return { model, rope, ratios };
}

describe('linear scaling', () => {
  it('divides every frequency by the factor and leaves the amplitude', () => {
    const { model, rope, ratios } = ratiosOf(12, 10_000, { type: 'linear', factor: 4 });
    for (const ratio of ratios) expect(ratio).toBeCloseTo(4, 12);
    expect(ropeAmplitude(rope)).toBe(1);
    expect(model.maxContext).toBe(163_840);
  });
});

describe('a Llama 3 scaling with equal limits, as in Llama 4 Scout', () => {
  const equal = (turns: number) =>
    ropeFrequencies(
      {
        ...PAIR,
        scaling: {
          factor: 16,
          lowFreqFactor: 1,
          highFreqFactor: 1,
          originalMaxPosition: turns * 2 * Math.PI,
        },
      },
      POSITIONS,
    )[0];
  it('keeps what turns more often, divides the rest, and has no ramp to divide by zero', () => {
    expect([equal(1.001), equal(0.999), equal(1)]).toEqual([1, 1 / 16, 1 / 16]);
    const scaling = { factor: 16, low_freq_factor: 1, high_freq_factor: 1 };
    const { ratios } = ratiosOf(128, 500_000, {
      ...{ ...scaling, original_max_position_embeddings: 8192, rope_type: 'llama3' },
    });
    // One turn in 8192 tokens: 64 ln(8192 / (2 pi)) / ln(500000) = 34.98.
    expect(ratios.map((ratio) => ratio.toFixed(9))).toEqual([
      ...Array<string>(35).fill('1.000000000'),
      ...Array<string>(29).fill('16.000000000'),
    ]);
  });
});

describe('YaRN', () => {
  /** By hand: what share of pair i is divided, with the ramp from `low` to `high`. */
  const byHand = (pairs: number, low: number, high: number, factor: number) =>
    Array.from({ length: pairs }, (_, i) => {
      const divided = Math.min(1, Math.max(0, (i - low) / (high - low)));
      return 1 / (1 - divided + divided / factor);
    });
  const expectRatios = (found: number[], expected: number[], digits = 9) => {
    expect(found).toHaveLength(expected.length);
    for (const [i, ratio] of expected.entries()) expect(found[i]).toBeCloseTo(ratio, digits);
  };

  it('of DeepSeek-V3 ramps from pair 10 to 23 and, with two equal mscales, keeps the amplitude', () => {
    const { rope, ratios } = ratiosOf(64, 10_000, {
      ...{ type: 'yarn', factor: 40, beta_fast: 32, beta_slow: 1, mscale: 1, mscale_all_dim: 1 },
      original_max_position_embeddings: 4096,
    });
    // Pairs of 32 turns and of one: 32 ln(4096 / (64 pi)) / ln(10000) = 10.47, 32 ln(4096 / (2 pi)) / ... = 22.51.
    expectRatios(ratios, byHand(32, 10, 23, 40));
    expect(ropeAmplitude(rope)).toBe(1);
  });

  it('of gpt-oss is not rounded to pairs: from 8.0928 to 17.398, amplitude 1.346574', () => {
    const { rope, ratios } = ratiosOf(64, 150_000, {
      ...{ rope_type: 'yarn', factor: 32, beta_fast: 32, beta_slow: 1, truncate: false },
      original_max_position_embeddings: 4096,
    });
    expectRatios(ratios, byHand(32, 8.0928, 17.398, 32), 2);
    expect(ratios[8]).toBe(1);
    expect(ratios[9]).toBeCloseTo(1 / (1 - (0.9072 / 9.3052) * (31 / 32)), 4);
    expect(ropeAmplitude(rope)).toBeCloseTo(1.346574, 6);
  });

  it('of Kimi-K2, whose two betas are one, ramps from pair 19 to 20', () => {
    const { ratios } = ratiosOf(64, 50_000, {
      ...{ type: 'yarn', factor: 32, beta_fast: 1, beta_slow: 1 },
      original_max_position_embeddings: 4096,
    });
    expectRatios(ratios, byHand(32, 19, 20, 32));
  });

  it('as Qwen3 asks for it: defaults 32 and 1, and four times the context', () => {
    const { model, rope, ratios } = ratiosOf(128, 1_000_000, {
      ...{ rope_type: 'yarn', factor: 4, original_max_position_embeddings: 65_536 },
    });
    // 64 ln(65536 / (64 pi)) / ln(1e6) = 26.81, 64 ln(65536 / (2 pi)) / ln(1e6) = 42.86.
    expectRatios(ratios, byHand(64, 26, 43, 4));
    expect(ropeAmplitude(rope)).toBeCloseTo(1 + 0.1 * Math.log(4), 12);
    expect(model.maxContext).toBe(262_144);
  });

  it('begins the ramp at the first pair at the earliest, and caps it at the elements of a head, not its pairs', () => {
    const ratios = (theta: number, length: number, beta_fast: number) =>
      ratiosOf(16, theta, {
        ...{ rope_type: 'yarn', factor: 4, original_max_position_embeddings: length, beta_fast },
      }).ratios;
    // 8 ln(1024 / (64 pi)) / ln(100) = 2.83, 8 ln(1024 / (2 pi)) / ln(100) = 8.85.
    expectRatios(ratios(100, 1024, 32), byHand(8, 2, 9, 4));
    // 8 ln(100 / (64 pi)) / ln(100) = -1.2, before the first pair, and 8 ln(100 / (2 pi)) / ln(100) = 4.8.
    expectRatios(ratios(100, 100, 32), byHand(8, 0, 5, 4));
    // 8 ln(4096 / (200 pi)) / ln(20) = 5.01, 8 ln(4096 / (2 pi)) / ln(20) = 17.3, beyond 16 - 1.
    expectRatios(ratios(20, 4096, 100), byHand(8, 5, 15, 4));
  });

  it('takes its amplitude from attention_factor, else from the ratio of two mscales, else its own', () => {
    const amplitude = (more: object) =>
      ropeAmplitude(ratiosOf(16, 10_000, { rope_type: 'yarn', factor: 4, ...more }).rope);
    const of = (mscale: number) => 0.1 * mscale * Math.log(4) + 1;
    expect(amplitude({ attention_factor: 0.7, mscale: 1, mscale_all_dim: 2 })).toBe(0.7);
    expect(amplitude({ mscale: 0.6, mscale_all_dim: 1 })).toBeCloseTo(of(0.6) / of(1), 12);
    expect(amplitude({ mscale: 0.6 })).toBeCloseTo(of(1), 12);
    expect(amplitude({ mscale: 0.6, mscale_all_dim: 0 })).toBeCloseTo(of(1), 12);
    expect(amplitude({ factor: 1 })).toBe(1);
    expect(amplitude({ attention_factor: null, beta_fast: 0, beta_slow: null })).toBe(of(1));
  });

  it('with a ramp of no length, or one before the first pair, has finite frequencies', () => {
    const ratios = (length: number, more = {}) =>
      ratiosOf(16, 10_000, {
        ...{ rope_type: 'yarn', factor: 4, original_max_position_embeddings: length, ...more },
      }).ratios;
    // Six tokens make less than a turn of any pair: as published both ends are then before pair 0.
    for (const found of [ratios(6), ratios(6, { beta_fast: 1, truncate: false }), ratios(7)])
      for (const ratio of found) expect(ratio).toBeGreaterThanOrEqual(1);
    expect(ratios(7, { beta_fast: 1, truncate: false })[0]).toBe(1);
    expect(ratios(7, { beta_fast: 1, truncate: false })[1]).toBeCloseTo(4, 9);
  });
});

describe('rotation', () => {
  const PAIRS = [
    { first: 0, second: 2, frequency: 0.5 },
    { first: 1, second: 3, frequency: 0.1 },
  ];

  it('turns the pair (i, i + half) by its angle', () => {
    const head = Float64Array.of(9, 9, 1, 0, 0, 2);
    rotateHead(head, 2, 3, PAIRS);
    const expected = [9, 9, Math.cos(1.5), -2 * Math.sin(0.3), Math.sin(1.5), 2 * Math.cos(0.3)];
    for (const [i, value] of expected.entries()) expect(head[i]).toBeCloseTo(value, 14);
  });

  it('multiplies by the amplitude', () => {
    const head = Float64Array.of(1, 0, 0, 2);
    rotateHead(head, 0, 3, PAIRS, 1.5);
    const expected = [Math.cos(1.5), -2 * Math.sin(0.3), Math.sin(1.5), 2 * Math.cos(0.3)];
    for (const [i, value] of expected.entries()) expect(head[i]).toBeCloseTo(1.5 * value, 14);
  });

  it('makes a score depend on the distance of two positions only', () => {
    const pairs = rotaryPairs(12, halves(12, 10_000), POSITIONS);
    const vector = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), {
      minLength: 12,
      maxLength: 12,
    });
    const position = fc.nat(2000);
    const turned = (values: number[], at: number) => {
      const head = Float64Array.from(values);
      rotateHead(head, 0, at, pairs);
      return head;
    };
    const score = (q: number[], qAt: number, k: number[], kAt: number) => {
      const b = turned(k, kAt);
      return turned(q, qAt).reduce((sum, x, i) => sum + x * b[i], 0);
    };
    fc.assert(
      fc.property(vector, vector, position, position, position, (q, k, qAt, kAt, shift) => {
        const here = score(q, qAt, k, kAt);
        expect(score(q, qAt + shift, k, kAt + shift)).toBeCloseTo(here, 9);
      }),
      { seed: 12, numRuns: 300 },
    );
    expect(score([1, ...Array(11).fill(0)], 1, [1, ...Array(11).fill(0)], 0)).toBeCloseTo(
      Math.cos(1),
      12,
    );
  });
});
