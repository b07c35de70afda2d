/**
 * Choosing the sizes of regions: one height for all, one width per kind. The least widths follow from
 * SRAM; growth `minimal` takes them where they need the fewest cores, growth `fill` widens layers and
 * head as far as the wafer allows and the estimate of a token's cycles gains by it.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import { leastColumns, mostThat } from './budget.js';
import { tokenCycles } from './estimate.js';
import { pack, strategyOf } from './pack.js';
import { cachePositions, kindsOf, partsOf, type Sizes, type SizedRequest } from './parts.js';

/** Cores beyond the fewest (relative) that `minimal` may spend on a shape nearer to a square. */
const SQUARE_SLACK = 0.02;

/** Sizes for the request on at most `wafers` wafers, or undefined if there are none. */
export function chooseSizes(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
): Sizes | undefined {
  const fits = fitter(model, wafer, request, wafers);
  const least = leastSizes(model, wafer, request).filter(fits);
  if (least.length === 0) return undefined;
  return request.growth === 'minimal'
    ? fewestCores(model, least)
    : fastest(model, wafer, request, least, fits);
}

/** For every height worth trying: the narrowest regions that fit their memory; none if none do. */
export function leastSizes(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): Sizes[] {
  const positions = cachePositions(request);
  const found: Sizes[] = [];
  for (const rows of heights(model, wafer, request)) {
    const sizes: Sizes = { rows, columns: {} };
    for (const kind of kindsOf(model)) {
      const least = leastColumns(kind, model, positions, rows, wafer);
      if (least !== undefined) sizes.columns[kind] = least;
    }
    if (Object.keys(sizes.columns).length < kindsOf(model).length) continue;
    const asked = request.layerColumns;
    if (asked !== undefined) {
      if (asked < sizes.columns.layer! || asked > wafer.width) continue;
      sizes.columns.layer = asked;
    }
    found.push(sizes);
  }
  return found;
}

/** Cores of all regions. */
export function coresOf(model: ModelSpec, sizes: Sizes): number {
  return partsOf(model).reduce((sum, part) => sum + sizes.rows * sizes.columns[part.kind]!, 0);
}

/**
 * Heights at which something changes: the tallest for each number of shelves (no other height of as
 * many shelves has more memory), and the lowest for each slice of the residual stream.
 */
function heights(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): number[] {
  if (request.rows !== undefined) return [request.rows];
  const all = new Set<number>();
  for (let shelves = 1; shelves <= wafer.height; shelves++)
    all.add(Math.floor(wafer.height / shelves));
  for (let dims = 1; dims <= model.dim; dims++) all.add(Math.ceil(model.dim / dims));
  return [...all].filter((rows) => rows <= wafer.height).sort((a, b) => a - b);
}

function fitter(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
): (sizes: Sizes) => boolean {
  const parts = partsOf(model);
  const strategy = strategyOf(request.strategy);
  return (sizes) => pack(parts, sizes, strategy, wafer, wafers) !== undefined;
}

function fewestCores(model: ModelSpec, candidates: Sizes[]): Sizes {
  const fewest = Math.min(...candidates.map((sizes) => coresOf(model, sizes)));
  const bent = (sizes: Sizes) => Math.abs(Math.log(sizes.rows / sizes.columns.layer!));
  return candidates
    .filter((sizes) => coresOf(model, sizes) <= fewest * (1 + SQUARE_SLACK))
    .reduce((best, sizes) => (bent(sizes) < bent(best) ? sizes : best));
}

function fastest(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  least: Sizes[],
  fits: (sizes: Sizes) => boolean,
): Sizes {
  const cycles = (sizes: Sizes) => tokenCycles(model, wafer, request.maxPositions, sizes);
  let best = least[0]!;
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

/** The given sizes with one kind widened column by column, as far as it still fits the wafers. */
function widened(
  sizes: Sizes,
  kind: 'layer' | 'head' | 'embedding+head',
  wafer: WaferSpec,
  fits: (sizes: Sizes) => boolean,
): Sizes[] {
  const at = (width: number): Sizes => ({
    rows: sizes.rows,
    columns: { ...sizes.columns, [kind]: width },
  });
  const least = sizes.columns[kind]!;
  const most = mostThat((width) => fits(at(width)), least, wafer.width) ?? least;
  return Array.from({ length: most - least + 1 }, (_, i) => at(least + i));
}
