/**
 * Gather: core 0 gets the vectors of all cores of a row, the nearest first. Every core sends its own on one
 * colour and marks the last word; its router then passes on what comes from farther out. Core 0 stores all
 * of them by one operation, whole wavelets of each.
 */
import { RAMP, addBuffer, paddedLength, route, store } from '../program/builder.js';
import type { WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { areaKernel, type AreaOptions } from './collectives.js';
import { placeOn } from './line-place.js';
import { sendInTurn } from './line-reduce.js';

/** A row of cores; what comes from core x is at `(x - 1) * paddedLength` of core 0's buffer `gathered`. */
export function gather(o: Omit<AreaOptions, 'height'>, wafer: WaferSpec): Program {
  const last = o.width - 1;
  const keyAt = (x: number) => (x === 0 ? 'root' : x === last ? 'end' : 'sender');
  const area = { ...o, height: 1 };
  const program = areaKernel('gather', area, wafer, ['gather'], keyAt, (core, vector, x) => {
    const line = { index: x, length: o.width, group: 1, color: 0, label: 0 };
    const place = placeOn('row', line);
    if (x > 0) return sendInTurn(core, vector, place);
    if (last === 0) return;
    const length = last * paddedLength(vector);
    const at = addBuffer(core, 'gathered', o.dtype, length);
    core.routes.push(route(0, place.ahead, RAMP));
    store(core, { type: o.dtype, at, length }, 0);
  });
  return { ...program, root: 0 };
}
