/**
 * The one way to write a program: the code of a core while it is written (where its buffers lie, and the
 * operations so far), small functions that append to it, and the cores that share a role. Kernels and
 * layers are made of these.
 */
import { portMask } from '../hardware/mesh.js';
import type { SpecialFn, VectorFn } from '../hardware/wafer.js';
import { elementsPerWavelet, type DataType, type FloatType } from '../numeric/types.js';
import type { Buffer, Destination, MatmulOp, MatvecOp, MemoryOperand } from './program.js';
import type { Operation, Program, PutOp, RankOp, Route, Select } from './program.js';
import type { Setting, Source, SpecialForm, VectorOp } from './program.js';

// What programs are written with in addition: ports, types of numbers, the machine.
export { EAST, NORTH, RAMP, SOUTH, WEST, neighbour, opposite } from '../hardware/mesh.js';
export type { WaferSpec } from '../hardware/wafer.js';
export { elementsPerWavelet, type FloatType } from '../numeric/types.js';

/** Operations so far, and the label of those that are appended next. */
export interface Code {
  operations: Operation[];
  label: number;
}

export interface CoreCode extends Code {
  buffers: Buffer[];
  /** First cell of each buffer. */
  at: Record<string, number>;
  /** First routes of the core's router. */
  routes: Route[];
}

/** A core with these buffers, one after the other, and no code yet. */
export function layOut(shapes: Omit<Buffer, 'at'>[] = []): CoreCode {
  const core: CoreCode = { buffers: [], at: {}, routes: [], operations: [], label: 0 };
  for (const { name, type, length, preloaded } of shapes)
    addBuffer(core, name, type, length, preloaded);
  return core;
}

/** Adds a buffer after the others, one cell for each element, and returns its first cell. */
export function addBuffer(
  { buffers, at }: CoreCode,
  name: string,
  type: DataType,
  length: number,
  preloaded = false,
): number {
  const last = buffers.at(-1);
  const first = last === undefined ? 0 : last.at + last.length;
  buffers.push({ name, type, at: first, length, preloaded });
  at[name] = first;
  return first;
}

type Unlabelled<Op> = Op extends Operation ? Omit<Op, 'label'> : never;

/** Appends an operation of any kind. */
export function append(code: Code, operation: Unlabelled<Operation>): void {
  code.operations.push({ label: code.label, ...operation });
}

/** Operations by what they were written for, and the label that was set last. */
export type Written = Map<unknown, Code>;

/**
 * Appends what `write` does, and where that was written before under this key, the same operations: a program of
 * many equal steps keeps each only once, and does not write it again.
 */
export function appendOnce(code: Code, known: Written, key: unknown, write: () => void): void {
  const { operations } = code;
  const written = known.get(key);
  if (written === undefined) {
    const from = operations.length;
    write();
    known.set(key, { operations: operations.slice(from), label: code.label });
    return;
  }
  for (let i = 0; i < written.operations.length; i++) operations.push(written.operations[i]);
  code.label = written.label;
}

export function cell(at: number, stride = 1): MemoryOperand {
  return { at, stride };
}

/** Cells that an operation goes through again and again: element i is cell i mod `wrap`. */
export function ring(at: number, wrap: number): MemoryOperand {
  return { at, stride: 1, wrap };
}

/** One of several operands, chosen by a number in memory. */
export function chosen(at: number, select: Select, stride = 1): MemoryOperand {
  return { at, stride, select };
}

/** Appends a vector operation; one of no elements is left out. */
export function vector(
  code: Code,
  fn: VectorFn,
  type: FloatType,
  length: number,
  dst: Destination,
  a: Source,
  b?: Source,
  c?: Source,
): void {
  if (length === 0) return;
  const operation: VectorOp = { kind: 'vector', label: code.label, fn, type, length, dst, a };
  if (b) operation.b = b;
  if (c) operation.c = c;
  code.operations.push(operation);
}

/** Appends "fill with a constant". */
export function fill(
  code: Code,
  type: FloatType,
  at: number,
  length: number,
  constant: number,
): void {
  vector(code, 'move', type, length, cell(at), { constant });
}

/** Elements in a row of cells. */
export interface Stretch {
  type: FloatType;
  at: number;
  length: number;
}

type Combines = 'add' | 'max' | 'min';

/** Memory to fabric. */
export function send(code: Code, { type, at, length }: Stretch, color: number): void {
  vector(code, 'move', type, length, { color }, cell(at));
}

/** Fabric to memory. */
export function store(code: Code, { type, at, length }: Stretch, color: number): void {
  vector(code, 'move', type, length, cell(at), { color });
}

/** Adds what arrives to memory, or keeps the larger or smaller ones. */
export function accumulate(code: Code, s: Stretch, color: number, fn: Combines = 'add'): void {
  vector(code, fn, s.type, s.length, cell(s.at), { color }, cell(s.at));
}

