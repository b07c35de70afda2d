/**
 * The choice of the positions with the largest scores of an indexer (mapping/selection.ts): digit by digit the largest
 * number that no fewer scores than are wanted come up to, which is the least of their scores. If it is below 0, all
 * signs are turned, and it is sought from the other end. Of the positions that have just this score those are taken
 * that lie farthest from the end of the run, and how far they lie is found in the same way.
 *
 * All of it is done in 32 bits, in which numbers of fewer bits and counts are exact. What the numbers are decides
 * which memory is read, never how long it takes.
 */
import { allReduce } from '../kernels/collectives.js';
import { FLOAT } from '../mapping/selection.js';
import type { Digit, SelectionShape } from '../mapping/selection.js';
import { LEAST } from '../numeric/types.js';
import { cell, chosen, fill, put, rank, vector, type CoreCode } from '../program/builder.js';
import { layerLabel, type LatentCore } from './layer-core.js';

/** What a core can do before its token arrives; a choice that comes with the token is not there yet. */
export function startSelection(core: CoreCode, layer: LatentCore): void {
  const { model, shape, leftOut = 0, attention } = layer;
  const { selection } = shape;
  if (!selection?.chooses) return;
  const { at } = core;
  const { dtype } = model;
  const most = -LEAST[dtype];
  // As long as all positions are chosen; else what a row has not, as rows hand on equally many.
  fill(core, dtype, at.chosen, shape.positions, leftOut > 0 ? LEAST[dtype] : most);
  if (leftOut === 0) return;
  const { topK } = attention.indexer!;
  fill(core, 'f32', at.wanted, 1, topK);
  fill(core, 'f32', at.wanted + 1, 1, 1);
  // From the other end, the first of those that are left out is the last that is wanted.
  fill(core, 'f32', at.wantedBelow, 1, leftOut + 1);
  fill(core, 'f32', at.wantedBelow + 1, 1, -1);
  fill(core, 'f32', at.thresholds, 1, 0);
}

/** From the scores of the row's positions to the largest score that attention may find for each. */
export function choosePositions(core: CoreCode, layer: LatentCore): void {
  const { model, shape, positions, leftOut = 0, attention } = layer;
  const { selection } = shape;
  if (!selection?.chooses || leftOut === 0) return;
  const { at } = core;
  const { topK } = attention.indexer!;
  core.label = layerLabel('selection');
  const scores = cell(at.choiceScores);
  const [ties, places] = [cell(at.choiceTies), cell(at.choicePlaces)];
  const [sign, threshold] = [cell(at.wanted + 1, 0), cell(at.threshold, 0)];
  vector(core, 'move', 'f32', positions, scores, cell(at.indexTotals));
  const digits = digitsIn(core, selection);
  countOwn(core, layer, at.choiceScores, 1);
  const turned = { from: at.wantedBelow, length: 2, to: at.wanted, stride: 0 };
  put(core, 'f32', { test: at.ownCounts, below: topK, ...turned });
  vector(core, 'mul', 'f32', positions, scores, scores, sign);
  findScore(core, layer, digits);
  // -1, 0 or 1, as a score is less than, equal to or more than the least that is chosen; of all signs as they are now.
  vector(core, 'sub', 'f32', positions, scores, scores, threshold);
  for (const constant of ENLARGE[model.dtype])
    vector(core, 'mul', 'f32', positions, scores, scores, { constant });
  vector(core, 'min', 'f32', positions, scores, scores, { constant: 1 });
  vector(core, 'max', 'f32', positions, scores, scores, { constant: -1 });
  // Of equal ones how far from the end they are, of others 0.
  vector(core, 'mul', 'f32', positions, ties, scores, scores);
  vector(core, 'mul', 'f32', positions, ties, ties, places);
  vector(core, 'sub', 'f32', positions, ties, places, ties);
  vector(core, 'mul', 'f32', positions, scores, scores, sign);
  findPlace(core, layer, digits);
  vector(core, 'sub', 'f32', positions, ties, ties, threshold);
  vector(core, 'add', 'f32', positions, ties, ties, { constant: 1 });
  vector(core, 'min', 'f32', positions, ties, ties, { constant: 1 });
  vector(core, 'max', 'f32', positions, ties, ties, scores);
  vector(core, 'max', 'f32', positions, ties, ties, { constant: 0 });
  const result = cell(at.chosen);
  vector(core, 'fma', model.dtype, positions, result, ties, { constant: 2 }, { constant: -1 });
  const most = { constant: -LEAST[model.dtype] };
  vector(core, 'mul', model.dtype, positions, result, result, most);
}

/** Scores of positions that are not chosen become so small that they have no share. */
export function maskScores(core: CoreCode, layer: LatentCore): void {
  const { model, shape, positions, leftOut = 0 } = layer;
  if (leftOut === 0) return;
  const { at } = core;
  core.label = layerLabel('selection');
  for (let head = 0; head < shape.queryHeads; head++) {
    const scores = cell(at.scores + head, shape.queryHeads);
    vector(core, 'min', model.dtype, positions, scores, scores, cell(at.chosen));
  }
}

/** What makes the least difference of two numbers of a type 1 or more. */
const ENLARGE = { f16: [2 ** 24], f32: [2 ** 127, 2 ** 127] } as const;

/** A digit, and where its numbers are in the tables. */
interface Placed extends Digit {
  part: number;
  own: number;
  powers: number;
}

interface Digits {
  exponent: Placed[];
  fraction: Placed[];
  place: Placed[];
}

