/**
 * What operations do to numbers: a core's memory is a row of cells, a wavelet two 16-bit numbers or one
 * of 32 bits. Arithmetic is done in double precision and rounded once to the operation's type after
 * each element. Shared by all engines, so that they differ in time only.
 */
import { ROUND, elementsPerWavelet, type FloatType } from '../numeric/types.js';
import type { SpecialFn, VectorFn } from '../hardware/wafer.js';
import { cellOf, scaleStep } from '../program/program.js';
import type { ArgmaxOp, LookupOp, MatmulOp, MatvecOp, Operation } from '../program/program.js';
import type { Passed, PutOp, RankOp, Source, SpecialOp, VectorOp } from '../program/program.js';
import { raised } from './indexed.js';

const VECTOR: Record<VectorFn, (a: number, b: number, c: number) => number> = {
  move: (a) => a,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  fma: (a, b, c) => a * b + c,
};

const SPECIAL: Record<SpecialFn, (x: number) => number> = {
  exp: (x) => Math.exp(x),
  silu: (x) => x / (1 + Math.exp(-x)),
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
};

function crudeExp(x: number): number {
  return (1 + x / 256) ** 4;
}

/**
 * Runs an operation that touches memory only, on a core's memory; route and traffic do nothing. Its indices
 * have to be right (`badIndex`).
 */
export function executeOperation(op: Operation, memory: Float32Array): void {
  switch (op.kind) {
    case 'vector': {
      const placed = raised(op, memory);
      for (let i = 0; i < op.length; i++) executeElement(placed, memory, i, NaN);
      return;
    }
    case 'matvec': {
      const placed = raised(op, memory);
      for (let n = 0; n < (op.repeat ?? 1); n++) executeMatvec(placed, memory);
      return;
    }
    case 'matmul':
      for (let n = 0; n < (op.repeat ?? 1); n++) executeMatmul(op, memory);
      return;
    case 'special':
      return executeSpecial(op, memory);
    case 'lookup':
      return executeLookup(op, memory);
    case 'argmax':
      return executeArgmax(op, memory);
    case 'keepIfEqual':
      if (memory[op.a] !== memory[op.b]) memory[op.at] = op.otherwise;
      return;
    case 'rank':
      memory[op.to] = rankOf(op, memory);
      return;
    case 'put':
      return executePut(op, memory);
    case 'call':
    case 'route':
    case 'traffic':
      return;
    default:
      op satisfies never;
  }
}

/**
 * Wavelet `index` of a stream, whose addresses are `raised`: the elements it carries. `wavelet` (two numbers)
 * holds what came from the fabric, if a source is the fabric, and afterwards what goes to it, if the
 * destination is. The second number of a last wavelet with one element is 0.
 */
export function executeWavelet(
  op: VectorOp,
  memory: Float32Array,
  index: number,
  wavelet: Float64Array,
): void {
  const width = elementsPerWavelet(op.type);
  const count = Math.min(width, op.length - index * width);
  for (let k = 0; k < 2; k++)
    wavelet[k] = k < count ? executeElement(op, memory, index * width + k, wavelet[k]) : 0;
}

/** Wavelet `index` of a vector that is sent, out of memory. */
export function readWavelet(
  type: FloatType,
  { at, length }: Passed,
  memory: Float32Array,
  index: number,
  wavelet: Float64Array,
): void {
  const width = elementsPerWavelet(type);
  for (let k = 0; k < 2; k++) {
    const i = index * width + k;
    wavelet[k] = k < width && i < length ? memory[at + i] : 0;
  }
}

/** Wavelet `index` of a vector that is taken, into memory. */
export function writeWavelet(
  type: FloatType,
  { at, length }: Passed,
  memory: Float32Array,
  index: number,
  wavelet: Float64Array,
): void {
  const width = elementsPerWavelet(type);
  for (let k = 0; k < width; k++) {
    const i = index * width + k;
    if (i < length) memory[at + i] = wavelet[k];
  }
}

