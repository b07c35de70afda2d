/**
 * Ring all-reduce: the vector is cut into one piece per core; each piece goes once around the ring
 * collecting sums (reduce-scatter) and once more to be copied (all-gather). The ring lies on a row:
 * every core sends to its east neighbour, the last one back to core 0 over the whole row.
 * Operations run one after the other, so even cores send first and odd ones receive first: no queue
 * has to hold a whole piece.
 */
import { EAST, RAMP, WEST, accumulate } from '../program/builder.js';
import { route, send, store, type CoreCode, type Stretch } from '../program/builder.js';
import type { WaferSpec } from '../program/builder.js';
import type { Program, Route } from '../program/program.js';
import type { AllReduceOptions } from './all-reduce.js';
import { rowKernel } from './collectives.js';

const LABELS = ['reduce-scatter', 'all-gather'];
/** The way home from the last core to core 0; eastward colours 0 and 1 alternate. */
const HOME = 2;

/** A row of `pes` cores; operations grow with the square of `pes`. */
export function ringAllReduce(o: AllReduceOptions, wafer: WaferSpec): Program {
  const roleAt = (x: number) => `core ${x}`;
  return rowKernel('all-reduce ring', o, wafer, LABELS, roleAt, (core, whole, x) => {
    if (o.pes > 1) core.routes = ringRoutes(x, o.pes);
    writeRing(core, x, o.pes, whole);
  });
}

function sendColor(x: number, pes: number): number {
  return x === pes - 1 ? HOME : x % 2;
}

function receiveColor(x: number, pes: number): number {
  return x === 0 ? HOME : sendColor(x - 1, pes);
}

function ringRoutes(x: number, pes: number): Route[] {
  const last = pes - 1;
  const routes = [route(sendColor(x, pes), RAMP, x === last ? WEST : EAST)];
  routes.push(route(receiveColor(x, pes), x === 0 ? EAST : WEST, RAMP));
  if (x > 0 && x < last) routes.push(route(HOME, EAST, WEST));
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
