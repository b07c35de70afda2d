import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { importHfConfig } from '../src/model/hf-config.js';
import { ropeFrequencies, rotateHead } from '../src/model/rope.js';

const PAIR = { headDim: 2, ropeTheta: 10000 };
/** The first pair turns once a radian; it makes `turns` turns within the original context. */
const stretched = (turns: number) =>
  ropeFrequencies({
    ...PAIR,
    ropeScaling: {
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPosition: turns * 2 * Math.PI,
    },
  })[0];

describe('rotary frequencies', () => {
  it('fall from 1 by equal factors towards 1/theta', () => {
    const f = ropeFrequencies({ headDim: 8, ropeTheta: 10000 });
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
    const scaled = ropeFrequencies(model);
    const ratios = Array.from(scaled, (f, i) => (500000 ** (-i / 64) / f).toFixed(6));
    // 8192 tokens hold 4 turns or more of pairs with theta^(-i/64) * 8192 / (2 pi) > 4, that is
    // i < 64 ln(8192 / (8 pi)) / ln(500000) = 28.2; fewer than one from i > 34.98 on.
    expect(ratios.lastIndexOf('1.000000')).toBe(28);
    expect(ratios.indexOf('8.000000')).toBe(35);
    expect(scaled).toHaveLength(64);
  });
});

describe('rotation', () => {
  it('turns the pair (i, i + half) by its angle', () => {
    const head = Float64Array.of(9, 9, 1, 0, 0, 2);
    rotateHead(head, 2, 3, Float64Array.of(0.5, 0.1));
    const expected = [9, 9, Math.cos(1.5), -2 * Math.sin(0.3), Math.sin(1.5), 2 * Math.cos(0.3)];
    for (const [i, value] of expected.entries()) expect(head[i]).toBeCloseTo(value, 14);
  });

  it('makes a score depend on the distance of two positions only', () => {
    const frequencies = ropeFrequencies({ headDim: 12, ropeTheta: 10000 });
    const vector = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), {
      minLength: 12,
      maxLength: 12,
    });
    const position = fc.nat(2000);
    const turned = (values: number[], at: number) => {
      const head = Float64Array.from(values);
      rotateHead(head, 0, at, frequencies);
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
