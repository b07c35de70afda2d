/** The closed estimate that ranks sizes, by hand for one model on regions of 8 rows. */
import { describe, expect, it } from 'vitest';
import type { ModelSpec } from '../src/model/model.js';
import { kept, tiny, wse3, tokenCycles } from './placement-helpers.js';
import { resized } from './helpers/small-model.js';

const sizes = { rows: 8, columns: { embedding: 2, head: 4, 'layer 0': 4 } };
const estimate = (model: ModelSpec = tiny, changes: Parameters<typeof wse3>[0] = {}) =>
  tokenCycles(model, wse3(changes), kept(40), sizes);

// A core of a layer: 4 dims, 2 query heads and 1 KV head of 2 pairs, 5 positions, 16 inner units.
/** 8 set-up, 15 call, per input a row of 4.84 and a quarter of the outputs. */
const product = (inputs: number, outputs: number) => 23 + inputs * (outputs / 4 + 4.84);
/** The same per output, with half of the inputs: cheaper for o and down, which have few outputs. */
const byOutputs = (inputs: number, outputs: number) => 23 + outputs * (inputs / 2 + 4.84);
/** sqrt(n) stages of two ramps, a hop and the latency, n hops, 4 times wavelets and set-up. */
const sum16 = (n: number, elements: number) => Math.sqrt(n) * 20 + n + 4 * (elements / 2) + 32;
const sum32 = (n: number, elements: number) => Math.sqrt(n) * 6 + n + 4 * elements + 84;

const LAYER =
  product(4, 8 + 2 * 4) + // queries, keys and values
  2 * 2 * product(4, 5) + // scores and values of 2 heads
  byOutputs(8, 4) +
  product(4, 2 * 16) +
  byOutputs(16, 4) +
  10 * (8 + 1 + 10 / 4) + // exp of 2 x 5 scores
  13 * (8 + 1 + 16 / 4) + // SiLU of 16
  2 * sum32(8, 1) + // norms
  sum16(8, 16) +
  sum16(2, 10) + // scores over the 2 columns of a head
  2 * sum32(8, 2) + // maximum and sum
  sum16(8, 8) +
  sum16(4, 4) +
  sum16(8, 32) +
  sum16(4, 4) +
  (2 * 2 + 4 + 2 + 2 * 8); // the hand-off

const HEAD = sum32(8, 1) + product(4, 24) + sum16(8, 24) + 24 / 4 + 2 * sum32(4, 1);
const EMBEDDING = 2 * 2 + 2 + 2 + 2 * 8;

describe('the estimate of a token', () => {
  it('is that of the embedding, each layer and the head', () => {
    expect(estimate()).toBeCloseTo(EMBEDDING + 2 * LAYER + HEAD, 9);
    expect(estimate()).toBeCloseTo(4315.403, 3);
    expect(estimate(resized(tiny, { layers: 5 }))).toBeCloseTo(EMBEDDING + 5 * LAYER + HEAD, 9);
  });

  it('adds the norms of queries and keys, and the widening of 8-bit weights', () => {
    // Sums of squares have 32 bits: one for each of 2 query heads and of a key head.
    const norms = sum32(2, 3);
    expect(estimate(resized(tiny, { qkNorm: true })) - estimate()).toBeCloseTo(2 * norms, 9);
    const widened = (4 * 16 + 8 * 4 + 4 * 32 + 16 * 4) / 4;
    const narrow = estimate({ ...tiny, weightBits: 8 }) - estimate();
    expect(narrow).toBeCloseTo(2 * widened + (4 * 24) / 4, 9);
  });

  it('adds the caps of scores and logits, the norms of all heads and those after blocks', () => {
    const changed = (attention: object, rest: object = {}) => {
      const [layer] = tiny.kinds;
      const kind = { ...layer, attention: { ...layer.attention, ...attention }, ...rest };
      return estimate({ ...tiny, kinds: [kind] }) - estimate();
    };
    // tanh of 2 x 5 scores, and of 24 logits.
    expect(changed({ scoreCap: 2 })).toBeCloseTo(2 * 14 * (8 + 1 + 10 / 4), 9);
    expect(estimate({ ...tiny, logitCap: 2 }) - estimate()).toBeCloseTo(14 * (8 + 1 + 24 / 4), 9);
    // GELU takes 16 operations where SiLU takes 13.
    const mlp = { ...tiny.kinds[0].mlp, act: { fn: 'gelu-tanh' } };
    expect(changed({}, { mlp })).toBeCloseTo(2 * 3 * (8 + 1 + 16 / 4), 9);
    expect(changed({ qkNorm: 'whole' })).toBeCloseTo(2 * sum32(4, 2), 9);
    expect(changed({}, { norms: 'sandwich' })).toBeCloseTo(2 * 2 * sum32(8, 1), 9);
    expect(changed({}, { norms: 'post' })).toBeCloseTo(0, 9);
    // Of 40 positions a window keeps 16, two in each of 8 rows.
    const kept = (rows: number) => 2 * 2 * product(4, rows) + 10 * (9 + (2 * rows) / 4);
    const scores = (rows: number) => kept(rows) + sum16(2, 2 * rows);
    expect(changed({ span: { kind: 'window', size: 16 } })).toBeCloseTo(
      2 * (scores(2) - scores(5)),
      9,
    );
  });

  it('takes the last elements of a row for a whole group', () => {
    const wafer = wse3();
    const { costs } = wafer;
    const matvec = { ...costs.matvec, granularity: { f16: 8 } };
    const grouped = tokenCycles(tiny, { ...wafer, costs: { ...costs, matvec } }, kept(40), sizes);
    // Rows of 5 scores are issued as 8, four to a cycle; those of 8, 16, 24 and 32 are whole groups.
    const added = 2 * 2 * 4 * (3 / 4);
    expect(grouped - estimate()).toBeCloseTo(2 * added, 9);
  });

  it('of a tied table takes it for embedding and head', () => {
    const tied = tokenCycles({ ...tiny, tied: true }, wse3(), kept(40), {
      rows: 8,
      columns: { 'embedding+head': 4, 'layer 0': 4 },
    });
    expect(tied).toBeCloseTo(EMBEDDING + 2 + 2 * LAYER + HEAD, 9);
  });
});
