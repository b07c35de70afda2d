/**
 * Choosing the sizes of regions: one height for all, one width per kind. The least widths follow from
 * SRAM; growth `minimal` takes them where they need the fewest cores, growth `fill` widens layers (their
 * attention and their MLP apart where they are split) and head up to what the wafer allows, while the
 * estimate of a token's cycles improves.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import { isOfLayer, keyOfPart } from '../mapping/mapping.js';
import type { LayerColumns, Part } from '../mapping/mapping.js';
import { MAPPINGS } from '../mapping/mappings.js';
import type { ModelSpec } from '../model/model.js';
import { cutOf, holds, leastColumns, mayRise, mostThat, variantsOf } from './budget.js';
import { estimator, type Estimator } from './estimate.js';
import { everyHeight, triedHeights } from './heights.js';
import { CUTS, type Cutting } from './pack.js';
import { formsOf, isPerLayer, partKindsOf, partsOf, widthsOf } from './placement.js';
import type { Form, Formed, Sizes, SizedRequest } from './placement.js';

/** Cores beyond the fewest (relative) that `minimal` may spend on a shape nearer to a square. */
const SQUARE_SLACK = 0.02;

/** Sizes, and the form of layers that they are sizes of. */
export interface Chosen {
  form: Form;
  sizes: Sizes;
}

/**
 * Sizes for the request on at most `wafers` wafers, or undefined if there are none. Of several forms of
 * layers that which takes the fewest wafers, then an expanded cache, then that of the fewest estimated cycles.
 */
export function chooseSizes(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
): Chosen | undefined {
  for (const cut of CUTS) {
    const chosen = chooseWith(cut, model, wafer, request, wafers);
    if (chosen !== undefined) return chosen;
  }
  return undefined;
}

function chooseWith(
  cut: Cutting,
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
): Chosen | undefined {
  const found = formsOf(request).flatMap((formed) => {
    const { layers, latent } = formed;
    const estimates = estimator(model, wafer, formed);
    const sizes = sizesIn(cut, model, wafer, formed, wafers, estimates);
    if (sizes === undefined) return [];
    const counts = cut(widthsOf(partsOf(model, formed), sizes), sizes.rows, wafer, wafers)!;
    const costs = { wafers: counts.length, cycles: estimates.token(sizes) };
    return [{ form: { layers, latent }, sizes, ...costs }];
  });
  return found.length === 0 ? undefined : found.reduce((a, b) => (isBetter(b, a) ? b : a));
}

interface Costs extends Pick<Chosen, 'form'> {
  wafers: number;
  cycles: number;
}

function isBetter(a: Costs, b: Costs): boolean {
  if (a.wafers !== b.wafers) return a.wafers < b.wafers;
  if (a.form.latent !== b.form.latent) return a.form.latent === 'expanded';
  return a.cycles < b.cycles;
}

function sizesIn(
  cut: Cutting,
  model: ModelSpec,
  wafer: WaferSpec,
  request: Formed,
  wafers: number,
  estimates: Estimator,
): Sizes | undefined {
  const parts = partsOf(model, request);
  const fits = (sizes: Sizes) =>
    cut(widthsOf(parts, sizes), sizes.rows, wafer, wafers) !== undefined;
  const isHeld = heldIn(model, wafer, request);
  const minimal = request.growth === 'minimal';
  const heights = minimal ? everyHeight(wafer) : triedHeights(model, wafer);
  const least = leastSizes(model, wafer, request, heights).filter(fits);
  if (least.length === 0) return undefined;
  if (minimal) return fewestCores(parts, least);
  const wider =
    request.layerColumns === undefined
      ? least.map((narrow) => widenedLayers(narrow, parts, wafer, fits, isHeld, estimates))
      : least;
  const { token } = estimates;
  const fastest = wider.reduce((a, b) => (token(b) < token(a) ? b : a));
  // What is left of the shelves goes to the head: the embedding has nothing to gain from columns.
  const table = model.tied ? 'embedding+head' : 'head';
  return widenedHead(fastest, table, wafer, fits)
    .filter((sizes) => isHeld(sizes, [table]))
    .reduce((a, b) => (token(b) < token(a) ? b : a));
}

