/**
 * How a layer of sparse attention chooses the positions with the largest scores (docs/machine-model.md, section 5f).
 * Every column finds the least score that is chosen by itself: digit by digit, the rows count how many of their scores
 * are no less than each number that the next digit may lead to, and the column adds the counts up. Of equal scores the
 * earliest positions are found in the same way. What a row keeps of it is the largest score that each position may have.
 */
import { leavesOut } from '../model/attention-spec.js';
import type { LatentSpec } from '../model/attention-spec.js';
import type { LayerSpec } from '../model/model.js';
import type { FloatType } from '../numeric/types.js';
import type { AddBuffer } from './buffers.js';
import { hasAttention } from './mapping.js';
import type { Cut, LayerRegionKind, On, Reduction } from './mapping.js';

export interface SelectionShape {
  /** The layer chooses; if not, it takes the choice of the layer before. */
  chooses: boolean;
  /** Positions of a user in the whole run. */
  room: number;
  /** Bits of a digit: of exponents, of fractions, and of what tells positions apart. */
  exponent: readonly number[];
  fraction: readonly number[];
  place: readonly number[];
  /** Numbers that the digit of most bits may lead to, but for the first of them. */
  most: number;
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
  positions: number,
): SelectionShape | undefined {
  if (!leavesOut(spec, room)) return undefined;
  const width = digitBits(positions);
  const of = (bits: number) => digitsOf(bits, width);
  const { exponent, fraction } = FLOAT[dtype];
  const digits = {
    exponent: of(exponent),
    fraction: of(fraction),
    place: of(Math.floor(Math.log2(room)) + 1),
  };
  const most = 2 ** Math.max(...Object.values(digits).flat()) - 1;
  return { chooses: spec.indexer!.own, room, ...digits, most };
}

/** A wider digit saves sums over the column, and compares each position with more numbers. */
function digitBits(positions: number): number {
  if (positions <= 24) return 4;
  return positions <= 96 ? 3 : 2;
}

/** As few digits of at most `width` bits as make up so many, the shorter ones first. */
export function digitsOf(bits: number, width: number): number[] {
  const count = Math.ceil(bits / width);
  return Array.from({ length: count }, (_, i) => Math.floor((bits + i) / count));
}

/** Whether a region of a layer receives with its token which positions were chosen, in a run that leaves some out. */
function receivesChoice({ attention }: LayerSpec, kind: LayerRegionKind): boolean {
  const indexer = attention.kind === 'latent' ? attention.indexer : undefined;
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
export function addSelection(
  add: AddBuffer,
  positions: number,
  { exponent, most }: SelectionShape,
): void {
  add('choiceScores', 'f32', positions);
  add('choiceTies', 'f32', positions);
  add('choicePlaces', 'f32', positions, true);
  add('thresholds', 'f32', most + 2);
  add('counts', 'f32', most + 2);
  add('found', 'f32', 2);
  // How many are wanted and the sign of their scores; what these are if too few scores are 0 or more; a digit; a unit.
  add('wanted', 'f32', 2);
  add('wantedBelow', 'f32', 2);
  add('digit', 'f32', 1);
  add('unit', 'f32', 1);
  add('countsOfUnits', 'f32', most + 1, true);
  add('powers', 'f32', powersIn(exponent), true);
}

/** Numbers in the tables of what exponents' digits multiply by. */
function powersIn(exponent: readonly number[]): number {
  return exponent.reduce((sum, bits) => sum + 2 ** bits - 1, 0);
}

/** What a column adds up to choose. */
export function selectionReductions(shape: SelectionShape | undefined, on: On): Reduction[] {
  if (!shape?.chooses) return [];
  const { exponent, fraction, place } = shape;
  const counted = (digits: readonly number[]) =>
    digits.map((bits) => on('column', 2 ** bits - 1, 'f32'));
  const one = on('column', 1, 'f32');
  const last = on('column', 2 ** fraction.at(-1)! + 1, 'f32');
  const scores = [...counted(exponent), ...counted(fraction.slice(0, -1)), last];
  return [one, ...scores, ...counted(place)];
}
