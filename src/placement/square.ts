/** The region of a mapping that has one, a square of cores (machine-model section 5). */
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import { leastThat, mostThat, regionBytes } from './budget.js';
import { CapacityError, partsOf, type SizedRequest, type Placement } from './placement.js';

/**
 * One square region of `request.rows` x `request.rows` cores, or of the largest square that there is,
 * or with growth `minimal` of the smallest that holds a layer.
 */
export function placeSquare(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): Placement {
  const { mapping, strategy } = request;
  if (request.layerColumns !== undefined)
    throw new RangeError(
      `placement.layerColumns: a ${mapping} region is a square, give placement.rows`,
    );
  const [part] = partsOf(model, request);
  const largest = Math.min(wafer.width, wafer.height);
  const bytesAt = (at: number, maxPositions = request.maxPositions) =>
    regionBytes(part.kind, model, wafer, { ...request, maxPositions }, at, at);
  const room = wafer.core.sramBytes;
  const least = leastThat((at) => bytesAt(at) <= room, 1, largest);
  const minimal = request.growth === 'minimal' ? least : undefined;
  const side = request.rows ?? minimal ?? largest;
  const bytes = bytesAt(side);
  if (side <= largest && bytes <= room) {
    const at = { wafer: 0, x: 0, y: 0, width: side, height: side };
    return { strategy, regions: [{ ...part, ...at, sramBytesPerCore: bytes }], wafers: 1 };
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
