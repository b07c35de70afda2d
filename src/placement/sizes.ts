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
import { cutOf, holds, leastColumns, mayRise, variantsOf } from './budget.js';
import { estimator, type Estimator } from './estimate.js';
import { everyHeight, triedHeights } from './heights.js';
import { CUTS, type Cutting } from './pack.js';
import { formsOf, isPerLayer, partKindsOf, partsOf, widthsFor, widthsOf } from './placement.js';
import type { Form, Formed, Sizes, SizedRequest } from './placement.js';
import { fastestTable, fastestWidened, heightsOf, knobsOf, takesMore } from './widened.js';
import { widened, widthRange, type IsHeld } from './widened.js';

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
  let best: (Chosen & Costs) | undefined;
  for (const formed of formsOf(request)) {
    const { layers, latent } = formed;
    const form = { layers, latent };
    const estimates = estimator(model, wafer, formed);
    // Another form can only be better than one on a single wafer if it is faster.
    const limit = best?.wafers === 1 && best.form.latent === latent ? best.cycles : Infinity;
    const sizes = sizesIn(cut, model, wafer, formed, wafers, estimates, limit);
    if (sizes === undefined) continue;
    const counts = cut(widthsOf(partsOf(model, formed), sizes), sizes.rows, wafer, wafers)!;
    const found = { form, sizes, wafers: counts.length, cycles: estimates.token(sizes) };
    if (best === undefined || isBetter(found, best)) best = found;
  }
  return best;
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

/** Undefined if there are none, or a token takes more than `limit` with all. */
function sizesIn(
  cut: Cutting,
  model: ModelSpec,
  wafer: WaferSpec,
  request: Formed,
  wafers: number,
  estimates: Estimator,
  limit: number,
): Sizes | undefined {
  const parts = partsOf(model, request);
  const widths = widthsFor(parts);
  const fits = (sizes: Sizes) => cut(widths(sizes), sizes.rows, wafer, wafers) !== undefined;
  const minimal = request.growth === 'minimal';
  const heights = minimal ? everyHeight(wafer) : triedHeights(model, wafer);
  const least = leastSizes(model, wafer, request, heights).filter(fits);
  if (least.length === 0) return undefined;
  if (minimal) return fewestCores(parts, least);
  const isHeld = heldIn(model, wafer, request);
  const by = { knobs: knobsOf(parts), widths, wafer, wafers, fits, isHeld, estimates };
  // What is left of the shelves goes to the head: the embedding has nothing to gain from columns.
  const table = model.tied ? 'embedding+head' : 'head';
  if (request.layerColumns !== undefined)
    return fastestTable(fewestCycles(least, estimates), table, by);
  const wider = heightsOf(least, by);
  if (wider.every((height) => takesMore(height, limit, by, table))) return undefined;
  return fastestTable(fastestWidened(wider, by), table, by);
}

function fewestCycles(all: readonly Sizes[], { token }: Estimator): Sizes {
  return all.reduce((a, b) => (token(b) < token(a) ? b : a));
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
  /** Cores of the narrowest region of each kind, of the height before: the next one has about as many. */
  const cores: Record<string, number> = {};
  for (const rows of request.rows === undefined ? heights : [request.rows]) {
    const columns: Record<string, number> = {};
    const fitsAny = kinds.every((part) => {
      const key = keyOfPart(part);
      const guess = cores[key] && Math.min(wafer.width, Math.ceil(cores[key] / rows));
      const least = leastColumns(part, model, wafer, request, rows, guess);
      if (least === undefined) return false;
      columns[key] = least;
      cores[key] = rows * least;
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

/** Whether cores hold these of the parts, which are at least as wide as the narrowest that they hold. */
function heldIn(model: ModelSpec, wafer: WaferSpec, request: Formed): IsHeld {
  if (!mayRise(model)) return () => true;
  const kinds = new Map(partKindsOf(partsOf(model, request)).map((of) => [keyOfPart(of), of]));
  return ({ rows, columns }, keys) =>
    keys.every((key) => holds(kinds.get(key)!, model, wafer, request, rows, columns[key]));
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
  const widths = widthsFor(parts);
  const fits = (sizes: Sizes) => cut(widths(sizes), sizes.rows, wafer, wafers) !== undefined;
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
    const { least, most } = widthRange(sizes, keys, { wafer, fits });
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

function range(least: number, most: number): number[] {
  return Array.from({ length: most - least + 1 }, (_, i) => least + i);
}
