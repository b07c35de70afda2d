/**
 * All-reduce: every core of a row ends with the sum of all vectors. Two-level tree (WaferLLM, OSDI
 * 2025), chain (reduce to core 0, then multicast back), or ring (reduce-scatter, then all-gather).
 */
import {
  EAST,
  RAMP,
  WEST,
  accumulate,
  addBuffer,
  assemble,
  relay,
  route,
  send,
  store,
  type CoreCode,
  type FloatType,
  type WaferSpec,
} from '../program/builder.js';
import type { Program } from '../program/program.js';
import { rowKernel, allReduce as appendAllReduce, routesOf } from './collectives.js';
import { CHANNELS, stationsOf } from './line.js';
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
  const { program, station } = assemble(
    'all-reduce tree',
    o.pes,
    1,
    ['all-reduce'],
    wafer.core.codeBytes.stack,
  );
  stationsOf(o.pes, o.groups).forEach((does, x) => {
    const place = { station: does, axis: 'x' as const, colors: CHANNELS };
    const write = (core: CoreCode) => {
      const at = addBuffer(core, 'vector', o.dtype, o.words, true);
      core.routes = routesOf(place);
      appendAllReduce(core, place, 'add', o.dtype, at, o.words);
    };
    station(x, `station of core ${x}`, write, does);
  });
  return program;
}

/** Colour of the multicast back; the chain alternates between 0 and 1. */
const BACK = 2;

function chainAllReduce(o: AllReduceOptions, wafer: WaferSpec): Program {
  const last = o.pes - 1;
  const placeOf = (x: number) => (x === 0 ? 'root' : x === last ? 'end' : 'middle');
  const roleAt = (x: number) => `${placeOf(x)} ${x % 2}`;
  const labels = ['reduce', 'broadcast'];
  return rowKernel('all-reduce chain', o, wafer, labels, roleAt, (core, vector, x) => {
    const [to, from] = [x % 2, (x + 1) % 2];
    if (x < last) core.routes.push(route(from, EAST, RAMP));
    if (x === 0 && last > 0) {
      core.routes.push(route(BACK, RAMP, EAST));
      accumulate(core, vector, from);
      core.label = 1;
      send(core, vector, BACK);
    } else if (x > 0) {
      core.routes.push(route(to, RAMP, WEST));
      core.routes.push(route(BACK, WEST, ...(x < last ? [EAST, RAMP] : [RAMP])));
      if (x < last) relay(core, vector, from, to);
      else send(core, vector, to);
      core.label = 1;
      store(core, vector, BACK);
    }
  });
}
