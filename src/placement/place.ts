/**
 * Placing a model on wafers: sizes from SRAM and growth (sizes.ts), places from a strategy (pack.ts),
 * or a refusal that says what would fit (capacity.ts).
 */
import type { WaferSpec } from '../hardware/wafer.js';
import { isOfLayer } from '../mapping/mapping.js';
import { MAPPINGS } from '../mapping/mappings.js';
import type { ModelSpec } from '../model/model.js';
import { regionBytes, leastThat, mostThat } from './budget.js';
import { doesNotFit, wafersNeeded } from './capacity.js';
import { pack, shareOut, strategyOf, type Search } from './pack.js';
import { estimator } from './estimate.js';
import { isPerLayer, partsOf, widthsOf, CapacityError } from './placement.js';
import type { SizedRequest, Placement } from './placement.js';
import { chooseSizes, type Chosen } from './sizes.js';
import { deadCores, linkHopsOf, repairOf } from '../hardware/defects.js';

/** How a placement is found. */
export interface Placing extends Search {
  /** Gives the sizes of an equal request, if they were chosen before: they do not depend on the strategy. */
  sizes?: ((choose: () => Chosen | undefined) => Chosen | undefined) | undefined;
}

/**
 * Rectangles of cores for every layer, the embedding and the head (or one square, if the
 * mapping has one). Throws CapacityError if the wafers do not hold them, RangeError if the request names an
 * unknown strategy or holds a number that is not a positive integer.
 */
export function place(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  search: Placing = {},
): Placement {
  const strategy = strategyOf(request.strategy);
  checkNumbers(model, request);
  if (MAPPINGS[request.mapping].square) return placeSquare(model, wafer, request);
  const wafers = wafer.wafers === 'auto' ? wafersNeeded(model, wafer, request) : wafer.wafers;
  const { sizes: known = (choose) => choose() } = search;
  const chosen = known(() => chooseSizes(model, wafer, request, wafers));
  if (chosen === undefined) throw doesNotFit(model, wafer, request);
  const { form, sizes } = chosen;
  const asked = { ...request, layers: form.layers, latent: form.latent };
  const parts = partsOf(model, asked);
  const widths = widthsOf(parts, sizes);
  const counts = shareOut(widths, sizes.rows, wafer, wafers)!;
  checkSpares(wafer, counts.length);
  const { received } = MAPPINGS[request.mapping];
  const cutInto = { model, rows: sizes.rows, positions: request.maxPositions };
  const words = parts.map((part) => received(part, cutInto).words);
  const packing = pack(model, { widths, words }, sizes.rows, wafer, counts, strategy, search);
  const { fastest } = estimator(model, wafer, asked);
  const regions = parts.map((part, i) => {
    const width = widths[i];
    const of = fastest(part, sizes.rows, width);
    const bytes = regionBytes(of, model, wafer, request, sizes.rows, width);
    return {
      ...part,
      ...(isOfLayer(of) && of.kvReplicas !== undefined && { kvReplicas: of.kvReplicas }),
      ...(isOfLayer(of) && of.strips !== undefined && { strips: of.strips }),
      ...packing.positions[i],
      width,
      height: sizes.rows,
      sramBytesPerCore: bytes,
    };
  });
  const { handOffCycles, bound } = packing;
  const estimate = { handOffCycles, ...(bound !== undefined && { bound }) };
  const { strategy: named } = request;
  const placement = { strategy: named, ...form, regions, wafers: counts.length, estimate };
  const defects = defectsOf(placement, wafer);
  return defects ? { ...placement, defects } : placement;
}

