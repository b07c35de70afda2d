/** Collectives on a line of cores (see line.ts), appended to the code of a core that stands on it. */
import { EAST, NORTH, RAMP, SOUTH, WEST, route } from '../program/builder.js';
import { accumulate, addBuffer, assemble, relay, send, store } from '../program/builder.js';
import type { Code, CoreCode, FloatType, Stretch, WaferSpec } from '../program/builder.js';
import { waveletsOf } from '../program/exchange.js';
import type { Program, Route } from '../program/program.js';
import { MULTICAST, type Side, type Station, type StationStep } from './line.js';

export type Axis = 'x' | 'y';

/** Where one core stands on a line: its station, the line's axis, and the colour of each channel. */
export interface LinePlace {
  station: Station;
  axis: Axis;
  colors: number[];
  /** Slots of the fabric's queues; for lines whose form depends on it. */
  queueDepth?: number;
}

/** The port of each side of a line along an axis. */
export const PORT: Record<Axis, Record<Side, number>> = {
  x: { back: WEST, ahead: EAST, core: RAMP },
  y: { back: NORTH, ahead: SOUTH, core: RAMP },
};

/** The routes that a place on a line needs at its router. */
export function routesOf({
  station,
  axis,
  colors,
}: {
  station: Pick<Station, 'routes'>;
  axis: Axis;
  colors: readonly number[];
}): Route[] {
  const port = PORT[axis];
  return station.routes.map(({ channel, from, to }) =>
    route(colors[channel], port[from], ...to.map((side) => port[side])),
  );
}

/** How elements are combined. */
type Combines = 'add' | 'max' | 'min';

/** Appends the reduction of `length` elements at `at` over a line; its root holds the result. */
export function reduce(
  code: Code,
  { station, colors }: LinePlace,
  fn: Combines,
  type: FloatType,
  at: number,
  length: number,
): void {
  for (const step of station.steps) take(code, step, colors, fn, { type, at, length });
}

function take(code: Code, step: StationStep, colors: number[], fn: Combines, own: Stretch): void {
  if (step.receive === undefined) send(code, own, colors[step.send]);
  else if (step.send === undefined) accumulate(code, own, colors[step.receive], fn);
  else relay(code, own, colors[step.receive], colors[step.send], fn);
}

/**
 * Does the result of an echoed line stream on from its root? Its cores may still be passing parts on when it
 * comes, so it has to fit their queues.
 */
export function isEchoed(
  { queueDepth = 0 }: Pick<LinePlace, 'queueDepth'>,
  type: FloatType,
  length: number,
): boolean {
  return waveletsOf(type, { length }) <= queueDepth;
}

/** Appends a reduction whose result every core of the line holds. */
export function allReduce(
  code: Code,
  place: LinePlace,
  fn: Combines,
  type: FloatType,
  at: number,
  length: number,
): void {
  const { station, colors } = place;
  const { steps, root, multicast } = station;
  const echo = isEchoed(place, type, length) ? station.echo : undefined;
  const own = { type, at, length };
  if (root && echo !== undefined) {
    steps.forEach((step, i) => {
      const isLast = i === steps.length - 1;
      take(code, isLast ? { receive: step.receive!, send: MULTICAST } : step, colors, fn, own);
    });
    store(code, own, colors[echo]);
    return;
  }
  reduce(code, place, fn, type, at, length);
  if (!multicast) return;
  const pass = root ? send : store;
  pass(code, own, colors[MULTICAST]);
  if (echo !== undefined) send(code, own, colors[echo]);
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
