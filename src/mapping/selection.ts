/**
 * How a layer of sparse attention chooses the positions with the largest scores (docs/machine-model.md, section 5f).
 * The least score that is chosen is found digit by digit: each column counts, for its part of the numbers that the next
 * digit may lead to, how many of its rows' scores come up to them; the row brings the counts of all columns together.
 * Of equal scores the earliest positions are found in the same way. What a row keeps of it is the largest score that
 * each position may have.
 */
import { indexerOf, leavesOut, type LatentSpec } from '../model/attention-spec.js';
import type { LayerSpec } from '../model/model.js';
import type { FloatType } from '../numeric/types.js';
import type { AddBuffer } from './buffers.js';
import { hasAttention } from './mapping.js';
import type { Cut, LayerRegionKind, On, Reduction } from './mapping.js';

/** A digit, and how the numbers that it leads to are dealt out to columns. */
export interface Digit {
  bits: number;
  /** Numbers that are compared: those of the digits from `first` on. */
  first: number;
  numbers: number;
  /** Those of a column; so many columns have some. */
  share: number;
  parts: number;
}

export interface SelectionShape {
  /** The layer chooses; if not, it takes the choice of the layer before. */
  chooses: boolean;
  /** Positions of a user in the whole run. */
  room: number;
  /** Of exponents, of fractions, and of what tells positions apart. */
  exponent: readonly Digit[];
  fraction: readonly Digit[];
  place: readonly Digit[];
}

/** Bits of the numbers of a type, and the exponent of its least normal one. */
export const FLOAT = {
  f16: { exponent: 5, fraction: 10, least: -14 },
  f32: { exponent: 8, fraction: 23, least: -126 },
} as const satisfies Record<FloatType, object>;

/** Of a run that leaves positions out. */
export function selectionShape(
  spec: LatentSpec,
  dtype: FloatType,
  room: number,
  columns: number,
): SelectionShape | undefined {
  if (!leavesOut(spec, room)) return undefined;
  // Columns then have a number or two each; of more numbers a row's sum would take longer than those of its column.
  const width = Math.min(7, Math.max(2, Math.floor(Math.log2(columns)) + 1));
  const all = (bits: number) => digitsOf(bits, width).map((of) => digitOf(of, columns));
  const { exponent, fraction } = FLOAT[dtype];
  const fractions = digitsOf(fraction, width);
  return {
    ...{ chooses: spec.indexer!.own, room },
    exponent: all(exponent),
    // The last one also compares with the number that it starts from, and with the next after those that it leads to.
    fraction: fractions.map((bits, i) =>
      i < fractions.length - 1 ? digitOf(bits, columns) : digitOf(bits, columns, 0, 2 ** bits + 1),
    ),
    place: all(Math.floor(Math.log2(room)) + 1),
  };
}

function digitOf(bits: number, columns: number, first = 1, numbers = 2 ** bits - 1): Digit {
  const share = Math.ceil(numbers / columns);
  return { bits, first, numbers, share, parts: Math.ceil(numbers / share) };
}

/** All digits in the order of the program. */
export function allDigits({ exponent, fraction, place }: SelectionShape): Digit[] {
  return [...exponent, ...fraction, ...place];
}

/** As few digits of at most `width` bits as make up so many, the shorter ones first. */
export function digitsOf(bits: number, width: number): number[] {
  const count = Math.ceil(bits / width);
  return Array.from({ length: count }, (_, i) => Math.floor((bits + i) / count));
}

/** Whether a region of a layer receives with its token which positions were chosen, in a run that leaves some out. */
function receivesChoice({ attention }: LayerSpec, kind: LayerRegionKind): boolean {
  const indexer = indexerOf(attention);
  return hasAttention(kind) ? indexer?.own === false : indexer?.handsOn === true;
}

/** Words of the choice that every core of a region of a layer receives. */
export function choiceReceived(
  layer: LayerSpec,
  kind: LayerRegionKind,
  { positions, rows }: Pick<Cut, 'positions' | 'rows'>,
): number {
  if (!leavesOut(layer.attention, positions) || !receivesChoice(layer, kind)) return 0;
  return Math.ceil(positions / rows);
}

/** Whether the cores of a region keep the choice: those who attend by it, and those who hand it on. */
export function keepsChoice(
  layer: LayerSpec,
  kind: LayerRegionKind,
  selection: SelectionShape | undefined,
): boolean {
  return selection !== undefined && (hasAttention(kind) || receivesChoice(layer, kind));
}

/** What a core of a layer that chooses keeps. */
export function addSelection(add: AddBuffer, positions: number, of: SelectionShape): void {
  const digits = allDigits(of);
  const most = (lengths: number[]) => Math.max(...lengths);
  add('choiceScores', 'f32', positions);
  add('choiceTies', 'f32', positions);
  add('choicePlaces', 'f32', positions, true);
  // The number so far, those that the column compares with, and how many come up to them.
  add('threshold', 'f32', 1);
  add('thresholds', 'f32', most(digits.map(({ share }) => share)));
  add('ownCounts', 'f32', most(digits.map(({ share }) => share)));
  // Of all columns; and where those put theirs that have none.
  add('counts', 'f32', most(digits.map(({ share, parts }) => share * (parts + 1))));
  add('found', 'f32', 2);
  // How many are wanted and the sign of their scores; what these are if too few scores are 0 or more; a digit; a unit.
  add('wanted', 'f32', 2);
  add('wantedBelow', 'f32', 2);
  add('digit', 'f32', 1);
  add('unit', 'f32', 1);
  // Of each digit which part of the counts is the column's, and the column's numbers; powers by exponents' digits.
  add('parts', 'f32', digits.length, true);
  const shares = digits.reduce((sum, { share }) => sum + share, 0);
  add('numbers', 'f32', shares, true);
  add(
    'powers',
    'f32',
    of.exponent.reduce((sum, { bits }) => sum + 2 ** bits, 0),
    true,
  );
}

/** What columns and rows add up to choose. */
export function selectionReductions(shape: SelectionShape | undefined, on: On): Reduction[] {
  if (!shape?.chooses) return [];
  const digits = allDigits(shape).flatMap(({ share, parts }) => [
    on('column', share, 'f32'),
    on('row', share * parts, 'f32'),
  ]);
  return [on('column', 1, 'f32'), ...digits];
}