/** One element of a vector operation, `arrived` being its number from the fabric; returns the result. */
function executeElement(op: VectorOp, memory: Float32Array, i: number, arrived: number): number {
  const a = valueOf(op.a, memory, i, arrived);
  const b = valueOf(op.b, memory, i, arrived);
  const c = valueOf(op.c, memory, i, arrived);
  const result = ROUND[op.type](VECTOR[op.fn](a, b, c));
  if ('at' in op.dst) memory[cellOf(op.dst, i)] = result;
  return result;
}

/** A missing operand is not a number, so that a result made of it shows. */
function valueOf(source: Source | undefined, memory: Float32Array, i: number, arrived: number) {
  if (source === undefined) return NaN;
  if ('at' in source) return memory[cellOf(source, i)];
  return 'constant' in source ? source.constant : arrived;
}

function executeMatvec(op: MatvecOp, memory: Float32Array): void {
  const round = ROUND[op.type];
  const { scales } = op;
  for (let i = 0; i < op.rows; i++) {
    const row = op.matrix + i * op.rowStride;
    const scaleRow = scales === undefined ? 0 : scales.at + scaleStep(scales.rows, memory, i);
    for (let j = 0; j < op.length; j++) {
      const x = memory[op.x + (op.form === 'axpy' ? i : j) * (op.xStride ?? 1)];
      const out = op.out + (op.form === 'axpy' ? j : i) * (op.outStride ?? 1);
      const weight =
        scales === undefined
          ? memory[row + j]
          : round(memory[row + j] * memory[scaleRow + scaleStep(scales.columns, memory, j)]);
      memory[out] = round(weight * x + memory[out]);
    }
  }
}

function executeMatmul(op: MatmulOp, memory: Float32Array): void {
  const { length, inner, columns, a, b, c, bRowStride = columns, bStride = 1 } = op;
  const round = ROUND[op.type];
  if (op.clears) memory.fill(0, c, c + columns * length);
  for (let i = 0; i < inner; i++)
    for (let j = 0; j < columns; j++) {
      const factor = memory[b + i * bRowStride + j * bStride];
      for (let r = 0; r < length; r++) {
        const at = c + j * length + r;
        memory[at] = round(memory[a + i * length + r] * factor + memory[at]);
      }
    }
}

function executeSpecial(op: SpecialOp, memory: Float32Array): void {
  const fn = op.form === 'crude' && op.fn === 'exp' ? crudeExp : SPECIAL[op.fn];
  for (let i = 0; i < op.length; i++) memory[op.to + i] = ROUND[op.type](fn(memory[op.at + i]));
}

function executeLookup(op: LookupOp, memory: Float32Array): void {
  const row = memory[op.id] - op.first;
  const held = row >= 0 && row < op.rows;
  for (let j = 0; j < op.length; j++) {
    const cell = op.table + row * op.rowStride + j * op.stride;
    memory[op.to + j] = held ? ROUND[op.type](memory[cell] * scaleOf(op, memory, row, j)) : 0;
  }
}

function scaleOf({ scales }: LookupOp, memory: Float32Array, row: number, j: number): number {
  if (scales === undefined) return 1;
  const { at, rows, columns } = scales;
  return memory[at + scaleStep(rows, memory, row) + scaleStep(columns, memory, j)];
}

function executeArgmax(op: ArgmaxOp, memory: Float32Array): void {
  let best = 0;
  for (let i = 1; i < op.length; i++) if (memory[op.at + i] > memory[op.at + best]) best = i;
  memory[op.value] = memory[op.at + best];
  memory[op.id] = op.first + best;
}

function rankOf({ at, length, own, atLeast }: RankOp, memory: Float32Array): number {
  const mine = memory[own];
  let rank = 0;
  for (let i = at; i < at + length; i++)
    if (memory[i] > mine || (memory[i] === mine && (atLeast || i < own))) rank++;
  return rank;
}

function executePut(op: PutOp, memory: Float32Array): void {
  const index = memory[op.test];
  if (!(index < op.below)) return;
  const to = op.to + op.stride * index;
  for (let i = 0; i < op.length; i++) memory[to + i] = ROUND[op.type](memory[op.from + i]);
}
