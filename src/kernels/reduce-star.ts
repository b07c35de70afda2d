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
  cell,
  elementsPerWavelet,
  route,
  send,
  vector,
  type CoreCode,
  type Stretch,
  type WaferSpec,
} from '../program/builder.js';
import type { Program } from '../program/program.js';
import { rowKernel } from './collectives.js';
import type { ReduceOptions } from './reduce.js';

const COLOR = 0;

/** A row of `pes` cores; ends when core 0 has added the last vector. */
export function starReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const behindOf = (x: number) => o.pes - 1 - x;
  const roleAt = (x: number) => (x === 0 ? 'root' : `${behindOf(x)} behind`);
  return rowKernel('reduce star', o, wafer, ['reduce'], roleAt, (core, own, x) => {
    const behind = behindOf(x);
    if (x > 0) return sendAfter(core, own, behind);
    if (behind > 0) core.routes.push(route(COLOR, EAST, RAMP));
    for (let i = 0; i < behind; i++) accumulate(core, own, COLOR);
  });
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
