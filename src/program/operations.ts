/**
 * What a core can do: its operations, each of which carries enough to be timed (timing.ts) and to be executed
 * on real numbers, and what can be read off one.
 */
import type { WidenedType } from '../numeric/formats.js';
import type { FloatType } from '../numeric/types.js';
import type { SpecialFn, VectorFn } from '../hardware/wafer.js';
import type { PutOp, RankOp, Select } from './indexed.js';
import type { Scales } from './scales.js';

/** A core's memory is a row of cells, one number each; `at` is a cell, `stride` cells per element. */
export interface MemoryOperand {
  at: number;
  stride: number;
  /** A circular buffer: so many elements lie at `at`; it begins with number `from` and goes round and round. */
  wrap?: number;
  from?: number;
  /** Raises `at`: the operand is one of several, chosen by a number in memory. */
  select?: Select;
}
export interface FabricOperand {
  color: number;
}
export interface ConstantOperand {
  constant: number;
}
export type Source = MemoryOperand | FabricOperand | ConstantOperand;
export type Destination = MemoryOperand | FabricOperand;

/**
 * `length` elements, dst[i] = fn(a[i], b[i], c[i]): move a, a+b, a-b, a*b, max, min, fma = a*b+c,
 * rounded to `type` each. At most one source is the fabric. A destination or source of stride 0 is one
 * cell read and written again for each element: fma into it is a dot product, max into it a maximum. One that
 * goes round `wrap` elements is as many of those side by side.
 */
export interface VectorOp {
  kind: 'vector';
  label: number;
  fn: VectorFn;
  type: FloatType;
  length: number;
  dst: Destination;
  a: Source;
  b?: Source;
  c?: Source;
  /**
   * Done by code that each arriving wavelet activates, rather than by one vector operation: no set-up, but
   * a fixed time for every wavelet, in which no other is taken. Some source is then the fabric.
   */
  by?: 'task';
  /** Marks its last wavelet: routers with switch positions go to their next one after it (see `Route`). */
  advance?: boolean;
}

/**
 * A matrix in memory times a vector in memory, row by row of the stored matrix (rows x length, cell
 * `matrix + i*rowStride + j`). `axpy`: out[j] += m[i][j] * x[i], out of `length` elements; `dot`:
 * out[i] += sum over j of m[i][j] * x[j], out of `rows` elements. Rounded to `type` after each
 * multiply-add. `widen`: the matrix is of that type and widened on use, each code then being multiplied by its
 * scale, if there are scales, and rounded to `type`.
 */
export interface MatvecOp {
  kind: 'matvec';
  label: number;
  form: 'axpy' | 'dot';
  type: FloatType;
  rows: number;
  length: number;
  rowStride: number;
  matrix: number;
  x: number;
  /** Cells between elements of `x`; 1 if not given. */
  xStride?: number;
  out: number;
  /** Cells between elements of `out`; 1 if not given. */
  outStride?: number;
  widen: WidenedType | false;
  scales?: Scales;
  /** How often it is done, each time with its set-up; once if not given. */
  repeat?: number;
  /** Raises `matrix`: it is one of several, chosen by a number in memory. */
  select?: Select;
}

/**
 * A product of matrices by instructions of one length: c[j] += a[i] * b[i][j] for each of `inner` columns
 * a[i] and each of `columns` columns c[j], `length` elements each. Columns of a and c lie one after the
 * other; b is stored by rows, b[i][j] at cell `b + i*columns + j`, if no other strides are given. Rounded to `type` after each multiply-add.
 * With `clears` c starts from zeros, and with `inner` 0 nothing is added to them.
 */
export interface MatmulOp {
  kind: 'matmul';
  label: number;
  type: FloatType;
  length: number;
  inner: number;
  columns: number;
  a: number;
  b: number;
  c: number;
  /** Cells from b[i][j] to b[i + 1][j], and to b[i][j + 1]. */
  bRowStride?: number;
  bStride?: number;
  clears?: boolean;
  /** How often it is done; once if not given. */
  repeat?: number;
}

/**
 * dst[i] = fn(a[i]) for `length` cells in a row, as scalar code or as vector operations. Crude scalar code has
 * (1 + x/256)^4 for exp, as WaferLLM's kernels do.
 */
export interface SpecialOp {
  kind: 'special';
  label: number;
  fn: SpecialFn;
  form: SpecialForm;
  type: FloatType;
  length: number;
  at: number;
  to: number;
}

