/**
 * All-reduce: every core of a row ends with the sum of all vectors. Two-level tree (WaferLLM, OSDI
 * 2025), chain (reduce to core 0, then multicast back), or ring (reduce-scatter, then all-gather).
 */
import type { FloatType } from '../numeric/types.js';
import { EAST, RAMP, WEST } from '../hardware/mesh.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Operation, Program, Route } from '../program/program.js';
import { allReduce as appendAllReduce, routesOf, type CoreCode } from '../lowering/core-code.js';
import { CHANNELS, stationsOf } from './line.js';
import { assemble, kernelCodeBytes, memoryMap } from './assemble.js';
import { accumulate, relay, role, route, send, sendWest, store, takeFromEast } from './streams.js';
import { ringAllReduce } from './ring.js';

export const ALL_REDUCE_ALGORITHMS = ['tree', 'chain', 'ring'] as const;

export interface AllReduceOptions {
  algorithm: (typeof ALL_REDUCE_ALGORITHMS)[number];
  pes: number;
  /** Groups of the two-level tree. */
  groups: number;
  /** Elements of each core's vector. */
  words: number;
  dtype: FloatType;
}

/** The program; each core's vector is its buffer `vector`, and holds the sum at the end. */
export function allReduce(options: AllReduceOptions, wafer: WaferSpec): Program {
  switch (options.algorithm) {
    case 'tree':
      return treeAllReduce(options, wafer);
    case 'chain':
      return chainAllReduce(options, wafer);
    case 'ring':
      return ringAllReduce(options, wafer);
  }
}

function treeAllReduce(o: AllReduceOptions, wafer: WaferSpec): Program {
  const { program, station } = assemble('all-reduce tree', o.pes, 1, ['all-reduce']);
  const colors = Array.from({ length: CHANNELS }, (_, channel) => channel);
  stationsOf(o.pes, o.groups).forEach((does, x) => {
    station(x, does, () => {
      const place = { station: does, axis: 'x' as const, colors };
      const memory = memoryMap();
      const at = memory.add('vector', o.dtype, o.words, true);
      const code: CoreCode = { buffers: memory.buffers, at: {}, operations: [], label: 0 };
      appendAllReduce(code, place, 'add', o.dtype, at, o.words);
      return role(`station of core ${x}`, {
        routes: routesOf(place),
        operations: code.operations,
        buffers: memory.buffers,
        codeBytes: kernelCodeBytes(wafer),
      });
    });
  });
  return program;
}

/** Colour of the multicast back; the chain alternates between 0 and 1. */
const BACK = 2;

function chainAllReduce(o: AllReduceOptions, wafer: WaferSpec): Program {
  const last = o.pes - 1;
  const { program, station } = assemble('all-reduce chain', o.pes, 1, ['reduce', 'broadcast']);
  for (let x = 0; x < o.pes; x++) {
    const name = `${x === 0 ? 'root' : x === last ? 'end' : 'middle'} ${x % 2}`;
    station(x, name, () => {
      const memory = memoryMap();
      const at = memory.add('vector', o.dtype, o.words, true);
      const vector = { label: 0, type: o.dtype, at, length: o.words };
      const back = { ...vector, label: 1 };
      const [to, from] = [x % 2, (x + 1) % 2];
      const routes: Route[] = [];
      const operations: Operation[] = [];
      if (x < last) routes.push(takeFromEast(from));
      if (x === 0 && last > 0) {
        routes.push(route(BACK, RAMP, EAST));
        operations.push(accumulate(vector, from), send(back, BACK));
      } else if (x > 0) {
        routes.push(sendWest(to), route(BACK, WEST, ...(x < last ? [EAST, RAMP] : [RAMP])));
        operations.push(x < last ? relay(vector, from, to) : send(vector, to), store(back, BACK));
      }
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
