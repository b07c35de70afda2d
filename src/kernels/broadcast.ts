/**
 * Broadcast: core 0 sends its vector east along the row; every router passes it on and hands a copy
 * to its core, which costs nothing (multicast).
 */
import type { FloatType } from '../numeric/types.js';
import { EAST, RAMP, WEST } from '../hardware/mesh.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import { assemble, kernelCodeBytes, memoryMap } from './assemble.js';
import { role, route, send, store } from './streams.js';

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
  const { program, station } = assemble('broadcast', o.pes, 1, ['broadcast']);
  for (let x = 0; x < o.pes; x++) {
    const name = x === 0 ? 'root' : x === last ? 'end' : 'middle';
    station(x, name, () => {
      const memory = memoryMap();
      const at = memory.add('vector', o.dtype, o.words, x === 0);
      const vector = { label: 0, type: o.dtype, at, length: o.words };
      const outputs = x < last ? [EAST, RAMP] : [RAMP];
      const routes =
        x > 0 ? [route(COLOR, WEST, ...outputs)] : last > 0 ? [route(COLOR, RAMP, EAST)] : [];
      const operations = x > 0 ? [store(vector, COLOR)] : last > 0 ? [send(vector, COLOR)] : [];
      return role(name, {
        routes,
        operations,
        buffers: memory.buffers,
        codeBytes: kernelCodeBytes(wafer),
      });
    });
  }
  return program;
}
