/**
 * Which cells of a core's memory an operation reads and writes, in that order. The base of the check that
 * nothing is read before it is written (machine-model section 4, rule 6).
 */
import { cellOf, cellsOf, isMemory, selectsOf } from './program.js';
import type { Exchange, MemoryOperand, Operation, Role, Scales, Select } from './program.js';

export interface UnwrittenRead {
  /** Index of the operation in its role, and the cell. */
  operation: number;
  cell: number;
}

/**
 * Cells that are read or written: `rows` rows of `length` cells, in each of `tables`. Where numbers choose the
 * cells, all that may be read are, and all that may be written are `mayWrite`: they do not count as written.
 */
export interface Access {
  does: 'read' | 'write' | 'mayWrite';
  at: number;
  length: number;
  stride: number;
  /** Of a circular buffer its elements and the first one; see `MemoryOperand`. */
  wrap: number | undefined;
  from: number;
  rows: number;
  rowStride: number;
  /** More than one where an index in memory chooses among them; `tableStride` cells from one to the next. */
  tables: number;
  tableStride: number;
}

/**
 * What an operation does to memory, one access after the other; those of a vector operation run side by
 * side, element by element. A lookup counts as reading its whole table, and so does an operation that selects
 * one of several: all of them.
 */
export function accessesOf(op: Operation): Access[] {
  switch (op.kind) {
    case 'vector': {
      const { dst, a, b, c, length } = op;
      const accesses = indicesOf(op);
      if (isMemory(a)) accesses.push(accessTo('read', a, length));
      if (isMemory(b)) accesses.push(accessTo('read', b, length));
      if (isMemory(c)) accesses.push(accessTo('read', c, length));
      if (isMemory(dst)) accesses.push(accessTo('write', dst, length));
      return accesses;
    }
    case 'matvec': {
      const [inputs, outputs] = op.form === 'axpy' ? [op.rows, op.length] : [op.length, op.rows];
      const { rows, rowStride } = op;
      const accesses = indicesOf(op);
      accesses.push(tableOf(read(op.matrix, op.length), rows, rowStride, op.select));
      if (op.scales) accesses.push(...scalesRead(op.scales, rows, op.length));
      accesses.push(read(op.x, inputs, op.xStride), read(op.out, outputs, op.outStride));
      return accesses;
    }
    case 'matmul': {
      const { length, inner, columns } = op;
      const b = tableOf(read(op.b, columns, op.bStride), inner, op.bRowStride ?? columns);
      const out = (op.clears ? write : read)(op.c, columns * length);
      return [out, read(op.a, inner * length), b];
    }
    case 'special':
      return [read(op.at, op.length), write(op.to, op.length)];
    case 'lookup': {
      const { rows, rowStride } = op;
      const table = tableOf(read(op.table, op.length, op.stride), rows, rowStride);
      const scales = scalesRead(op.scales, rows, op.length);
      return [read(op.id), table, ...scales, write(op.to, op.length)];
    }
    case 'argmax':
      return [read(op.at, op.length), write(op.value), write(op.id)];
    case 'keepIfEqual':
      return [read(op.a), read(op.b), read(op.at)];
    case 'rank':
      return [read(op.at, op.length), read(op.own), write(op.to)];
    case 'put': {
      const put = accessOf('mayWrite', op.to, op.length, 1);
      const places = Math.max(0, Math.ceil(op.below));
      return [read(op.test), read(op.from, op.length), tableOf(put, places, op.stride)];
    }
    case 'traffic':
      return exchanged(op.exchange);
    case 'call':
    case 'route':
      return [];
    default:
      return op satisfies never;
  }
}

/** A table of scales, all of it, and what says which block the rows and columns are in. */
function scalesRead(scales: Scales | undefined, rows: number, length: number): Access[] {
  if (scales === undefined) return [];
  const blocks = [
    ...(scales.rows.index === undefined ? [] : [read(scales.rows.index, rows)]),
    ...(scales.columns.index === undefined ? [] : [read(scales.columns.index, length)]),
  ];
  return [...blocks, tableOf(read(scales.at, scales.length), 1, 0, scales.select)];
}

