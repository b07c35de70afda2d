/**
 * All-reduce: every core of a row ends with the sum of all vectors. Two-level tree (WaferLLM, OSDI
 * 2025), chain (reduce to core 0, then multicast back), or ring (reduce-scatter, then all-gather).
 */
import { EAST, RAMP, WEST, accumulate, addBuffer, assemble } from '../program/builder.js';
import { relay, route, send, store } from '../program/builder.js';
import type { CoreCode, FloatType, Stretch, WaferSpec } from '../program/builder.js';
import type { Program, Route } from '../program/program.js';
import { rowKernel, allReduce as appendAllReduce, routesOf } from './collectives.js';
import { CHANNELS, stationsOf } from './line.js';

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

/** Colour from the chain's root, or from the ring's last core, back over the row; 0 and 1 alternate. */
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

/**
 * Ring all-reduce: the vector is cut into one piece per core; each piece goes once around the ring
 * collecting sums (reduce-scatter) and once more to be copied (all-gather). The ring lies on a row:
 * every core sends to its east neighbour, the last one back to core 0 over the whole row.
 * Operations run one after the other, so even cores send first and odd ones receive first: no queue
 * has to hold a whole piece. Operations grow with the square of `pes`.
 */
function ringAllReduce(o: AllReduceOptions, wafer: WaferSpec): Program {
  const roleAt = (x: number) => `core ${x}`;
  const labels = ['reduce-scatter', 'all-gather'];
  return rowKernel('all-reduce ring', o, wafer, labels, roleAt, (core, whole, x) => {
    if (o.pes > 1) core.routes = ringRoutes(x, o.pes);
    writeRing(core, x, o.pes, whole);
  });
}

function sendColor(x: number, pes: number): number {
  return x === pes - 1 ? BACK : x % 2;
}

function receiveColor(x: number, pes: number): number {
  return x === 0 ? BACK : sendColor(x - 1, pes);
}

function ringRoutes(x: number, pes: number): Route[] {
  const last = pes - 1;
  const routes = [route(sendColor(x, pes), RAMP, x === last ? WEST : EAST)];
  routes.push(route(receiveColor(x, pes), x === 0 ? EAST : WEST, RAMP));
  if (x > 0 && x < last) routes.push(route(BACK, EAST, WEST));
  return routes;
}

function writeRing(core: CoreCode, x: number, pes: number, whole: Stretch): void {
  const piece = (number: number): Stretch => {
    const p = ((number % pes) + pes) % pes;
    const start = Math.floor((p * whole.length) / pes);
    const end = Math.floor(((p + 1) * whole.length) / pes);
    return { ...whole, at: whole.at + start, length: end - start };
  };
  for (const label of [0, 1])
    for (let step = 0; step < pes - 1; step++) {
      core.label = label;
      const sends = () => send(core, piece(x - step + label), sendColor(x, pes));
      const take = label === 0 ? accumulate : store;
      if (x % 2 === 0) sends();
      take(core, piece(x - step - 1 + label), receiveColor(x, pes));
      if (x % 2 === 1) sends();
    }
}
