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
import { kindsOf, partsOf, widthsOf, type Sizes, type SizedRequest } from './placement.js';

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
  const kinds = kindsOf(partsOf(model, request));
  const asked = request.layerColumns;
  const found: Sizes[] = [];
  for (const rows of request.rows === undefined ? heights : [request.rows]) {
    const columns: Sizes['columns'] = {};
    for (const kind of kinds) {
      const least = leastColumns(kind, model, wafer, request, rows);
      if (least !== undefined) columns[kind] = least;
    }
    if (kinds.some((kind) => columns[kind] === undefined)) continue;
    if (asked === undefined) {
      found.push({ rows, columns });
      continue;
    }
    const layers = typeof asked === 'number' ? [asked] : asked;
    const narrowest = Math.min(...layers);
    if (narrowest < columns.layer! || Math.max(...layers) > wafer.width) continue;
    columns.layer = narrowest;
    found.push({ rows, columns, ...(layers === asked && { layers }) });
  }
  return found;
}

/** Cores of all regions. */
export function coresOf(parts: Part[], sizes: Sizes): number {
  return sizes.rows * widthsOf(parts, sizes).reduce((sum, width) => sum + width, 0);
}

function fewestCores(parts: Part[], candidates: Sizes[]): Sizes {
  const fewest = Math.min(...candidates.map((sizes) => coresOf(parts, sizes)));
  const bent = (sizes: Sizes) => Math.abs(Math.log(sizes.rows / sizes.columns.layer!));
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
      request.layerColumns === undefined ? widened(narrow, 'layer', wafer, fits) : [narrow];
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

/** The given sizes with one kind widened column by column, while it still fits the wafers. */
function widened(
  sizes: Sizes,
  kind: 'layer' | 'head' | 'embedding+head',
  wafer: WaferSpec,
  fits: (sizes: Sizes) => boolean,
): Sizes[] {
  const at = (width: number): Sizes => ({
    ...sizes,
    columns: { ...sizes.columns, [kind]: width },
  });
  const least = sizes.columns[kind]!;
  const most = mostThat((width) => fits(at(width)), least, wafer.width) ?? least;
  return Array.from({ length: most - least + 1 }, (_, i) => at(least + i));
}

/**
 * Heights and widths of layers that fit the wafers, height by height; of widths that cut a layer into
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
  const slices = ({ rows, columns }: Sizes) =>
    buffers('layer', cutOf(model, request, rows, columns.layer!))
      .map(({ length }) => length)
      .join();
  return leastSizes(model, wafer, request, tallestHeights(wafer))
    .filter(fits)
    .map((least) => widened(least, 'layer', wafer, fits))
    .map((wider) => wider.filter((of, i) => i === 0 || slices(of) !== slices(wider[i - 1])));
}
