/**
 * Ring all-reduce: the vector is cut into one piece per core; each piece goes once around the ring
 * collecting sums (reduce-scatter) and once more to be copied (all-gather). The ring lies on a row:
 * every core sends to its east neighbour, the last one back to core 0 over the whole row.
 * Operations run one after the other, so even cores send first and odd ones receive first: no queue
 * has to hold a whole piece.
 */
import { EAST, RAMP, WEST } from '../hardware/mesh.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Operation, Program, Route } from '../program/program.js';
import type { AllReduceOptions } from './all-reduce.js';
import { assemble, kernelCodeBytes, memoryMap } from './assemble.js';
import { accumulate, passWest, role, route, send, store, type Vector } from './streams.js';

const LABELS = ['reduce-scatter', 'all-gather'];
/** The way home from the last core to core 0; eastward colours 0 and 1 alternate. */
const HOME = 2;

/** A row of `pes` cores; operations grow with the square of `pes`. */
export function ringAllReduce(o: AllReduceOptions, wafer: WaferSpec): Program {
  const { program, station } = assemble('all-reduce ring', o.pes, 1, LABELS);
  for (let x = 0; x < o.pes; x++)
    station(x, `${x}`, () => {
      const memory = memoryMap();
      const at = memory.add('vector', o.dtype, o.words, true);
      const whole = { label: 0, type: o.dtype, at, length: o.words };
      return role(`core ${x}`, {
        routes: o.pes > 1 ? ringRoutes(x, o.pes) : [],
        operations: ringOperations(x, o.pes, whole),
        buffers: memory.buffers,
        codeBytes: kernelCodeBytes(wafer),
      });
    });
  return program;
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
  if (x > 0 && x < last) routes.push(passWest(HOME));
  return routes;
}

function ringOperations(x: number, pes: number, whole: Vector): Operation[] {
  const operations: Operation[] = [];
  const piece = (number: number, label: number): Vector => {
    const p = ((number % pes) + pes) % pes;
    const start = Math.floor((p * whole.length) / pes);
    const end = Math.floor(((p + 1) * whole.length) / pes);
    return { ...whole, label, at: whole.at + start, length: end - start };
  };
  for (const label of [0, 1])
    for (let step = 0; step < pes - 1; step++) {
      const out = piece(x - step + label, label);
      const into = piece(x - step - 1 + label, label);
      const sending = out.length > 0 ? [send(out, sendColor(x, pes))] : [];
      const take = label === 0 ? accumulate : store;
      const taking = into.length > 0 ? [take(into, receiveColor(x, pes))] : [];
      operations.push(...(x % 2 === 0 ? [...sending, ...taking] : [...taking, ...sending]));
    }
  return operations;
}
