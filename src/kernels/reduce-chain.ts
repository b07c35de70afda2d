/**
 * Chain reduce: the east end sends its vector, every core adds its own on the way, core 0 stores
 * the sum. Two colours alternate from core to core, since a colour has one route per router.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Operation, Program, Route } from '../program/program.js';
import { assemble, kernelCodeBytes, memoryMap } from './assemble.js';
import { accumulate, relay, role, send, sendWest, takeFromEast } from './streams.js';
import type { ReduceOptions } from './reduce.js';

/** A row of `pes` cores; ends when core 0 has stored the sum. */
export function chainReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const last = o.pes - 1;
  const { program, station } = assemble('reduce chain', o.pes, 1, ['reduce'], 0);
  for (let x = 0; x < o.pes; x++) {
    const place = x === 0 ? 'root' : x === last ? 'end' : 'middle';
    station(x, `${place} ${x % 2}`, () => {
      const memory = memoryMap();
      const at = memory.add('vector', o.dtype, o.words, true);
      const vector = { label: 0, type: o.dtype, at, length: o.words };
      const [to, from] = [x % 2, (x + 1) % 2];
      const routes: Route[] = [];
      if (x > 0) routes.push(sendWest(to));
      if (x < last) routes.push(takeFromEast(from));
      const operations: Operation[] = [];
      if (x > 0) operations.push(x < last ? relay(vector, from, to) : send(vector, to));
      else if (last > 0) operations.push(accumulate(vector, from));
      return role(`${place} ${x % 2}`, {
        routes,
        operations,
        buffers: memory.buffers,
        codeBytes: kernelCodeBytes(wafer),
      });
    });
  }
  return program;
}