/** For each height (or the one asked for): the narrowest regions whose cores hold their share. */
export function leastSizes(
  model: ModelSpec,
  wafer: WaferSpec,
  request: Formed,
  heights: number[],
): Sizes[] {
  const parts = partsOf(model, request);
  const kinds = partKindsOf(parts);
  const rises = mayRise(model) && request.layerColumns !== undefined;
  const found: Sizes[] = [];
  for (const rows of request.rows === undefined ? heights : [request.rows]) {
    const columns: Record<string, number> = {};
    const fitsAny = kinds.every((part) => {
      const least = leastColumns(part, model, wafer, request, rows);
      if (least === undefined) return false;
      columns[keyOfPart(part)] = least;
      return true;
    });
    if (!fitsAny) continue;
    const sizes = asAsked({ rows, columns }, parts, request.layerColumns);
    const isWideEnough = widthsOf(parts, sizes).every((width, i) => {
      const least = columns[keyOfPart(parts[i])];
      if (width < least || width > wafer.width) return false;
      return !rises || holds(parts[i], model, wafer, request, rows, width);
    });
    if (isWideEnough) found.push(sizes);
  }
  return found;
}

/** With layers as wide as asked. */
function asAsked(sizes: Sizes, parts: Part[], asked: LayerColumns | undefined): Sizes {
  if (asked === undefined) return sizes;
  if (isPerLayer(asked)) return { ...sizes, layers: asked };
  const columns = { ...sizes.columns };
  for (const part of parts) {
    if (!isOfLayer(part)) continue;
    const each =
      typeof asked === 'number' ? asked : asked[part.kind === 'mlp' ? 'mlp' : 'attention'];
    columns[keyOfPart(part)] = each;
  }
  return { ...sizes, columns };
}

/** Cores of all regions. */
export function coresOf(parts: Part[], sizes: Sizes): number {
  return sizes.rows * widthsOf(parts, sizes).reduce((sum, width) => sum + width, 0);
}

function fewestCores(parts: Part[], candidates: Sizes[]): Sizes {
  const fewest = Math.min(...candidates.map((sizes) => coresOf(parts, sizes)));
  const layers = knobsOf(parts).flat();
  const bent = ({ rows, columns }: Sizes) =>
    Math.abs(Math.log(rows / Math.max(...layers.map((key) => columns[key]))));
  return candidates
    .filter((sizes) => coresOf(parts, sizes) <= fewest * (1 + SQUARE_SLACK))
    .reduce((best, sizes) => (bent(sizes) < bent(best) ? sizes : best));
}

type Fits = (sizes: Sizes) => boolean;
type IsHeld = (sizes: Sizes, keys: readonly string[]) => boolean;

/** Whether cores hold these of the parts, which are at least as wide as the narrowest that they hold. */
function heldIn(model: ModelSpec, wafer: WaferSpec, request: Formed): IsHeld {
  if (!mayRise(model)) return () => true;
  const kinds = new Map(partKindsOf(partsOf(model, request)).map((of) => [keyOfPart(of), of]));
  return ({ rows, columns }, keys) =>
    keys.every((key) => holds(kinds.get(key)!, model, wafer, request, rows, columns[key]));
}

/** Kinds of parts that are widened together: whole layers; or attentions, and MLPs. */
function knobsOf(parts: Part[]): string[][] {
  const keysOf = (kind: string) => [
    ...new Set(parts.filter((part) => part.kind === kind).map(keyOfPart)),
  ];
  return ['layer', 'attention', 'mlp'].map(keysOf).filter((keys) => keys.length > 0);
}

/** The given sizes with parts of these kinds of at least so many columns. */
function widened(sizes: Sizes, keys: readonly string[], width: number): Sizes {
  const columns = { ...sizes.columns };
  for (const key of keys) columns[key] = Math.max(columns[key], width);
  return { ...sizes, columns };
}

/** The narrowest of these parts, and as wide as they can be while they fit the wafers. */
function widthRange(sizes: Sizes, keys: readonly string[], wafer: WaferSpec, fits: Fits) {
  const least = Math.min(...keys.map((key) => sizes.columns[key]));
  const most = mostThat((width) => fits(widened(sizes, keys, width)), least, wafer.width) ?? least;
  return { least, most };
}

/**
 * Of the given sizes with wider layers that fit the wafers those of the fewest estimated cycles. The cycles of a
 * token are the sum of what its parts take, so a width is of use only if it is faster than all that are narrower.
 */
