/**
 * Placing a model on wafers: sizes from SRAM and growth (sizes.ts), places from a strategy (pack.ts),
 * or a refusal that says what would fit (capacity.ts).
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import { regionBytes } from './budget.js';
import { doesNotFit, wafersNeeded } from './capacity.js';
import { pack, strategyOf } from './pack.js';
import { cachePositions, partsOf, type SizedRequest } from './parts.js';
import type { Placement } from './placement.js';
import { chooseSizes } from './sizes.js';
import { placeSquare } from './waferllm.js';

/**
 * Rectangles of cores for every layer, the embedding and the head (or, with mapping `waferllm`, for
 * one layer). Throws CapacityError if the wafers do not hold them, RangeError if the request names an
 * unknown strategy or holds a number that is not a positive integer.
 */
export function place(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): Placement {
  const strategy = strategyOf(request.strategy);
  checkNumbers(request);
  if (request.mapping === 'waferllm') return placeSquare(model, wafer, request);
  const wafers = wafer.wafers === 'auto' ? wafersNeeded(model, wafer, request) : wafer.wafers;
  const sizes = chooseSizes(model, wafer, request, wafers);
  if (sizes === undefined) throw doesNotFit(model, wafer, request);
  const parts = partsOf(model);
  const positions = pack(parts, sizes, strategy, wafer, wafers)!;
  const regions = parts.map((part, i) => {
    const width = sizes.columns[part.kind]!;
    const bytes = regionBytes(part.kind, model, cachePositions(request), sizes.rows, width, wafer);
    return { ...part, ...positions[i], width, height: sizes.rows, sramBytesPerCore: bytes };
  });
  return { strategy: request.strategy, regions, wafers: regions.at(-1)!.wafer + 1 };
}

function checkNumbers(request: SizedRequest): void {
  for (const name of ['maxPositions', 'batch', 'rows', 'layerColumns'] as const) {
    const value = request[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw new RangeError(`${name}: expected a positive integer, found ${value}`);
  }
}
