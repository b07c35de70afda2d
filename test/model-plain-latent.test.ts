/** Multi-head latent attention by hand. */
import { describe, it } from 'vitest';
import type { LatentSpec } from '../src/model/attention-spec.js';
import type { LatentWeights } from '../src/model/model-weights.js';
import { latentAttention } from '../src/model/plain/latent.js';
import { diagonal, expectClose, matrix, sigmoid, vector } from './helpers/by-hand.js';

const spec: LatentSpec = {
  kind: 'latent',
  heads: 2,
  kvRank: 2,
  nope: 1,
  rope: { dim: 2, width: 2, theta: 100, pairs: 'neighbours' },
  value: 1,
  bias: false,
  scale: 0.5,
};

/** Of an input [a, b, c, d]: latent vector [a, b], rotary key [c, d]. */
const weights: LatentWeights = {
  kind: 'latent',
  // Head 0: a, then c, d; head 1: b, then d, c.
  qUp: matrix(...[1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], ...[0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0]),
  kvDown: diagonal(4),
  kvNorm: vector(1, 2),
  // Head by head a key, then a value: of the normed latent vector [x, y] x, 10 y; -y, 100 x.
  kvUp: matrix(1, 0, 0, 10, 0, -1, 100, 0),
  o: matrix(1, 0, 0, 1, 1, 1, 0, 0),
};

/** What the second of two tokens gets: the attended values of both heads, their sum, and 0. */
function attend(
  changes: Partial<LatentSpec>,
  own: Partial<LatentWeights>,
  tokens = [
    [3, 4, 1, 2],
    [1, 0, 0.5, -1],
  ],
) {
  const rule = { normEpsilon: 3, normPlusOne: false };
  const attention = latentAttention({ ...spec, ...changes }, { ...weights, ...own }, rule, 16);
  const outputs = tokens.map((token, p) => attention(vector(...token), p));
  return outputs[outputs.length - 1];
}

/** The epsilon of its norms is 1e-6 whatever the model's is. */
const norm = (a: number, b: number) => Math.sqrt((a * a + b * b) / 2 + 1e-6);
const [c, s] = [Math.cos(1), Math.sin(1)];
/** Normed latent vectors of both tokens. */
const [first, second] = [
  [3 / norm(3, 4), (2 * 4) / norm(3, 4)],
  [1 / norm(1, 0), 0],
];
/** The second token's rotary key, and rotary queries of both heads. */
const turned = ([x, y]: number[]) => [x * c - y * s, x * s + y * c];
const [key, query0, query1] = [turned([0.5, -1]), turned([0.5, -1]), turned([-1, 0.5])];
const dot = (a: number[], b: number[]) => a[0] * b[0] + a[1] * b[1];

describe('latent attention', () => {
  const scores = [
    // The part without position is 1 in the first head's query, and 0 in the other's.
    [first[0] + dot(query0, [1, 2]), second[0] + dot(query0, key)],
    [dot(query1, [1, 2]), dot(query1, key)],
  ];
  const share = ([before, now]: number[], scale = 0.5) => sigmoid(scale * (now - before));
  const expected = (scale = 0.5) => {
    const [w, v] = scores.map((pair) => share(pair, scale));
    const head0 = 10 * (first[1] * (1 - w) + second[1] * w);
    const head1 = 100 * (first[0] * (1 - v) + second[0] * v);
    return [head0, head1, head0 + head1, 0];
  };

  it('projects keys and values of each head from the normed latent vector, and shares a rotary key', () => {
    expectClose(attend({}, {}), expected(), 10);
    expectClose(attend({ scale: 0.3 }, {}), expected(0.3), 10);
  });

  it('compares the first part of a query with the key of its own head', () => {
    const tokens = [
      [3, 4, 0, 0],
      [1, 2, 0, 0],
    ];
    const size = norm(1, 2);
    const [x, y] = [1 / size, 4 / size];
    const w = sigmoid(0.5 * 1 * (x - first[0]));
    const v = sigmoid(0.5 * 2 * (-y + first[1]));
    const head0 = 10 * (first[1] * (1 - w) + y * w);
    const head1 = 100 * (first[0] * (1 - v) + x * v);
    expectClose(attend({}, {}, tokens), [head0, head1, head0 + head1, 0], 10);
  });

  it('may turn halves, and multiplies what it turns by the amplitude', () => {
    // With four elements the pairs differ: (0, 2) and (1, 3), or (0, 1) and (2, 3).
    const one = { heads: 1, kvRank: 1, scale: 1 };
    const scaling = { short: [1, 1], long: [1, 1], originalMaxPosition: 64, amplitude: 2 };
    const rope = { dim: 4, width: 4, theta: 100, pairs: 'halves', scaling } as const;
    const own = {
      // Queries are nothing, then the four last of the input.
      qUp: matrix(...Array(5).fill(0), ...diagonalRows()),
      kvDown: diagonal(5),
      kvNorm: vector(1),
      kvUp: matrix(0, 7),
      o: matrix(1, 0, 0, 0, 0),
    };
    const tokens = [
      [1, 1, 0, 0, 0],
      [-1, 0.1, 0, 0.2, 0],
    ];
    // The second query is [0.1, 0, 0.2, 0]; its first pair turns by 1. Values are 7 and -7.
    const size = Math.sqrt(1 + 1e-6);
    const before = 4 * (0.1 * c - 0.2 * s);
    const now = 4 * (0.01 + 0.04);
    const w = sigmoid(now - before);
    const found = attend({ ...one, rope }, own, tokens);
    expectClose(found, [(7 * (1 - 2 * w)) / size, 0, 0, 0, 0], 10);
  });

  it('projects queries from a normed latent vector of their own', () => {
    // Twice the input, normed with weights: the same queries where weights undo it.
    const size = Math.sqrt((2 ** 2 + 0 + 1 + 2 ** 2) / 4 + 1e-6);
    const qNorm = vector(...Array(4).fill(size / 2));
    expectClose(attend({ qRank: 4 }, { qDown: diagonal(4, 2), qNorm }), expected(), 10);
  });

  it('adds biases to both projections of the input and to the output', () => {
    const own = {
      ...{ qDown: diagonal(4, 0), qNorm: vector(...Array(4).fill(1)) },
      ...{ qDownBias: vector(1, 0, 0.5, -1), kvDownBias: vector(0, 0, 1, 1) },
      oBias: vector(1000, 2000, 3000, 4000),
    };
    const size = Math.sqrt((1 + 0.25 + 1) / 4 + 1e-6);
    const found = attend(
      { qRank: 4, bias: true },
      { ...own, qNorm: vector(size, size, size, size) },
      [
        [3, 4, 0, 1],
        [1, 0, -0.5, -2],
      ],
    );
    const added = [1000, 2000, 3000, 4000];
    expectClose(
      found,
      expected().map((value, i) => value + added[i]),
      9,
    );
  });
});

/** [4][5]: the last four of five inputs. */
function diagonalRows(): number[] {
  return Array.from({ length: 20 }, (_, i) => (i % 5 === Math.floor(i / 5) + 1 ? 1 : 0));
}
