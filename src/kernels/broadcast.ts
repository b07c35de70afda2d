/**
 * Broadcast: core 0 sends its vector east along the row; every router passes it on and hands a copy
 * to its core, which costs nothing (multicast).
 */
import { EAST, RAMP, WEST, assemble, kernelCodeBytes, route } from '../program/builder.js';
import { send, store, type FloatType, type WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { addVector } from './collectives.js';

export interface BroadcastOptions {
  pes: number;
  /** Elements of the vector. */
  words: number;
  dtype: FloatType;
}

const COLOR = 0;

/** A row of `pes` cores; core 0's buffer `vector` is in every core's `vector` at the end. */
export function broadcast(o: BroadcastOptions, wafer: WaferSpec): Program {
  const last = o.pes - 1;
  const bytes = kernelCodeBytes(wafer);
  const { program, station } = assemble('broadcast', o.pes, 1, ['broadcast'], bytes);
  for (let x = 0; x < o.pes; x++)
    station(x, x === 0 ? 'root' : x === last ? 'end' : 'middle', (core) => {
      const vector = addVector(core, o, x === 0);
      if (x > 0) {
        core.routes.push(route(COLOR, WEST, ...(x < last ? [EAST, RAMP] : [RAMP])));
        store(core, vector, COLOR);
      } else if (last > 0) {
        core.routes.push(route(COLOR, RAMP, EAST));
        send(core, vector, COLOR);
      }
    });
  return program;
}