function widenedLayers(
  narrow: Sizes,
  parts: Part[],
  wafer: WaferSpec,
  fits: Fits,
  isHeld: IsHeld,
  estimates: Estimator,
): Sizes {
  const [first, second] = knobsOf(parts);
  const faster = (keys: string[]): number[] => {
    const { least, most } = widthRange(narrow, keys, wafer, fits);
    const found: number[] = [];
    let fewest = Infinity;
    for (let width = least; width <= most; width++) {
      let cycles = 0;
      for (const key of keys)
        cycles += estimates.parts(key, narrow.rows, Math.max(narrow.columns[key], width));
      if (cycles >= fewest || !isHeld(widened(narrow, keys, width), keys)) continue;
      found.push(width);
      fewest = cycles;
    }
    return found;
  };
  /** With the widest that fit. */
  const widest = (sizes: Sizes, keys: string[], widths: number[]): Sizes => {
    const last = mostThat((i) => fits(widened(sizes, keys, widths[i])), 0, widths.length - 1) ?? 0;
    return widened(sizes, keys, widths[last]);
  };
  if (second === undefined) return widest(narrow, first, faster(first));
  const widths = faster(second);
  const { token } = estimates;
  return faster(first)
    .map((width) => widest(widened(narrow, first, width), second, widths))
    .reduce((a, b) => (token(b) < token(a) ? b : a));
}

/** The given sizes with a table widened column by column, while it still fits the wafers. */
function widenedHead(
  sizes: Sizes,
  table: 'head' | 'embedding+head',
  wafer: WaferSpec,
  fits: Fits,
): Sizes[] {
  const { least, most } = widthRange(sizes, [table], wafer, fits);
  return range(least, most).map((width) => widened(sizes, [table], width));
}

function range(least: number, most: number): number[] {
  return Array.from({ length: most - least + 1 }, (_, i) => least + i);
}

/**
 * Heights and widths of layers that fit the wafers, height by height, all layers of one width (their
 * attentions, and their MLPs, where they are split); of widths that cut a layer into slices of the same
 * sizes only the least, since the others only have longer lines.
 */
export function layerSizes(
  model: ModelSpec,
  wafer: WaferSpec,
  request: Formed,
  wafers: number,
): Sizes[][] {
  for (const cut of CUTS) {
    const found = layerSizesWith(cut, model, wafer, request, wafers);
    if (found.length > 0) return found;
  }
  return [];
}

function layerSizesWith(
  cut: Cutting,
  model: ModelSpec,
  wafer: WaferSpec,
  request: Formed,
  wafers: number,
): Sizes[][] {
  const parts = partsOf(model, request);
  const kinds = partKindsOf(parts);
  const fits = (sizes: Sizes) =>
    cut(widthsOf(parts, sizes), sizes.rows, wafer, wafers) !== undefined;
  const { buffers } = MAPPINGS[request.mapping];
  const known = new Map<string, string>();
  const slices = (keys: readonly string[], rows: number, columns: number): string => {
    const name = `${keys[0]} ${rows} ${columns}`;
    const found =
      known.get(name) ??
      kinds
        .filter((part) => keys.includes(keyOfPart(part)))
        .flatMap((part) => variantsOf(part, model, request, columns))
        .flatMap((part) => buffers(part, cutOf(model, request, rows, columns)))
        .map(({ length }) => length)
        .join();
    known.set(name, found);
    return found;
  };
  const isHeld = heldIn(model, wafer, request);
  const knobs = knobsOf(parts);
  /** All of a kind of parts of the least width that holds each. */
  const alike = (sizes: Sizes): Sizes =>
    knobs.reduce((of, keys) => {
      let width = Math.max(...keys.map((key) => of.columns[key]));
      while (width < wafer.width && !isHeld(widened(of, keys, width), keys)) width++;
      return widened(of, keys, width);
    }, sizes);
  const widen = (sizes: Sizes, keys: readonly string[]): Sizes[] => {
    const { least, most } = widthRange(sizes, keys, wafer, fits);
    let last = '';
    return range(least, most).flatMap((width) => {
      const before = last;
      last = slices(keys, sizes.rows, width);
      const wider = widened(sizes, keys, width);
      return last === before || !isHeld(wider, keys) ? [] : [wider];
    });
  };
  return leastSizes(model, wafer, request, triedHeights(model, wafer))
    .map(alike)
    .filter((sizes) => fits(sizes) && isHeld(sizes, knobs.flat()))
    .map((least) =>
      knobs.reduce<Sizes[]>((all, keys) => all.flatMap((sizes) => widen(sizes, keys)), [least]),
    );
}
