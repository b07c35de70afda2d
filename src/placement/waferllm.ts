/**
 * The region of the published WaferLLM kernel (machine-model section 5): one layer on P x P cores,
 * full-width K and V, no embedding and no head.
 */
import { BYTES } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import { codeBytesOf, leastThat, mostThat } from './budget.js';
import { CapacityError } from './errors.js';
import type { SizedRequest } from './parts.js';
import type { Placement } from './placement.js';

/**
 * Bytes of SRAM of one of side x side cores, code included: a weight takes as much as an activation,
 * and all heads share one row of scores, as published. `positions` are those of each user.
 */
export function waferllmBytes(
  model: ModelSpec,
  positions: number,
  side: number,
  wafer: WaferSpec,
  users = 1,
): number {
  const d = Math.ceil(model.dim / side);
  const a = Math.ceil((model.heads * model.headDim) / side);
  const f = Math.ceil(model.ffn / side);
  const s = users * Math.ceil(positions / side);
  const pairs = Math.floor(a / 2);
  const weights = 4 * d * a + 3 * d * f + 2 * d;
  const cache = 2 * a * s;
  const rope = 2 * pairs + 4 * pairs;
  const activations = 3 * d + 4 * a + s + 2 * f + 3;
  const cells = weights + cache + rope + activations;
  return codeBytesOf('layer', wafer.core.codeBytes) + cells * BYTES[model.dtype];
}

/**
 * One square region of `request.rows` x `request.rows` cores, or of the largest square that there is,
 * or with growth `minimal` of the smallest that holds a layer.
 */
export function placeSquare(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): Placement {
  if (request.layerColumns !== undefined)
    throw new RangeError(
      'placement.layerColumns: a waferllm region is a square, give placement.rows',
    );
  const largest = Math.min(wafer.width, wafer.height);
  const bytesAt = (at: number) =>
    waferllmBytes(model, request.maxPositions, at, wafer, request.batch);
  const fits = (at: number) => bytesAt(at) <= wafer.core.sramBytes;
  const minimal = request.growth === 'minimal' ? leastThat(fits, 1, largest) : undefined;
  const side = request.rows ?? minimal ?? largest;
  const bytes = bytesAt(side);
  if (side > largest || bytes > wafer.core.sramBytes) throw tooLarge(model, wafer, request, side);
  const region = { name: 'layer 0', kind: 'layer' as const, layer: 0, wafer: 0, x: 0, y: 0 };
  return {
    strategy: request.strategy,
    regions: [{ ...region, width: side, height: side, sramBytesPerCore: bytes }],
    wafers: 1,
  };
}

function tooLarge(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  side: number,
): CapacityError {
  const most = Math.min(wafer.width, wafer.height);
  const { maxPositions, batch } = request;
  const bytesAt = (positions: number, at: number) =>
    waferllmBytes(model, positions, at, wafer, batch);
  const room = wafer.core.sramBytes;
  const least = leastThat((at) => bytesAt(maxPositions, at) <= room, 1, most);
  const longest = mostThat(
    (context) => bytesAt(context, Math.min(side, most)) <= room,
    1,
    maxPositions,
  );
  const asked = `a waferllm layer of ${model.name} on ${side}x${side} cores`;
  const found =
    side > most
      ? `does not fit the ${wafer.width}x${wafer.height} of the wafer`
      : `needs ${bytesAt(maxPositions, side)} bytes per core of ${room}`;
  const hints = [
    ...(least === undefined ? [] : [`it would fit on ${least}x${least} to ${most}x${most}`]),
    ...(side > most || longest === undefined ? [] : [`the longest context is ${longest}`]),
  ];
  return new CapacityError([`${asked} ${found}`, ...hints].join('; '));
}
