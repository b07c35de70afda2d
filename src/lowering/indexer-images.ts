/** Slices of an indexer's matrices, the norm of its key, its keys of earlier tokens, and what tells how positions are chosen. */
import { allDigits, FLOAT, type SelectionShape } from '../mapping/selection.js';
import { ROUND } from '../numeric/types.js';
import { rotaryPairs } from '../model/rope.js';
import { acrossColumns, latentsAt, outputsOf, part, setWindow } from './latent-order.js';
import { turningOf, windowOf } from './latent-order.js';
import type { Filled, Source } from './latent-order.js';
import { consecutive, dimsOf, fillSlice } from './stored.js';

export function fillIndexer(core: Filled, source: Source, hasHeads: boolean): void {
  const { image, at, model, shape: s, matrices, row, column } = core;
  const { spec, weights, positions } = source;
  const { heads: count, dim, pairs } = spec.indexer!;
  const { rope } = spec;
  const { heads, elements, rowQueries } = s.indexer!;
  const own = weights.indexer!;
  const turning = turningOf(s, rotaryPairs(rope.dim, { ...rope, pairs }, positions));
  const inGroup = column % s.groupWidth;
  const elementsAt = (place: number) => {
    const still = consecutive(place * (elements - s.turning), elements - s.turning, dim - rope.dim);
    const others = still.map((e) => (e < 0 ? -1 : rope.dim + e));
    return [...part(turning, place * s.turning, s.turning), ...others];
  };
  const headsOf = (group: number) => consecutive(group * heads, heads, count);
  // Queries of the columns of a line, one after the other.
  const [columns, place, first] =
    s.form === 'expanded'
      ? [s.attentionColumns, column, 0]
      : [s.groupWidth, inGroup, Math.floor(column / s.groupWidth)];
  const queriesAt = (at: number): number[] =>
    headsOf(first + Math.floor(at / s.groupWidth)).flatMap((head) =>
      elementsAt(at % s.groupWidth).map((e) => (head < 0 || e < 0 ? -1 : head * dim + e)),
    );
  const each = heads * elements;
  const outputs = acrossColumns(queriesAt, columns, row * rowQueries, rowQueries);
  const { queries, keys } = matrices.latent!.indexer!;
  fillSlice(core, queries, {
    ...{ width: spec.qRank!, inputs: latentsAt(spec, core).queries },
    outputs: outputsOf(own.q, outputs),
  });
  if (!hasHeads) return;
  const has = { first: row * rowQueries, length: rowQueries };
  setWindow(core, 'indexer', windowOf({ first: place * each, length: each }, has));
  const key = elementsAt(inGroup);
  // Weights on one column of each group, as all of its columns have the group's scores.
  const weighed = headsOf(Math.floor(column / s.groupWidth)).map((h) => (inGroup === 0 ? h : -1));
  fillSlice(core, keys, {
    ...{ width: model.dim, inputs: dimsOf(model, s, row) },
    outputs: [...outputsOf(own.k, key), ...outputsOf(own.headWeights, weighed)],
  });
  const round = ROUND[model.dtype];
  key.forEach((element, i) => {
    if (element < 0) return;
    image[at.indexNorm + i] = round(own.kNorm[element]);
    image[at.indexNormBias + i] = round(own.kNormBias[element]);
    source.cache.indexKeys?.forEach((of, p) => {
      if (p % s.rows !== row) return;
      image[at.indexKeys + i * s.slots + Math.floor(p / s.rows)] = round(of[element]);
    });
  });
}

/** How far the row's positions are from the end of the run, and what the column compares with for each digit. */
export function fillSelection(core: Filled, of: SelectionShape): void {
  const { image, at, model, shape: s, row, column } = core;
  for (let i = 0; i < s.positions; i++)
    image[at.choicePlaces + i] = Math.max(0, of.room - (i * s.rows + row));
  const { least, exponent } = FLOAT[model.dtype];
  let [numbers, powers, bitsLeft] = [at.numbers, at.powers, exponent as number];
  for (const [i, { bits, first, share, parts }] of allDigits(of).entries()) {
    const part = Math.min(column, parts);
    image[at.parts + i] = part;
    const own = Array.from({ length: share }, (_, k) => first + part * share + k);
    const isPower = i < of.exponent.length;
    bitsLeft -= bits;
    // The first digit of exponents leads to powers of two, others to what the number so far is multiplied by.
    const power = (digit: number) => 2 ** ((i === 0 ? least - 1 : 0) + digit * 2 ** bitsLeft);
    for (const digit of own) image[numbers++] = isPower ? power(digit) : digit;
    if (isPower) for (let digit = 0; digit < 2 ** bits; digit++) image[powers++] = power(digit);
  }
}
