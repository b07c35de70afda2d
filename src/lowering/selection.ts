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
import type { SelectionShape } from '../mapping/selection.js';
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
  fill(core, 'f32', at.thresholds + 1, 1, 0);
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
  const [sign, threshold] = [cell(at.wanted + 1, 0), cell(at.thresholds, 0)];
  vector(core, 'move', 'f32', positions, scores, cell(at.indexTotals));
  countUpTo(core, layer, at.choiceScores, { first: 1, length: 1 });
  const turned = { from: at.wantedBelow, length: 2, to: at.wanted, stride: 0 };
  put(core, 'f32', { test: at.counts + 1, below: topK, ...turned });
  vector(core, 'mul', 'f32', positions, scores, scores, sign);
  findScore(core, layer, selection);
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
  findPlace(core, layer, selection);
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

/** Leaves the least score that is chosen in `thresholds`; signs are such that it is not negative. */
function findScore(
  core: CoreCode,
  layer: LatentCore,
  { exponent, fraction }: SelectionShape,
): void {
  const { at } = core;
  const { choiceScores: among } = at;
  const [base, unit] = [cell(at.thresholds), cell(at.unit)];
  const { least } = FLOAT[layer.model.dtype];
  // The largest power of two that is small enough; half of the least normal number stands for 0.
  fill(core, 'f32', at.thresholds, 1, 2 ** (least - 1));
  let powers = at.powers;
  for (const [i, bits] of exponent.entries()) {
    const more = 2 ** bits - 1;
    const next = cell(at.thresholds + 1);
    // The first digit leads to numbers that are known: their ratios would be too large.
    if (i === 0) vector(core, 'move', 'f32', more, next, cell(powers));
    else vector(core, 'mul', 'f32', more, next, cell(powers), cell(at.thresholds, 0));
    powers += more;
    narrow(core, layer, among, bits);
  }
  const normal = { constant: 2 ** least };
  vector(core, 'max', 'f32', 1, unit, base, normal);
  const excess = cell(at.digit);
  vector(core, 'sub', 'f32', 1, excess, unit, base);
  vector(core, 'sub', 'f32', 1, base, base, excess);
  for (const bits of fraction.slice(0, -1)) {
    addUnits(core, bits, 2 ** bits - 1);
    narrow(core, layer, among, bits);
  }
  findLast(core, layer, among, fraction.at(-1)!);
}

/** The last digit, with the threshold itself and the first number that no digit leads to. */
function findLast(core: CoreCode, layer: LatentCore, among: number, bits: number): void {
  const { at } = core;
  const next = 2 ** bits;
  addUnits(core, bits, next);
  countUpTo(core, layer, among, { first: 0, length: next + 1 });
  takeDigit(core, bits);
  const digit = { cell: at.digit, step: 1, count: next };
  vector(core, 'move', 'f32', 2, cell(at.found), chosen(at.counts, digit));
  vector(core, 'move', 'f32', 1, cell(at.thresholds), chosen(at.thresholds, digit));
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

/** Leaves in `thresholds` how far from the end the last of the equal ones is that is chosen. */
function findPlace(core: CoreCode, layer: LatentCore, { place }: SelectionShape): void {
  const { at } = core;
  wantEqual(core, layer);
  fill(core, 'f32', at.thresholds, 1, 0);
  fill(core, 'f32', at.unit, 1, 2 ** place.reduce((sum, bits) => sum + bits, 0));
  for (const bits of place) {
    addUnits(core, bits, 2 ** bits - 1);
    narrow(core, layer, at.choiceTies, bits);
  }
}

/** Numbers that are larger than the threshold by units of the digit of so many bits: `more` of them, after it. */
function addUnits(core: CoreCode, bits: number, more: number): void {
  const { at } = core;
  const unit = cell(at.unit);
  vector(core, 'mul', 'f32', 1, unit, unit, { constant: 2 ** -bits });
  const [units, base] = [cell(at.unit, 0), cell(at.thresholds, 0)];
  vector(core, 'fma', 'f32', more, cell(at.thresholds + 1), cell(at.countsOfUnits), units, base);
}

/** The largest of the threshold and those that a digit leads to which enough numbers come up to. */
function narrow(core: CoreCode, layer: LatentCore, among: number, bits: number): void {
  countUpTo(core, layer, among, { first: 1, length: 2 ** bits - 1 });
  takeDigit(core, bits);
  const { at } = core;
  const best = chosen(at.thresholds, { cell: at.digit, step: 1, count: 2 ** bits });
  vector(core, 'move', 'f32', 1, cell(at.thresholds), best);
}

/** Of the thresholds that a digit leads to, the number of the last that enough numbers come up to; 0 if none. */
function takeDigit(core: CoreCode, bits: number): void {
  const { at } = core;
  const counts = { at: at.counts + 1, length: 2 ** bits - 1 };
  rank(core, { ...counts, own: at.wanted, to: at.digit, atLeast: true });
}

/** How many numbers of the column come up to each of some thresholds. */
function countUpTo(
  core: CoreCode,
  { column, positions }: LatentCore,
  among: number,
  of: { first: number; length: number },
): void {
  const { at } = core;
  for (let i = of.first; i < of.first + of.length; i++) {
    const cells = { own: at.thresholds + i, to: at.counts + i };
    rank(core, { at: among, length: positions, ...cells, atLeast: true });
  }
  allReduce(core, column, 'add', 'f32', at.counts + of.first, of.length);
}
