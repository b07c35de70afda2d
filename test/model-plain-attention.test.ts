/** The rules of grouped queries, each by itself and by hand. */
import { describe, expect, it } from 'vitest';
import type { GqaSpec, Rope } from '../src/model/attention-spec.js';
import type { GqaWeights } from '../src/model/model-weights.js';
import { gqaAttention, type KvCache } from '../src/model/plain/attention.js';
import { diagonal, expectClose, matrix, oneHead, sigmoid, vector } from './helpers/by-hand.js';

const PLAIN = { normEpsilon: 0, normPlusOne: false };

/** Attention with matrices 1 but for `weights`; what each of the inputs gives, and the cache. */
function attend(
  changes: Partial<GqaSpec>,
  weights: Partial<GqaWeights>,
  inputs: number[][],
  { rule = PLAIN, positions = 16 } = {},
) {
  const spec = { ...oneHead, ...changes };
  const dim = inputs[0].length;
  const one = () => diagonal(dim);
  const cache: KvCache = { keys: [], values: [] };
  const all: GqaWeights = { kind: 'gqa', q: one(), k: one(), v: one(), o: one(), ...weights };
  const attention = gqaAttention(spec, all, rule, cache, positions);
  const outputs = inputs.map((input, p) => attention(vector(...input), p));
  return { outputs, last: outputs[outputs.length - 1], ...cache };
}

/** Of two positions with these scores, the share of the second. */
const share = (first: number, second: number) => sigmoid(second - first);

const rope = (changes: Partial<Rope> = {}): Rope => {
  return { dim: 2, width: 2, theta: 100, pairs: 'halves', ...changes };
};

describe('scores', () => {
  // The second query is [0, 2]; the keys give scores of 0 and 6.
  const tokens = [
    [3, 0],
    [0, 2],
  ];
  const key = diagonal(2, 1.5);
  const expected = (w: number) => [3 * (1 - w), 2 * w];

  it('are products times the scale', () => {
    expectClose(attend({}, { k: key }, tokens).last, expected(share(0, 6)));
    expectClose(attend({ scale: 0.25 }, { k: key }, tokens).last, expected(share(0, 1.5)));
  });

  it('are bent below a cap after they are scaled', () => {
    const found = attend({ scale: 0.25, scoreCap: 2 }, { k: key }, tokens);
    expectClose(found.last, expected(share(0, 2 * Math.tanh(0.75))));
  });

  it('rise with the temperature of the position', () => {
    const temperature = { floor: 2, scale: 0.1 };
    const inputs = [[3, 0], ...Array(3).fill([0, 1])];
    const { outputs } = attend({ temperature, scale: 0.5 }, {}, inputs);
    // 1 + floor((p + 1) / 2) is 2 at positions 1 and 2, and 3 at position 3; keys after the first give 0.5.
    for (const [p, times] of [2, 2, 3].entries()) {
      const score = Math.exp(0.5 * (1 + 0.1 * Math.log(times)));
      expectClose(outputs[p + 1], [
        3 / (1 + (p + 1) * score),
        ((p + 1) * score) / (1 + (p + 1) * score),
      ]);
    }
  });

  it('do not rise before the first floor of the temperature', () => {
    const inputs = Array(3).fill([1, 0]) as number[][];
    inputs[0] = [2, 0];
    const { outputs } = attend({ temperature: { floor: 4, scale: 5 } }, {}, inputs);
    const w = 2 / (2 + Math.exp(1));
    expectClose(outputs[2], [2 * (1 - w) + w, 0]);
  });
});

describe('biases', () => {
  const tokens = [
    [1, 0],
    [0, 1],
  ];
  const own = {
    qBias: vector(0, 1),
    kBias: vector(2, 0),
    vBias: vector(5, 6),
    oBias: vector(70, 80),
  };
  // Queries are [0, 2] at the second position, keys [3, 0] and [2, 1], values [6, 6] and [5, 7].
  const w = share(0, 2);
  const [x, y] = [6 - w, 6 + w];

  it('are added to queries, keys and values', () => {
    const { last, keys, values } = attend({ bias: true }, own, tokens);
    expectClose(last, [x, y]);
    expect(keys.map((key) => [...key])).toEqual([
      [3, 0],
      [2, 1],
    ]);
    expect(values.map((value) => [...value])).toEqual([
      [6, 6],
      [5, 7],
    ]);
  });

  it('are added to the output apart from the others', () => {
    expectClose(attend({ bias: true, outBias: true }, own, tokens).last, [x + 70, y + 80]);
    const v = share(0, 1);
    expectClose(attend({ outBias: true }, own, tokens).last, [1 - v + 70, v + 80]);
  });

  it('are turned with the keys', () => {
    const { keys } = attend({ bias: true, rope: rope() }, own, tokens);
    const [c, s] = [Math.cos(1), Math.sin(1)];
    expectClose(keys[1], [2 * c - s, c + 2 * s]);
  });
});

