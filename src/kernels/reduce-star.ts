/**
 * Star reduce: every core sends its own vector to core 0 on one colour, the farthest first, and
 * core 0 adds them one after the other. A core first listens to what passes (its router hands it a
 * copy), so that it knows when the vectors from behind are through and it may turn its route to its
 * own.
 */
import { elementsPerWavelet } from '../numeric/types.js';
import { EAST, portMask, RAMP, WEST } from '../hardware/mesh.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Operation, Program, Route } from '../program/program.js';
import { assemble, kernelCodeBytes, memoryMap } from './assemble.js';
import {
  accumulate,
  role,
  route,
  send,
  sendWest,
  store,
  takeFromEast,
  type Vector,
} from './streams.js';
import type { ReduceOptions } from './reduce.js';

const COLOR = 0;

/** A row of `pes` cores; ends when core 0 has added the last vector. */
export function starReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const { program, station } = assemble('reduce star', o.pes, 1, ['reduce'], 0);
  for (let x = 0; x < o.pes; x++) {
    const behind = o.pes - 1 - x;
    const name = x === 0 ? 'root' : `${behind} behind`;
    station(x, name, () => {
      const memory = memoryMap();
      const at = memory.add('vector', o.dtype, o.words, true);
      const vector = { label: 0, type: o.dtype, at, length: o.words };
      const parts =
        x === 0
          ? { routes: behind ? [takeFromEast(COLOR)] : [], operations: addAll(vector, behind) }
          : sender(vector, behind, behind ? memory.add('passing', o.dtype, 1) : 0);
      return role(name, { ...parts, buffers: memory.buffers, codeBytes: kernelCodeBytes(wafer) });
    });
  }
  return program;
}

function addAll(vector: Vector, vectors: number): Operation[] {
  return Array.from({ length: vectors }, () => accumulate(vector, COLOR));
}

/** Lets `behind` vectors pass, each word stored over the last in one cell, then sends its own. */
function sender(
  vector: Vector,
  behind: number,
  passing: number,
): { routes: Route[]; operations: Operation[] } {
  if (behind === 0) return { routes: [sendWest(COLOR)], operations: [send(vector, COLOR)] };
  const perWavelet = elementsPerWavelet(vector.type);
  const padded = perWavelet * Math.ceil(vector.length / perWavelet);
  const listen = {
    ...store(vector, COLOR),
    length: behind * padded,
    dst: { at: passing, stride: 0 },
  };
  const turn: Operation = {
    kind: 'route',
    label: vector.label,
    color: COLOR,
    inputs: portMask(RAMP),
    outputs: portMask(WEST),
  };
  return {
    routes: [route(COLOR, EAST, WEST, RAMP)],
    operations: [listen, turn, send(vector, COLOR)],
  };
}
