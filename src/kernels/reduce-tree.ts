/**
 * Tree reduce: in round r every second of the cores that are left sends its sum 2^r cores to the
 * west, where it is added. Each round has its own colour, so all routes are static.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Operation, Program, Route } from '../program/program.js';
import { assemble, kernelCodeBytes, memoryMap } from './assemble.js';
import { accumulate, passWest, role, send, sendWest, takeFromEast } from './streams.js';
import type { ReduceOptions } from './reduce.js';

/** Rounds, and so colours, that a row of `pes` cores needs. */
export function treeRounds(pes: number): number {
  return Math.ceil(Math.log2(pes));
}

type Part = 'send' | 'take' | 'pass' | 'none';

/** What core x does in a round. */
function partOf(x: number, round: number, pes: number): Part {
  const half = 2 ** round;
  const place = x % (2 * half);
  const sender = x - place + half;
  if (sender >= pes || place > half) return 'none';
  if (place === half) return 'send';
  return place === 0 ? 'take' : 'pass';
}

/** A row of `pes` cores; ends when core 0 has stored the sum. */
export function treeReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const rounds = treeRounds(o.pes);
  const labels = Array.from({ length: rounds }, (_, r) => `round ${r + 1}`);
  const { program, station } = assemble('reduce tree', o.pes, 1, labels, 0);
  for (let x = 0; x < o.pes; x++) {
    const parts = labels.map((_, round) => partOf(x, round, o.pes));
    const name = parts.join(' ');
    station(x, name, () => {
      const memory = memoryMap();
      const at = memory.add('vector', o.dtype, o.words, true);
      const routes: Route[] = [];
      const operations: Operation[] = [];
      parts.forEach((part, round) => {
        const vector = { label: round, type: o.dtype, at, length: o.words };
        if (part === 'send') {
          routes.push(sendWest(round));
          operations.push(send(vector, round));
        } else if (part === 'take') {
          routes.push(takeFromEast(round));
          operations.push(accumulate(vector, round));
        } else if (part === 'pass') routes.push(passWest(round));
      });
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