describe('sinks', () => {
  it('take a share that nothing gets, each head its own', () => {
    const spec = { heads: 2, kvHeads: 1, sinks: true };
    const weights = { q: diagonal(2), k: matrix(1, 0), v: matrix(0, 1), o: diagonal(2) };
    const sinks = vector(0.5, -1);
    const found = attend({ ...spec, headDim: 1 }, { ...weights, sinks }, [[2, 3]]);
    // Scores 2 * 2 and 3 * 2 of the one position, whose value is 3.
    expectClose(found.last, [3 * sigmoid(4 - 0.5), 3 * sigmoid(6 + 1)]);
  });

  it('are not scaled and not capped', () => {
    const sinks = vector(9);
    const found = attend({ sinks: true, scale: 0.5, scoreCap: 2 }, { sinks }, [[2, 0]]);
    expectClose(found.last, [2 * sigmoid(2 * Math.tanh(1) - 9), 0]);
  });

  it('far above the scores leave shares that are small and not 0', () => {
    const sinks = vector(720);
    const found = attend({ sinks: true }, { sinks, v: diagonal(2, 1e300), q: diagonal(2, 0) }, [
      [1, 0],
    ]);
    expect(found.last[0] / (1e300 * Math.exp(-720))).toBeCloseTo(1, 9);
  });
});

describe('spans', () => {
  // Queries of 0 attend evenly to what they see.
  const inputs = Array.from({ length: 8 }, (_, p) => [p + 1, (p + 1) ** 2]);
  const even = (span: GqaSpec['span']) => attend({ span }, { q: diagonal(2, 0) }, inputs).outputs;
  const mean = (from: number, to: number) => {
    const seen = inputs.slice(from, to + 1);
    return [0, 1].map((i) => seen.reduce((sum, value) => sum + value[i], 0) / seen.length);
  };

  it('are all positions up to its own', () => {
    even({ kind: 'full' }).forEach((output, p) => expectClose(output, mean(0, p)));
  });

  it('in windows are the last positions, its own among them', () => {
    const windows = even({ kind: 'window', size: 3 });
    windows.forEach((output, p) => expectClose(output, mean(Math.max(0, p - 2), p)));
    even({ kind: 'window', size: 1 }).forEach((output, p) => expectClose(output, inputs[p]));
  });

  it('in chunks are those since the last multiple of the size', () => {
    const first = [0, 0, 0, 3, 3, 3, 6, 6];
    const chunks = even({ kind: 'chunk', size: 3 });
    chunks.forEach((output, p) => expectClose(output, mean(first[p], p)));
  });
});

describe('norms of queries and keys', () => {
  const double = { heads: 2, kvHeads: 2 };
  const weights = { qNorm: vector(1, 1), kNorm: vector(2, 3) };

  it('of each head have the same weights for all heads', () => {
    const { keys } = attend({ ...double, qkNorm: 'head' }, weights, [[3, 4, 5, 12]]);
    const [a, b] = [Math.sqrt(12.5), Math.sqrt(84.5)];
    expectClose(keys[0], [6 / a, 12 / a, 10 / b, 36 / b]);
  });

  it('of all heads as one vector have weights for each element', () => {
    const whole = { qNorm: vector(1, 1, 1, 1), kNorm: vector(2, 3, 4, 5) };
    const { keys } = attend({ ...double, qkNorm: 'whole' }, whole, [[3, 4, 5, 12]]);
    const size = Math.sqrt(194 / 4);
    expectClose(keys[0], [6 / size, 12 / size, 20 / size, 60 / size]);
  });

  it('multiply by 1 + weight where the model does, with its epsilon', () => {
    const rule = { normEpsilon: 3.5, normPlusOne: true };
    const { keys } = attend({ qkNorm: 'head' }, weights, [[3, 4]], { rule });
    expectClose(keys[0], [(3 * 3) / 4, (4 * 4) / 4]);
  });

  it('of queries have weights of their own', () => {
    const own = { qNorm: vector(0.5, 3), kNorm: vector(1, 1) };
    const tokens = [
      [1, 0],
      [1, 1],
    ];
    // The second query is [0.5, 3]; keys [sqrt 2, 0] and [1, 1].
    const w = share(0.5 * Math.SQRT2, 3.5);
    expectClose(attend({ qkNorm: 'head' }, own, tokens).last, [1, w]);
  });

  it('after RoPE have no weights and undo its amplitude', () => {
    const scaling = {
      ...{ factor: 1, betaFast: 32, betaSlow: 1, truncate: true },
      ...{ originalMaxPosition: 1e6, amplitude: 3 },
    };
    const spec = { qkNorm: 'head-after-rope', rope: rope({ scaling }) } as const;
    const tokens = [
      [1, 0],
      [6, 8],
    ];
    const { keys, last } = attend(spec, {}, tokens, {
      rule: { normEpsilon: 0, normPlusOne: true },
    });
    const [c, s] = [Math.cos(1), Math.sin(1)];
    const size = Math.sqrt(50);
    expectClose(keys[1], [(6 * c - 8 * s) / size, (6 * s + 8 * c) / size]);
    // The first key is [sqrt 2, 0]; the query equals the second key.
    const w = share((Math.SQRT2 * (6 * c - 8 * s)) / size, 2);
    expectClose(last, [1 - w + 6 * w, 8 * w]);
  });

  it('before RoPE leave its amplitude', () => {
    const scaling = { short: [1], long: [4], originalMaxPosition: 8, amplitude: 3 };
    const spec = { qkNorm: 'head', rope: rope({ scaling }) } as const;
    const own = { qNorm: vector(1, 1), kNorm: vector(1, 1) };
    const tokens = [
      [1, 1],
      [1, 1],
    ];
    const turned = (angle: number) => {
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      return [3 * (c - s), 3 * (c + s)];
    };
    expectClose(attend(spec, own, tokens, { positions: 8 }).keys[1], turned(1));
    expectClose(attend(spec, own, tokens, { positions: 9 }).keys[1], turned(0.25));
  });
});

