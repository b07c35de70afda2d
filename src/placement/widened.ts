/**
 * Widening regions of the least widths: layers (their attentions and their MLPs apart where they are split) and
 * the head, up to what the wafers allow, to the fewest estimated cycles of a token. What a bound of the estimate
 * says cannot be the fastest is not estimated (branch and bound), which changes nothing of what is chosen.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import { keyOfPart, type Part } from '../mapping/mapping.js';
import { mostThat } from './budget.js';
import type { Estimator } from './estimate.js';
import type { Sizes } from './placement.js';

export type Fits = (sizes: Sizes) => boolean;
export type IsHeld = (sizes: Sizes, keys: readonly string[]) => boolean;

/** What is widened, where, and how it is judged. */
export interface Widening {
  /** Kinds of parts of layers that are widened together. */
  knobs: readonly (readonly string[])[];
  /** Of all regions. */
  widths: (sizes: Sizes) => number[];
  wafer: WaferSpec;
  wafers: number;
  /** Whether the wafers have room for the regions, and whether cores have memory for these of the parts. */
  fits: Fits;
  isHeld: IsHeld;
  estimates: Estimator;
}

/** Kinds of parts that are widened together: whole layers; or attentions, and MLPs. */
export function knobsOf(parts: readonly Part[]): string[][] {
  const keysOf = (kind: string) => [
    ...new Set(parts.filter((part) => part.kind === kind).map(keyOfPart)),
  ];
  return ['layer', 'attention', 'mlp'].map(keysOf).filter((keys) => keys.length > 0);
}

/** The given sizes with parts of these kinds of at least so many columns. */
export function widened(sizes: Sizes, keys: readonly string[], width: number): Sizes {
  const columns = { ...sizes.columns };
  for (const key of keys) columns[key] = Math.max(columns[key], width);
  return { ...sizes, columns };
}

/** Kinds of parts that are widened together: the narrowest of them, and as wide as they can be on the wafers. */
interface Range {
  keys: readonly string[];
  least: number;
  most: number;
}

export function widthRange(
  sizes: Sizes,
  keys: readonly string[],
  { wafer, fits }: Pick<Widening, 'wafer' | 'fits'>,
): Range {
  const least = Math.min(...keys.map((key) => sizes.columns[key]));
  const most = mostThat((width) => fits(widened(sizes, keys, width)), least, wafer.width) ?? least;
  return { keys, least, most };
}

/** Sizes of one height, and how far its layers can be widened. */
export interface Height {
  narrow: Sizes;
  ranges: Range[];
}

export function heightsOf(least: readonly Sizes[], by: Widening): Height[] {
  return least.map((narrow) => {
    return { narrow, ranges: by.knobs.map((keys) => widthRange(narrow, keys, by)) };
  });
}

/** Of all heights with wider layers that fit the wafers those of the fewest estimated cycles; the first if equal. */
export function fastestWidened(heights: readonly Height[], by: Widening): Sizes {
  const bounded = heights.map((height, index) => {
    return { height, index, bound: leastToken(height, height.ranges[0], by) };
  });
  let best = { sizes: heights[0].narrow, index: heights.length, cycles: Infinity };
  for (const { height, index, bound } of bounded.toSorted((a, b) => a.bound - b.bound)) {
    if (bound > best.cycles) break;
    if (takesMore(height, best.cycles, by)) continue;
    const sizes = widenedLayers(height, best.cycles, by);
    if (sizes === undefined) continue;
    const cycles = by.estimates.token(sizes);
    if (cycles < best.cycles || (cycles === best.cycles && index < best.index))
      best = { sizes, index, cycles };
  }
  return best.sizes;
}

/**
 * Whether a token takes more than so many cycles however the layers are widened, and the table if it is named.
 * A range of widths is halved until a bound decides, or it is short.
 */
export function takesMore(height: Height, limit: number, by: Widening, table?: string): boolean {
  if (limit === Infinity) return false;
  const [{ keys, least, most }] = height.ranges;
  const within = (from: number, to: number): boolean => {
    if (leastToken(height, { keys, least: from, most: to }, by, table) > limit) return true;
    if (to - from < BLOCK) return false;
    const middle = Math.floor((from + to) / 2);
    return within(middle + 1, to) && within(from, middle);
  };
  return within(least, most);
}

/** Widths that a bound is not asked for one by one. */
const BLOCK = 8;

/** Never above the cycles of a token whose first knob has any of these widths, and the second any that fits then. */
function leastToken(
  { narrow, ranges: [, second] }: Height,
  { keys, least, most }: Range,
  by: Widening,
  table?: string,
): number {
  const from = widened(narrow, keys, least);
  let to = widened(narrow, keys, most);
  if (second !== undefined) to = widened(to, second.keys, mostBesides(from, second, by));
  if (table !== undefined) to = widened(to, [table], by.wafer.width);
  return by.estimates.tokenAtLeast(narrow.rows, from.columns, to.columns);
}

