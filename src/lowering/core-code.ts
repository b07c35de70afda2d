/**
 * The code of one core while it is written: where its buffers lie, and the operations so far. Small
 * functions append operations; kernels (norm.ts, attention.ts ...) are made of them.
 */
import type { FloatType } from '../numeric/types.js';
import { EAST, NORTH, RAMP, SOUTH, WEST, portMask } from '../hardware/mesh.js';
import type { SpecialFn, VectorFn } from '../hardware/wafer.js';
import type { BufferShape } from '../placement/shapes.js';
import type {
  Buffer,
  Destination,
  MemoryOperand,
  Operation,
  Route,
  Source,
  VectorOp,
} from '../program/program.js';
import type { Side, Station } from '../kernels/line.js';

export interface CoreCode {
  buffers: Buffer[];
  /** First cell of each buffer. */
  at: Record<string, number>;
  operations: Operation[];
  /** Label of the operations that are appended next. */
  label: number;
}

/** Lays buffers out one behind the other, in cells. */
export function layOut(shapes: BufferShape[]): Pick<CoreCode, 'buffers' | 'at'> {
  const buffers: Buffer[] = [];
  const at: Record<string, number> = {};
  let next = 0;
  for (const shape of shapes) {
    at[shape.name] = next;
    buffers.push({ ...shape, at: next });
    next += shape.length;
  }
  return { buffers, at };
}

export function cell(at: number, stride = 1): MemoryOperand {
  return { at, stride };
}

/** Appends a vector operation; one of no elements is left out. */
export function vector(
  core: CoreCode,
  fn: VectorFn,
  type: FloatType,
  length: number,
  dst: Destination,
  a: Source,
  b?: Source,
  c?: Source,
): void {
  if (length === 0) return;
  const operation: VectorOp = { kind: 'vector', label: core.label, fn, type, length, dst, a };
  if (b) operation.b = b;
  if (c) operation.c = c;
  core.operations.push(operation);
}

/** Appends "fill with a constant". */
export function fill(
  core: CoreCode,
  type: FloatType,
  at: number,
  length: number,
  constant: number,
): void {
  vector(core, 'move', type, length, cell(at), { constant });
}

/** Appends a special function over cells, in place unless `to` is given. */
export function special(
  core: CoreCode,
  fn: SpecialFn,
  form: 'scalar' | 'vector',
  type: FloatType,
  at: number,
  length: number,
  to = at,
): void {
  if (length === 0) return;
  core.operations.push({ kind: 'special', label: core.label, fn, form, type, length, at, to });
}

export interface Product {
  matrix: number;
  /** Stored rows and their length; row-major without gaps unless `rowStride` is given. */
  rows: number;
  length: number;
  rowStride?: number;
  x: number;
  xStride?: number;
  out: number;
  widen: boolean;
  /** With 8-bit weights: what the result is multiplied by. */
  scale?: number;
}

/** Appends out += matrix (stored by rows of inputs) x, the way of every weight matrix. */
export function matvec(core: CoreCode, form: 'axpy' | 'dot', type: FloatType, p: Product): void {
  if (p.rows === 0 || p.length === 0) return;
  core.operations.push({
    kind: 'matvec',
    label: core.label,
    form,
    type,
    rows: p.rows,
    length: p.length,
    rowStride: p.rowStride ?? p.length,
    matrix: p.matrix,
    x: p.x,
    ...(p.xStride !== undefined && { xStride: p.xStride }),
    out: p.out,
    widen: p.widen,
  });
}

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
export function routesOf(place: Place): Route[] {
  const port = PORT[place.axis];
  return place.station.routes.map((route) => ({
    color: place.colors[route.channel],
    inputs: portMask(port[route.from]),
    outputs: portMask(...route.to.map((side) => port[side])),
  }));
}

/** Appends the reduction of `length` elements at `at` over a line; its root holds the result. */
export function reduce(
  core: CoreCode,
  place: Place,
  fn: 'add' | 'max' | 'min',
  type: FloatType,
  at: number,
  length: number,
): void {
  for (const step of place.station.steps) {
    const dst = step.send === undefined ? cell(at) : { color: place.colors[step.send] };
    if (step.receive === undefined) vector(core, 'move', type, length, dst, cell(at));
    else {
      const received = { color: place.colors[step.receive] };
      vector(core, fn, type, length, dst, received, cell(at));
    }
  }
}

/** Appends a reduction whose result every core of the line holds. */
export function allReduce(
  core: CoreCode,
  place: Place,
  fn: 'add' | 'max' | 'min',
  type: FloatType,
  at: number,
  length: number,
): void {
  reduce(core, place, fn, type, at, length);
  if (!place.station.multicast) return;
  const color = { color: place.colors[4] };
  if (place.station.root) vector(core, 'move', type, length, color, cell(at));
  else vector(core, 'move', type, length, cell(at), color);
}
