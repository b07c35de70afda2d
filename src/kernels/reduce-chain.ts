/**
 * Chain reduce: the east end sends its vector, every core adds its own on the way, core 0 stores
 * the sum. Two colours alternate from core to core, since a colour has one route per router.
 */
import { EAST, RAMP, WEST, accumulate } from '../program/builder.js';
import { relay, route, send, type WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { rowKernel } from './collectives.js';
import type { ReduceOptions } from './reduce.js';

/** A row of `pes` cores; ends when core 0 has stored the sum. */
export function chainReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const last = o.pes - 1;
  const placeOf = (x: number) => (x === 0 ? 'root' : x === last ? 'end' : 'middle');
  const roleAt = (x: number) => `${placeOf(x)} ${x % 2}`;
  return rowKernel('reduce chain', o, wafer, ['reduce'], roleAt, (core, vector, x) => {
    const [to, from] = [x % 2, (x + 1) % 2];
    if (x > 0) core.routes.push(route(to, RAMP, WEST));
    if (x < last) core.routes.push(route(from, EAST, RAMP));
    if (x === last && x > 0) send(core, vector, to);
    else if (x > 0) relay(core, vector, from, to);
    else if (last > 0) accumulate(core, vector, from);
  });
}