/** The widest that parts can be next to all others, if no column of the wafers is left over. */
function mostBesides(
  sizes: Sizes,
  { keys, least, most }: Range,
  { widths, wafer, wafers }: Widening,
): number {
  const room = wafers * wafer.width * Math.floor(wafer.height / sizes.rows);
  const fits = (width: number) => sumOf(widths(widened(sizes, keys, width))) <= room;
  return mostThat(fits, least, most) ?? most;
}

function sumOf(widths: readonly number[]): number {
  let sum = 0;
  for (const width of widths) sum += width;
  return sum;
}

/**
 * Of the given sizes with wider layers that fit the wafers those of the fewest estimated cycles; others or none, if
 * a token takes more than `limit` with all. The cycles of a token are the sum of what its parts take, so a width is of use only
 * if it is faster than all that are narrower.
 */
function widenedLayers(height: Height, limit: number, by: Widening): Sizes | undefined {
  const { narrow, ranges } = height;
  const [first, second] = ranges;
  const { token } = by.estimates;
  if (second === undefined) {
    const sizes = fastestWidth(height, first, limit, by);
    if (sizes === undefined || by.fits(sizes)) return sizes;
    return widest(narrow, first.keys, faster(narrow, first, by), by);
  }
  const widths = faster(narrow, second, by);
  return faster(narrow, first, by)
    .map((width) => widest(widened(narrow, first.keys, width), second.keys, widths, by))
    .reduce((a, b) => (token(b) < token(a) ? b : a));
}

/** With the last of these widths that fit. */
function widest(
  sizes: Sizes,
  keys: readonly string[],
  widths: number[],
  { fits }: Widening,
): Sizes {
  const last = mostThat((i) => fits(widened(sizes, keys, widths[i])), 0, widths.length - 1) ?? 0;
  return widened(sizes, keys, widths[last]);
}

/** Widths of parts that are faster than all that are narrower. */
function faster(narrow: Sizes, { keys, least, most }: Range, by: Widening): number[] {
  const found: number[] = [];
  let fewest = Infinity;
  for (let width = least; width <= most; width++) {
    const cycles = cyclesBelow(fewest, widened(narrow, keys, width), keys, by);
    if (cycles === undefined) continue;
    found.push(width);
    fewest = cycles;
  }
  return found;
}

/**
 * With the fastest width, the first if equal, of those with which a token takes no more than `limit`; undefined if
 * there is none.
 */
function fastestWidth(
  height: Height,
  { keys, least, most }: Range,
  limit: number,
  by: Widening,
): Sizes | undefined {
  const { narrow } = height;
  const all = widened(narrow, keys, most);
  const enough = by.isHeld(all, keys) ? Math.min(limit, by.estimates.token(all)) : limit;
  let found: Sizes | undefined;
  let fewest = Infinity;
  for (let from = least; from <= most; from += BLOCK) {
    const to = Math.min(from + BLOCK - 1, most);
    if (leastToken(height, { keys, least: from, most: to }, by) > enough) continue;
    for (let width = from; width <= to; width++) {
      const sizes = widened(narrow, keys, width);
      const cycles = cyclesBelow(fewest, sizes, keys, by);
      if (cycles === undefined) continue;
      found = sizes;
      fewest = cycles;
    }
  }
  return found;
}

/** Cycles of these parts, if they are fewer than so many and cores have memory for them. */
function cyclesBelow(
  limit: number,
  sizes: Sizes,
  keys: readonly string[],
  { estimates, isHeld }: Widening,
): number | undefined {
  const { rows, columns } = sizes;
  let least = 0;
  for (const key of keys) least += estimates.partsAtLeast(key, rows, columns[key], columns[key]);
  if (least >= limit) return undefined;
  let cycles = 0;
  for (const key of keys) cycles += estimates.parts(key, rows, columns[key]);
  return cycles >= limit || !isHeld(sizes, keys) ? undefined : cycles;
}

/** The given sizes with the table widened column by column, while it still fits the wafers. */
export function fastestTable(sizes: Sizes, table: string, by: Widening): Sizes {
  const { least, most } = widthRange(sizes, [table], by);
  const { token } = by.estimates;
  let best = { sizes, cycles: Infinity };
  for (let width = least; width <= most; width++) {
    const wider = widened(sizes, [table], width);
    const cycles = token(wider);
    if (cycles < best.cycles && by.isHeld(wider, [table])) best = { sizes: wider, cycles };
  }
  return best.sizes;
}