describe('positions', () => {
  const tokens = [Array(4).fill(0), [1, 2, 3, 4]] as number[][];
  const keyOf = (changes: Partial<Rope>) =>
    attend({ headDim: 4, rope: rope({ dim: 4, width: 4, ...changes }) }, {}, tokens).keys[1];
  const [c, s] = [Math.cos(1), Math.sin(1)];
  const [d, t] = [Math.cos(0.1), Math.sin(0.1)];

  it('turn pairs of halves, or of neighbours', () => {
    expectClose(keyOf({}), [c - 3 * s, 2 * d - 4 * t, 3 * c + s, 4 * d + 2 * t]);
    const neighbours = [c - 2 * s, 2 * c + s, 3 * d - 4 * t, 4 * d + 3 * t];
    expectClose(keyOf({ pairs: 'neighbours' }), neighbours);
  });

  it('turn the first part of a head', () => {
    expectClose(keyOf({ dim: 2, width: 2 }), [c - 2 * s, 2 * c + s, 3, 4]);
  });

  it('turn the first pairs of the whole head, and leave the others', () => {
    expectClose(keyOf({ dim: 2 }), [c - 3 * s, 2, 3 * c + s, 4]);
  });

  it('are not told apart without RoPE', () => {
    const { keys } = attend({ headDim: 4 }, {}, tokens);
    expect([...keys[1]]).toEqual([1, 2, 3, 4]);
  });
});

describe('values', () => {
  it('are normed head by head without weights', () => {
    const spec = { heads: 2, kvHeads: 2, vNorm: true };
    const { last } = attend(spec, {}, [[3, 4, 5, 12]], {
      rule: { normEpsilon: 0, normPlusOne: true },
    });
    const [a, b] = [Math.sqrt(12.5), Math.sqrt(84.5)];
    expectClose(last, [3 / a, 4 / a, 5 / b, 12 / b]);
  });

  it('that are keys are those before norm and RoPE, with their bias', () => {
    const spec = { valueIsKey: true, bias: true, qkNorm: 'head', rope: rope() } as const;
    const weights = {
      ...{ k: diagonal(2, 2), v: diagonal(2, 99), qBias: vector(0, 0), kBias: vector(1, 0) },
      ...{ qNorm: vector(0, 0), kNorm: vector(7, 7) },
    };
    const tokens = [
      [1, 2],
      [3, 4],
    ];
    const { values, last } = attend(spec, weights, tokens);
    expectClose(values[1], [7, 8]);
    expectClose(last, [5, 6]);
    expectClose(attend({ ...spec, vNorm: true }, weights, tokens).values[0], [
      3 / Math.sqrt(12.5),
      4 / Math.sqrt(12.5),
    ]);
  });
});

describe('the gate', () => {
  it('is a sigmoid of the input, before the output projection', () => {
    const weights = { gate: matrix(1, 1, 0, -1), o: matrix(0, 1, 10, 0) };
    const { last } = attend({ gate: true }, weights, [[2, 3]]);
    expectClose(last, [3 * sigmoid(-3), 20 * sigmoid(5)]);
  });
});