function digitsIn({ at }: CoreCode, selection: SelectionShape): Digits {
  let [part, own, powers] = [at.parts, at.numbers, at.powers];
  const placed = (digits: readonly Digit[]) =>
    digits.map((digit) => {
      const here = { ...digit, part, own, powers };
      part++;
      own += digit.share;
      powers += 2 ** digit.bits;
      return here;
    });
  const { exponent, fraction, place } = selection;
  return { exponent: placed(exponent), fraction: placed(fraction), place: placed(place) };
}

/** Leaves the least score that is chosen in `threshold`; signs are such that it is not negative. */
function findScore(core: CoreCode, layer: LatentCore, { exponent, fraction }: Digits): void {
  const { at } = core;
  const { choiceScores: among } = at;
  const [base, unit] = [cell(at.threshold), cell(at.unit)];
  const { least } = FLOAT[layer.model.dtype];
  // The largest power of two that is small enough; half of the least normal number stands for 0.
  for (const [i, digit] of exponent.entries()) {
    const { own, share, bits, powers } = digit;
    const [numbers, next] = [cell(own), cell(at.thresholds)];
    // The first digit leads to numbers that are known: their ratios would be too large.
    if (i === 0) vector(core, 'move', 'f32', share, next, numbers);
    else vector(core, 'mul', 'f32', share, next, numbers, cell(at.threshold, 0));
    takeDigit(core, layer, among, digit);
    const power = chosen(powers, { cell: at.digit, step: 1, count: 2 ** bits });
    if (i === 0) vector(core, 'move', 'f32', 1, base, power);
    else vector(core, 'mul', 'f32', 1, base, base, power);
  }
  const normal = { constant: 2 ** least };
  vector(core, 'max', 'f32', 1, unit, base, normal);
  const excess = cell(at.digit);
  vector(core, 'sub', 'f32', 1, excess, unit, base);
  vector(core, 'sub', 'f32', 1, base, base, excess);
  for (const digit of fraction) addDigit(core, layer, among, digit);
  const last = { cell: at.digit, step: 1, count: 2 ** fraction.at(-1)!.bits };
  vector(core, 'move', 'f32', 2, cell(at.found), chosen(at.counts, last));
}

/**
 * How many of the equal ones are chosen. The last digit counted all that come up to the least score, and to the next
 * larger number: these are better, or with signs turned all others are.
 */
function wantEqual(core: CoreCode, { attention, leftOut = 0 }: LatentCore): void {
  const { at } = core;
  const { topK } = attention.indexer!;
  const [upTo, above] = [cell(at.found), cell(at.found + 1)];
  const [wanted, sign] = [cell(at.wanted), cell(at.wanted + 1)];
  vector(core, 'fma', 'f32', 1, above, above, { constant: -1 }, { constant: topK });
  vector(core, 'sub', 'f32', 1, upTo, upTo, { constant: leftOut });
  // The former where the sign is 1, the latter where it is -1.
  vector(core, 'add', 'f32', 1, wanted, above, upTo);
  vector(core, 'sub', 'f32', 1, above, above, upTo);
  vector(core, 'fma', 'f32', 1, wanted, above, sign, wanted);
  vector(core, 'mul', 'f32', 1, wanted, wanted, { constant: 0.5 });
}

/** Leaves in `threshold` how far from the end the last of the equal ones is that is chosen. */
function findPlace(core: CoreCode, layer: LatentCore, { place }: Digits): void {
  const { at } = core;
  wantEqual(core, layer);
  fill(core, 'f32', at.threshold, 1, 0);
  fill(core, 'f32', at.unit, 1, 2 ** place.reduce((sum, { bits }) => sum + bits, 0));
  for (const digit of place) addDigit(core, layer, at.choiceTies, digit);
}

/** Adds to the threshold what a digit comes to, in units of that digit. */
function addDigit(core: CoreCode, layer: LatentCore, among: number, digit: Placed): void {
  const { at } = core;
  const [unit, base] = [cell(at.unit), cell(at.threshold)];
  vector(core, 'mul', 'f32', 1, unit, unit, { constant: 2 ** -digit.bits });
  const [units, bases] = [cell(at.unit, 0), cell(at.threshold, 0)];
  vector(core, 'fma', 'f32', digit.share, cell(at.thresholds), cell(digit.own), units, bases);
  takeDigit(core, layer, among, digit);
  vector(core, 'fma', 'f32', 1, base, cell(at.digit), unit, base);
}

/** The largest digit that leads to a number which enough others come up to; the counts of all columns are then there. */
function takeDigit(core: CoreCode, layer: LatentCore, among: number, digit: Placed): void {
  const { at } = core;
  const { bits, first, share, parts, part } = digit;
  countOwn(core, layer, among, share);
  fill(core, 'f32', at.counts, share * parts, 0);
  const own = chosen(at.counts, { cell: part, step: share, count: parts + 1 });
  vector(core, 'move', 'f32', share, own, cell(at.ownCounts));
  allReduce(core, layer.row, 'add', 'f32', at.counts, share * parts);
  const counts = { at: at.counts + 1 - first, length: 2 ** bits - 1 };
  rank(core, { ...counts, own: at.wanted, to: at.digit, atLeast: true });
}

/** How many numbers of the column come up to each of the core's thresholds. */
function countOwn(
  core: CoreCode,
  { column, positions }: LatentCore,
  among: number,
  length: number,
): void {
  const { at } = core;
  for (let i = 0; i < length; i++) {
    const cells = { own: at.thresholds + i, to: at.ownCounts + i };
    rank(core, { at: among, length: positions, ...cells, atLeast: true });
  }
  allReduce(core, column, 'add', 'f32', at.ownCounts, length);
}
