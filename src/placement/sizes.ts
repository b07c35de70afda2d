/**
 * Choosing the sizes of regions: one height for all, one width per kind. The least widths follow from
 * SRAM; growth `minimal` takes them where they need the fewest cores, growth `fill` widens layers and
 * head up to what the wafer allows, while the estimate of a token's cycles improves.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Part } from '../mapping/mapping.js';
import { MAPPINGS } from '../mapping/mappings.js';
import type { ModelSpec } from '../model/model.js';
import { cutOf, leastColumns, mostThat } from './budget.js';
import { tokenCycles } from './estimate.js';
import { cut } from './pack.js';
import { partKindsOf, partsOf, widthsOf, type Sizes, type SizedRequest } from './placement.js';

/** Cores beyond the fewest (relative) that `minimal` may spend on a shape nearer to a square. */
const SQUARE_SLACK = 0.02;

/** Sizes for the request on at most `wafers` wafers, or undefined if there are none. */
export function chooseSizes(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
): Sizes | undefined {
  const parts = partsOf(model, request);
  const fits = (sizes: Sizes) =>
    cut(widthsOf(parts, sizes), sizes.rows, wafer, wafers) !== undefined;
  const minimal = request.growth === 'minimal';
  const heights = minimal ? everyHeight(wafer) : tallestHeights(wafer);
  const least = leastSizes(model, wafer, request, heights).filter(fits);
  if (least.length === 0) return undefined;
  return minimal ? fewestCores(parts, least) : fastest(model, wafer, request, least, fits);
}

/** Every height that a region can have, from one row to the whole wafer. */
export function everyHeight(wafer: WaferSpec): number[] {
  return Array.from({ length: wafer.height }, (_, i) => i + 1);
}

/** The tallest height for each number of shelves: lower ones only leave rows of the wafer unused. */
export function tallestHeights(wafer: WaferSpec): number[] {
  const { height } = wafer;
  return [...new Set(everyHeight(wafer).map((shelves) => Math.floor(height / shelves)))];
}

/** For each height (or the one asked for): the narrowest regions whose cores hold their share. */
export function leastSizes(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  heights: number[],
): Sizes[] {
  const parts = partKindsOf(partsOf(model, request));
  const asked = request.layerColumns;
  const found: Sizes[] = [];
  for (const rows of request.rows === undefined ? heights : [request.rows]) {
    const columns: Sizes['columns'] = {};
    const kinds: number[] = [];
    const holds = parts.every((part) => {
      const least = leastColumns(part, model, wafer, request, rows);
      if (least === undefined) return false;
      if (part.kind === 'layer') kinds[part.layerKind] = least;
      else columns[part.kind] = least;
      return true;
    });
    if (!holds) continue;
    const widths = asked === undefined ? { kinds } : widthsAsked(model, wafer, asked, kinds);
    if (widths !== undefined) found.push({ rows, columns, ...widths });
  }
  return found;
}

/** Layers as wide as asked, undefined if that is too narrow for some, or wider than the wafer. */
function widthsAsked(
  { layers }: ModelSpec,
  wafer: WaferSpec,
  asked: number | readonly number[],
  least: readonly number[],
): Pick<Sizes, 'kinds' | 'layers'> | undefined {
  const widths = typeof asked === 'number' ? layers.map(() => asked) : asked;
  if (widths.some((width, layer) => width < least[layers[layer]] || width > wafer.width))
    return undefined;
  return typeof asked === 'number'
    ? { kinds: least.map(() => asked) }
    : { kinds: least, layers: asked };
}

/** Cores of all regions. */
export function coresOf(parts: Part[], sizes: Sizes): number {
  return sizes.rows * widthsOf(parts, sizes).reduce((sum, width) => sum + width, 0);
}

function fewestCores(parts: Part[], candidates: Sizes[]): Sizes {
  const fewest = Math.min(...candidates.map((sizes) => coresOf(parts, sizes)));
  const bent = (sizes: Sizes) => Math.abs(Math.log(sizes.rows / Math.max(...sizes.kinds)));
  return candidates
    .filter((sizes) => coresOf(parts, sizes) <= fewest * (1 + SQUARE_SLACK))
    .reduce((best, sizes) => (bent(sizes) < bent(best) ? sizes : best));
}

function fastest(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  least: Sizes[],
  fits: (sizes: Sizes) => boolean,
): Sizes {
  const cycles = (sizes: Sizes) => tokenCycles(model, wafer, request, sizes);
  let best = least[0];
  let bestCycles = Infinity;
  for (const narrow of least) {
    const widths =
      request.layerColumns === undefined ? widenedLayers(narrow, wafer, fits) : [narrow];
    for (const sizes of widths) {
      const estimate = cycles(sizes);
      if (estimate < bestCycles) {
        best = sizes;
        bestCycles = estimate;
      }
    }
  }
  // What is left of the shelves goes to the head: the embedding has nothing to gain from columns.
  return widened(best, model.tied ? 'embedding+head' : 'head', wafer, fits).reduce((a, b) =>
    cycles(b) < cycles(a) ? b : a,
  );
}

/** The given sizes with a table widened column by column, while it still fits the wafers. */
function widened(
  sizes: Sizes,
  table: 'head' | 'embedding+head',
  wafer: WaferSpec,
  fits: (sizes: Sizes) => boolean,
): Sizes[] {
  const { columns } = sizes;
  const at = (width: number): Sizes => ({ ...sizes, columns: { ...columns, [table]: width } });
  return whileItFits(at, columns[table]!, wafer, fits);
}

/** The given sizes with layers of at least so many columns, column by column, while they still fit the wafers. */
function widenedLayers(sizes: Sizes, wafer: WaferSpec, fits: (sizes: Sizes) => boolean): Sizes[] {
  const at = (width: number): Sizes => ({
    ...sizes,
    kinds: sizes.kinds.map((least) => Math.max(least, width)),
  });
  return whileItFits(at, Math.min(...sizes.kinds), wafer, fits);
}

function whileItFits(
  at: (width: number) => Sizes,
  least: number,
  wafer: WaferSpec,
  fits: (sizes: Sizes) => boolean,
): Sizes[] {
  const most = mostThat((width) => fits(at(width)), least, wafer.width) ?? least;
  return Array.from({ length: most - least + 1 }, (_, i) => at(least + i));
}

/**
 * Heights and widths of layers that fit the wafers, height by height, all layers of one width; of widths that cut a layer into
 * slices of the same sizes only the least, since the others only have longer lines.
 */
export function layerSizes(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
): Sizes[][] {
  const parts = partsOf(model, request);
  const fits = (sizes: Sizes) =>
    cut(widthsOf(parts, sizes), sizes.rows, wafer, wafers) !== undefined;
  const { buffers } = MAPPINGS[request.mapping];
  const slices = ({ rows, kinds }: Sizes) =>
    kinds
      .flatMap((columns, layerKind) =>
        buffers({ kind: 'layer', layerKind }, cutOf(model, request, rows, columns)),
      )
      .map(({ length }) => length)
      .join();
  const alike = (sizes: Sizes): Sizes => {
    const widest = Math.max(...sizes.kinds);
    return { ...sizes, kinds: sizes.kinds.map(() => widest) };
  };
  return leastSizes(model, wafer, request, tallestHeights(wafer))
    .map(alike)
    .filter(fits)
    .map((least) => widenedLayers(least, wafer, fits))
    .map((wider) => wider.filter((of, i) => i === 0 || slices(of) !== slices(wider[i - 1])));
}