/** Elements that a stretch has on the fabric: whole wavelets. */
export function paddedLength({ type, length }: Pick<Stretch, 'type' | 'length'>): number {
  const each = elementsPerWavelet(type);
  return each * Math.ceil(length / each);
}

/**
 * Adds to memory what several cores send, one after the other, by one operation: memory is used round and
 * round. The cells after the stretch, up to whole wavelets, have to be there.
 */
export function accumulateAll(code: Code, s: Stretch, times: number, color: number): void {
  const wrap = paddedLength(s);
  const round = ring(s.at, wrap);
  vector(code, 'add', s.type, times * wrap, round, { color }, round);
}

/** The same, but sends the results on and stores nothing. */
export function relay(
  code: Code,
  s: Stretch,
  from: number,
  to: number,
  fn: Combines = 'add',
): void {
  vector(code, fn, s.type, s.length, { color: to }, { color: from }, cell(s.at));
}

/** Sends on the vectors of so many cores, which come one after the other, by one operation; stores nothing. */
export function passOn(
  code: Code,
  s: Pick<Stretch, 'type' | 'length'>,
  times: number,
  from: number,
  to: number,
): void {
  vector(code, 'move', s.type, times * paddedLength(s), { color: to }, { color: from });
}

/** Appends a special function over cells, in place unless `to` is given. */
export function special(
  code: Code,
  fn: SpecialFn,
  form: SpecialForm,
  type: FloatType,
  at: number,
  length: number,
  to = at,
): void {
  if (length > 0) append(code, { kind: 'special', fn, form, type, length, at, to });
}

/** A matrix-vector product; stored rows have no gaps unless `rowStride` is given. */
export type Product = Omit<MatvecOp, 'kind' | 'label' | 'form' | 'type' | 'rowStride'> & {
  rowStride?: number;
};

/** Appends out += matrix (stored by rows of inputs) x, as every weight matrix is used. */
export function matvec(code: Code, form: 'axpy' | 'dot', type: FloatType, product: Product): void {
  if (product.rows === 0 || product.length === 0) return;
  append(code, { kind: 'matvec', form, type, rowStride: product.length, ...product });
}

/** Appends c += a b, for matrices stored as of `MatmulOp`; none if it is to be done 0 times. */
export function matmul(code: Code, product: Omit<MatmulOp, 'kind' | 'label'>): void {
  if (product.repeat !== 0) append(code, { kind: 'matmul', ...product });
}

/** Appends memory[to] = how many of the cells are larger than cell `own` or equal and before it. */
export function rank(code: Code, cells: Omit<RankOp, 'kind' | 'label' | 'type'>): void {
  append(code, { kind: 'rank', type: 'f32', ...cells });
}

/** Appends a copy of cells to a place by an index in memory, done if that is below a number. */
export function put(
  code: Code,
  type: FloatType,
  cells: Omit<PutOp, 'kind' | 'label' | 'type'>,
): void {
  append(code, { kind: 'put', type, ...cells });
}

/** The route of a colour from one port to others. */
export function route(color: number, input: number, ...outputs: number[]): Route {
  return { color, inputs: portMask(input), outputs: portMask(...outputs) };
}

/** Settings of a switch after its first one: `[input, ...outputs]` each. */
export function positions(...settings: [input: number, ...outputs: number[]][]): Setting[] {
  return settings.map(([input, ...outputs]) => ({
    inputs: portMask(input),
    outputs: portMask(...outputs),
  }));
}

/** The last operation appended marks its last wavelet for the switches on its path. */
export function advance({ operations }: Code): void {
  const last = operations.at(-1);
  if (last?.kind === 'vector') last.advance = true;
}

/** A program whose cores are given their code one by one. */
export interface Assembly {
  program: Program;
  /** Gives a core the role of this key (its name, if not given), which is written when the key is new. */
  station: (core: number, name: string, write: (core: CoreCode) => void, key?: unknown) => void;
}

/**
 * Starts a program of `width` x `height` cores, whose memory begins with buffers of these shapes. Every core
 * may have a role of its own.
 */
export function assemble(
  name: string,
  width: number,
  height: number,
  labels: string[],
  codeBytes = 0,
  shapes: Omit<Buffer, 'at'>[] = [],
): Assembly {
  const numbers = new Map<unknown, number>();
  const cores = width * height;
  const roleOf = new (cores > 65_536 ? Uint32Array : Uint16Array)(cores);
  const program: Program = { name, width, height, roles: [], roleOf, labels };
  return {
    program,
    station(core, role, write, key = role) {
      let number = numbers.get(key);
      if (number === undefined) {
        const code = layOut(shapes);
        write(code);
        const { routes, operations, buffers } = code;
        number = program.roles.push({ name: role, routes, operations, buffers, codeBytes }) - 1;
        numbers.set(key, number);
      }
      roleOf[core] = number;
    },
  };
}
