/**
 * Star reduce: every core sends its own vector to core 0 on one colour, the farthest first, and
 * core 0 adds them one after the other. A core first listens to what passes (its router hands it a
 * copy), so that it knows when the vectors from behind are through and it may turn its route to its
 * own.
 */
import {
  EAST,
  RAMP,
  WEST,
  accumulate,
  addBuffer,
  append,
  assemble,
  cell,
  elementsPerWavelet,
  kernelCodeBytes,
  route,
  send,
  vector,
  type CoreCode,
  type Stretch,
  type WaferSpec,
} from '../program/builder.js';
import type { Program } from '../program/program.js';
import { addVector } from './collectives.js';
import type { ReduceOptions } from './reduce.js';

const COLOR = 0;

/** A row of `pes` cores; ends when core 0 has added the last vector. */
export function starReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const bytes = kernelCodeBytes(wafer);
  const { program, station } = assemble('reduce star', o.pes, 1, ['reduce'], bytes);
  for (let x = 0; x < o.pes; x++) {
    const behind = o.pes - 1 - x;
    station(x, x === 0 ? 'root' : `${behind} behind`, (core) => {
      const own = addVector(core, o);
      if (x > 0) return sendAfter(core, own, behind);
      if (behind > 0) core.routes.push(route(COLOR, EAST, RAMP));
      for (let i = 0; i < behind; i++) accumulate(core, own, COLOR);
    });
  }
  return program;
}

/** Lets `behind` vectors pass, each word stored over the last in one cell, then sends its own. */
function sendAfter(core: CoreCode, own: Stretch, behind: number): void {
  const west = route(COLOR, RAMP, WEST);
  if (behind > 0) {
    const passing = addBuffer(core, 'passing', own.type, 1);
    const perWavelet = elementsPerWavelet(own.type);
    const words = behind * perWavelet * Math.ceil(own.length / perWavelet);
    vector(core, 'move', own.type, words, cell(passing, 0), { color: COLOR });
    append(core, { kind: 'route', ...west });
  }
  core.routes.push(behind > 0 ? route(COLOR, EAST, WEST, RAMP) : west);
  send(core, own, COLOR);
}
