/** Collectives on a line of cores (see line.ts), appended to the code of a core that stands on it. */
import { EAST, NORTH, RAMP, SOUTH, WEST, route } from '../program/builder.js';
import { accumulate, addBuffer, relay, send, store } from '../program/builder.js';
import type { Code, CoreCode, FloatType, Stretch } from '../program/builder.js';
import type { Route } from '../program/program.js';
import { MULTICAST, type Side, type Station } from './line.js';

export type Axis = 'x' | 'y';

/** Where one core stands on a line: its station, the line's axis, and the colour of each channel. */
export interface Place {
  station: Station;
  axis: Axis;
  colors: number[];
}

const PORT: Record<Axis, Record<Side, number>> = {
  x: { back: WEST, ahead: EAST, core: RAMP },
  y: { back: NORTH, ahead: SOUTH, core: RAMP },
};

/** The routes that a place on a line needs at its router. */
export function routesOf({ station, axis, colors }: Place): Route[] {
  const port = PORT[axis];
  return station.routes.map(({ channel, from, to }) =>
    route(colors[channel], port[from], ...to.map((side) => port[side])),
  );
}

/** Appends the reduction of `length` elements at `at` over a line; its root holds the result. */
export function reduce(
  code: Code,
  { station, colors }: Place,
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
  place: Place,
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

/** Gives a core of a kernel its buffer `vector`. */
export function addVector(
  core: CoreCode,
  { dtype, words }: { dtype: FloatType; words: number },
  preloaded = true,
): Stretch {
  const at = addBuffer(core, 'vector', dtype, words, preloaded);
  return { type: dtype, at, length: words };
}
