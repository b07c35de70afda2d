/** Collectives on a line of cores (see line.ts), appended to the code of a core that stands on it. */
import { EAST, NORTH, RAMP, SOUTH, WEST, route } from '../program/builder.js';
import { accumulate, addBuffer, assemble, relay, send, store } from '../program/builder.js';
import type { Code, CoreCode, FloatType, Stretch, WaferSpec } from '../program/builder.js';
import type { Program, Route } from '../program/program.js';
import { MULTICAST, type Side, type Station } from './line.js';

export type Axis = 'x' | 'y';

/** Where one core stands on a line: its station, the line's axis, and the colour of each channel. */
export interface LinePlace {
  station: Station;
  axis: Axis;
  colors: number[];
}

/** The port of each side of a line along an axis. */
export const PORT: Record<Axis, Record<Side, number>> = {
  x: { back: WEST, ahead: EAST, core: RAMP },
  y: { back: NORTH, ahead: SOUTH, core: RAMP },
};

/** The routes that a place on a line needs at its router. */
export function routesOf({ station, axis, colors }: LinePlace): Route[] {
  const port = PORT[axis];
  return station.routes.map(({ channel, from, to }) =>
    route(colors[channel], port[from], ...to.map((side) => port[side])),
  );
}

/** Appends the reduction of `length` elements at `at` over a line; its root holds the result. */
export function reduce(
  code: Code,
  { station, colors }: LinePlace,
  fn: 'add' | 'max' | 'min',
  type: FloatType,
  at: number,
  length: number,
): void {
  const own = { type, at, length };
  for (const step of station.steps) {
    if (step.receive === undefined) send(code, own, colors[step.send]);
    else if (step.send === undefined) accumulate(code, own, colors[step.receive], fn);
    else relay(code, own, colors[step.receive], colors[step.send], fn);
  }
}

/** Appends a reduction whose result every core of the line holds. */
export function allReduce(
  code: Code,
  place: LinePlace,
  fn: 'add' | 'max' | 'min',
  type: FloatType,
  at: number,
  length: number,
): void {
  reduce(code, place, fn, type, at, length);
  if (!place.station.multicast) return;
  const pass = place.station.root ? send : store;
  pass(code, { type, at, length }, place.colors[MULTICAST]);
}

/** A rectangle of cores, each with a vector of so many words. */
export interface AreaOptions {
  width: number;
  height: number;
  words: number;
  dtype: FloatType;
}

/** A kernel on a rectangle of cores: their roles have names, and are written with their vector. */
export function areaKernel(
  name: string,
  { width, height, words, dtype }: AreaOptions,
  wafer: WaferSpec,
  labels: string[],
  roleAt: (x: number, y: number) => string,
  write: (core: CoreCode, vector: Stretch, x: number, y: number) => void,
  isPreloaded = (_x: number, _y: number) => true,
): Program {
  const { program, station } = assemble(name, width, height, labels, wafer.core.codeBytes.stack);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      station(y * width + x, roleAt(x, y), (core) => {
        const at = addBuffer(core, 'vector', dtype, words, isPreloaded(x, y));
        write(core, { type: dtype, at, length: words }, x, y);
      });
  return program;
}