export type SpecialForm = 'scalar' | 'vector' | 'crude';

/**
 * Row `r` = memory[id] - first of a table (element j at cell `table + r*rowStride + j*stride`) into
 * `length` cells at `to`; zeros if the table of `rows` rows does not hold it. Codes are widened as of `MatvecOp`,
 * the table's rows being the scales' rows.
 */
export interface LookupOp {
  kind: 'lookup';
  label: number;
  type: FloatType;
  table: number;
  rows: number;
  rowStride: number;
  stride: number;
  length: number;
  id: number;
  first: number;
  to: number;
  widen?: WidenedType;
  scales?: Scales;
}

/** The largest of `length` cells (the first one if equal) into `value`, `first` + its index into `id`. */
export interface ArgmaxOp {
  kind: 'argmax';
  label: number;
  type: FloatType;
  at: number;
  length: number;
  first: number;
  value: number;
  id: number;
}

/** Scalar step: if cell `a` differs from cell `b`, cell `at` becomes `otherwise`. */
export interface KeepIfEqualOp {
  kind: 'keepIfEqual';
  label: number;
  a: number;
  b: number;
  at: number;
  otherwise: number;
}

/** The call of a library's function, which then does what follows. */
export interface CallOp {
  kind: 'call';
  label: number;
}

/** Replaces the route of one colour at this core's router; masks of ports (see hardware/mesh.ts). */
export interface RouteOp {
  kind: 'route';
  label: number;
  color: number;
  inputs: number;
  outputs: number;
}

/**
 * Synthetic traffic: sends one wavelet for each entry of `times` (rising cycles after the operation's start,
 * before which it may not leave), in this order and at most one a cycle, and at the same time takes `expect`
 * wavelets, at most one a cycle, first the one that has been usable for longest. A cycle that sends is compute,
 * one with a wavelet due is wait for output, any other until the last is sent and taken is wait for input.
 * An exchange of vectors is the same with numbers: its wavelets are due once their transfer is set up.
 */
export interface TrafficOp {
  kind: 'traffic';
  label: number;
  /** The colour that it sends on, or -1. */
  color: number;
  times: Int32Array | Float64Array;
  /** The colour that it takes wavelets of, or -1. */
  receive: number;
  expect: number;
  /** If it sends on several colours: all of them, `color` first, and for each wavelet which of them. */
  sends?: number[];
  turns?: Uint8Array;
  /** If it takes wavelets of several colours: all of them, `receive` first. */
  receives?: number[];
  /** If it is not synthetic: the vectors of which its wavelets are. */
  exchange?: Exchange;
}

/** A vector in memory whose wavelets are sent or taken on a colour. */
export interface Passed {
  color: number;
  at: number;
  length: number;
}

/**
 * Vectors that a core sends and takes side by side by asynchronous transfers, each with a colour of its own.
 * They are set up one after the other: a vector sent, one taken, and so on. What is taken must not lie where
 * something that is sent does.
 */
export interface Exchange {
  type: FloatType;
  sends: Passed[];
  takes: Passed[];
}

/** Operations that work on the core's memory alone and take a fixed time. */
export type MemoryOperation =
  | MatvecOp
  | MatmulOp
  | SpecialOp
  | LookupOp
  | ArgmaxOp
  | KeepIfEqualOp
  | RankOp
  | PutOp
  | CallOp;

/**
 * A switch over these ends in `satisfies never`, or in `satisfies MemoryOperation` where all of those are
 * alike: a new kind does not compile until it is timed, executed, listed and its cells are accounted for.
 */
export type Operation = MemoryOperation | VectorOp | RouteOp | TrafficOp;

export function isFabric(operand: Source | Destination | undefined): operand is FabricOperand {
  return operand !== undefined && 'color' in operand;
}

/** Where the elements of an operand in memory are. */
type Cells = Pick<MemoryOperand, 'at' | 'stride'> & {
  wrap?: number | undefined;
  from?: number | undefined;
};

/** The cell of element `i` of an operand. */
export function cellOf({ at, stride, wrap, from = 0 }: Cells, i: number): number {
  return at + (wrap === undefined ? i : (from + i) % wrap) * stride;
}

export function isMemory(operand: Source | Destination | undefined): operand is MemoryOperand {
  return operand !== undefined && 'at' in operand;
}
