/**
 * Operations and routes of one core on a line of cores that runs from west to east, as the
 * collective kernels use them: send from memory, add what arrives, relay a sum, store.
 */
import type { FloatType } from '../numeric/types.js';
import { EAST, portMask, RAMP, WEST } from '../hardware/mesh.js';
import type { Role, Route, VectorOp } from '../program/program.js';

/** `length` elements of `type` from cell `at` on, counted under operator `label`. */
export interface Vector {
  label: number;
  type: FloatType;
  at: number;
  length: number;
}

/** Memory to fabric. */
export function send(v: Vector, color: number): VectorOp {
  return { ...head(v), fn: 'move', dst: { color }, a: { at: v.at, stride: 1 } };
}

/** Fabric to memory. */
export function store(v: Vector, color: number): VectorOp {
  return { ...head(v), fn: 'move', dst: { at: v.at, stride: 1 }, a: { color } };
}

/** Memory += fabric. */
export function accumulate(v: Vector, color: number): VectorOp {
  const own = { at: v.at, stride: 1 };
  return { ...head(v), fn: 'add', dst: own, a: { color }, b: own };
}

/** Fabric + memory to fabric, without storing the sum. */
export function relay(v: Vector, from: number, to: number): VectorOp {
  return {
    ...head(v),
    fn: 'add',
    dst: { color: to },
    a: { color: from },
    b: { at: v.at, stride: 1 },
  };
}

function head(v: Vector): { kind: 'vector'; label: number; type: FloatType; length: number } {
  return { kind: 'vector', label: v.label, type: v.type, length: v.length };
}

export function route(color: number, input: number, ...outputs: number[]): Route {
  return { color, inputs: portMask(input), outputs: portMask(...outputs) };
}

export const sendWest = (color: number): Route => route(color, RAMP, WEST);
export const takeFromEast = (color: number): Route => route(color, EAST, RAMP);
export const passWest = (color: number): Route => route(color, EAST, WEST);

/** A role of a kernel; its name is its key. */
export function role(
  name: string,
  parts: Pick<Role, 'routes' | 'operations' | 'buffers' | 'codeBytes'>,
): Role {
  return { name, ...parts };
}