/** The indices that choose among tables: read before anything else. */
function indicesOf(op: Operation): Access[] {
  return selectsOf(op).map(({ cell }) => read(cell));
}

function exchanged(exchange: Exchange | undefined): Access[] {
  if (exchange === undefined) return [];
  const sent = exchange.sends.map(({ at, length }) => read(at, length));
  return [...sent, ...exchange.takes.map(({ at, length }) => write(at, length))];
}

/** Of several places an index in memory chooses one: none of them is surely written. */
function accessTo(does: 'read' | 'write', operand: MemoryOperand, length: number): Access {
  const { at, stride, wrap, from, select } = operand;
  const isSure = does === 'read' || select === undefined || select.count === 1;
  const access = accessOf(isSure ? does : 'mayWrite', at, length, stride);
  access.wrap = wrap;
  access.from = from ?? 0;
  return tableOf(access, 1, 0, select);
}

/** Makes it so many rows of cells, in each of the tables that an index may choose. */
function tableOf(access: Access, rows: number, rowStride: number, select?: Select): Access {
  access.rows = rows;
  access.rowStride = rowStride;
  if (select !== undefined) {
    access.tables = select.count;
    access.tableStride = select.step;
  }
  return access;
}

function read(at: number, length = 1, stride = 1): Access {
  return accessOf('read', at, length, stride);
}

function write(at: number, length = 1, stride = 1): Access {
  return accessOf('write', at, length, stride);
}

/** All accesses are made here, with the same fields: there are many in every program that is looked at. */
function accessOf(does: Access['does'], at: number, length: number, stride: number): Access {
  return {
    does,
    at,
    length,
    stride,
    wrap: undefined,
    from: 0,
    rows: 1,
    rowStride: 0,
    tables: 1,
    tableStride: 0,
  };
}

/** One entry for each cell of a role: 1 where it holds data before the program starts. */
function preloadedCells(role: Role): Uint8Array {
  const written = new Uint8Array(cellsOf(role));
  for (const { preloaded, at, length } of role.buffers)
    if (preloaded) written.fill(1, at, at + length);
  return written;
}

/**
 * The first read of a cell that no earlier operation (or element of the same one) wrote and no
 * preloaded buffer holds, or undefined.
 */
export function firstUnwrittenRead(role: Role): UnwrittenRead | undefined {
  const written = preloadedCells(role);
  for (const [operation, op] of role.operations.entries()) {
    const accesses = accessesOf(op);
    // Elements of a vector operation are worked on side by side, everything else one after the other.
    const alone = op.kind === 'vector' ? selectsOf(op).length : accesses.length;
    for (const access of accesses.slice(0, alone)) {
      const cell = firstMissing(written, [access], access.length);
      if (cell !== undefined) return { operation, cell };
    }
    const cell = op.kind === 'vector' && firstMissing(written, accesses.slice(alone), op.length);
    if (cell !== undefined && cell !== false) return { operation, cell };
  }
  return undefined;
}

/** Goes through accesses of equal length side by side; the first cell read that was not written. */
function firstMissing(written: Uint8Array, accesses: Access[], length: number) {
  const rows = Math.max(...accesses.map((access) => access.rows));
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < length; i++)
      for (const access of accesses) {
        const cell = row * access.rowStride + cellOf(access, i);
        if (access.does === 'write') written[cell] = 1;
        else if (access.does === 'read') {
          const missing = missingOf(written, access, cell);
          if (missing !== undefined) return missing;
        }
      }
  return undefined;
}

/** Of this cell and those as far on in the other tables the first that was not written. */
function missingOf(written: Uint8Array, { tables, tableStride }: Access, cell: number) {
  for (let table = 0; table < tables; table++)
    if (written[cell + table * tableStride] !== 1) return cell + table * tableStride;
  return undefined;
}
