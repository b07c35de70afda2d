/**
 * Broadcast: core 0 sends its vector east along the row; every router passes it on and hands a copy
 * to its core, which costs nothing (multicast).
 */
import { EAST, RAMP, WEST, route, send, store } from '../program/builder.js';
import type { CoreCode, Stretch, WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { rowKernel, type RowOptions } from './collectives.js';

const COLOR = 0;

/** A row of `pes` cores; core 0's buffer `vector` is in every core's `vector` at the end. */
export function broadcast(o: RowOptions, wafer: WaferSpec): Program {
  const last = o.pes - 1;
  const roleAt = (x: number) => (x === 0 ? 'root' : x === last ? 'end' : 'middle');
  const write = (core: CoreCode, vector: Stretch, x: number) => {
    if (x > 0) {
      core.routes.push(route(COLOR, WEST, ...(x < last ? [EAST, RAMP] : [RAMP])));
      store(core, vector, COLOR);
    } else if (last > 0) {
      core.routes.push(route(COLOR, RAMP, EAST));
      send(core, vector, COLOR);
    }
  };
  return rowKernel('broadcast', o, wafer, ['broadcast'], roleAt, write, (x) => x === 0);
}