function checkNumbers(model: ModelSpec, request: SizedRequest): void {
  for (const name of ['maxPositions', 'batch', 'rows', 'layerColumns'] as const) {
    const asked = request[name] ?? 1;
    const values: number[] = typeof asked === 'object' ? Object.values(asked) : [asked];
    const wrong = values.find((value) => !(Number.isInteger(value) && value >= 1));
    if (wrong !== undefined)
      throw new RangeError(`${name}: expected a positive integer, found ${wrong}`);
  }
  const { layerColumns } = request;
  if (isPerLayer(layerColumns) && layerColumns.length !== model.layers.length)
    throw new RangeError(
      `layerColumns: expected one for each of ${model.layers.length} layers, found ${layerColumns.length}`,
    );
}

/** Dead cores of the wafers in use, and the hops of their longest link; undefined on whole wafers. */
function defectsOf({ wafers }: Pick<Placement, 'wafers'>, wafer: WaferSpec): Placement['defects'] {
  if (wafer.defects === undefined) return undefined;
  const { width, height } = wafer;
  let dead = 0;
  let longestLinkHops = 1;
  for (let index = 0; index < wafers; index++) {
    dead += deadCores(wafer, index)!.count;
    const repair = repairOf(wafer, index);
    if (repair === undefined) continue;
    const hops = linkHopsOf(repair, wafer, { x0: 0, y0: 0, width, height });
    longestLinkHops = hops.reduce((a, b) => Math.max(a, b), longestLinkHops);
  }
  return { repair: wafer.defects.repair, deadCores: dead, longestLinkHops };
}

/** Throws CapacityError if some row of the wafers in use has more dead cores than spares. */
function checkSpares(wafer: WaferSpec, wafers: number): void {
  for (let index = 0; index < wafers; index++) {
    const broken = repairOf(wafer, index)?.brokenRows ?? [];
    if (broken.length === 0) continue;
    const rows = broken.length === 1 ? `row ${broken[0]} has` : `${broken.length} rows have`;
    throw new CapacityError(
      `wafer ${index}: ${rows} more dead cores than the ${wafer.defects!.spareColumns} spare ` +
        'columns of hardware.defects; it would fit with more of them, or with fewer dead cores',
    );
  }
}

/**
 * The region of a mapping that has one (machine-model section 5): a square of `request.rows` x
 * `request.rows` cores, or of the largest square that there is, or with growth `minimal` of the smallest
 * that holds a layer.
 */
function placeSquare(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): Placement {
  const { mapping, strategy } = request;
  if (request.layerColumns !== undefined)
    throw new RangeError(
      `placement.layerColumns: a ${mapping} region is a square, give placement.rows`,
    );
  const [part] = partsOf(model, { mapping });
  const largest = Math.min(wafer.width, wafer.height);
  const bytesAt = (at: number, maxPositions = request.maxPositions) =>
    regionBytes(part, model, wafer, { ...request, maxPositions }, at, at);
  const room = wafer.core.sramBytes;
  const least = leastThat((at) => bytesAt(at) <= room, 1, largest);
  const minimal = request.growth === 'minimal' ? least : undefined;
  const side = request.rows ?? minimal ?? largest;
  const bytes = bytesAt(side);
  if (side <= largest && bytes <= room) {
    const at = { wafer: 0, x: 0, y: 0, width: side, height: side };
    return {
      strategy,
      layers: 'whole',
      regions: [{ ...part, ...at, sramBytesPerCore: bytes }],
      wafers: 1,
    };
  }
  const longest = mostThat(
    (context) => bytesAt(Math.min(side, largest), context) <= room,
    1,
    request.maxPositions,
  );
  const found =
    side > largest
      ? `does not fit the ${wafer.width}x${wafer.height} of the wafer`
      : `needs ${bytes} bytes per core of ${room}`;
  const hints = [
    ...(least === undefined ? [] : [`it would fit on ${least}x${least} to ${largest}x${largest}`]),
    ...(side > largest || longest === undefined ? [] : [`the longest context is ${longest}`]),
  ];
  const asked = `a ${mapping} layer of ${model.name} on ${side}x${side} cores`;
  throw new CapacityError([`${asked} ${found}`, ...hints].join('; '));
}
