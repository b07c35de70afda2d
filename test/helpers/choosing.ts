/** A program whose cores choose places by numbers in their memory, and memory for it. */
import { chosen, put, rank, type Code } from '../../src/program/builder.js';
import type { Program } from '../../src/program/program.js';
import { E, R, W, cell, constant, fabric, loaded, move, role, route, row } from './programs.js';

/**
 * Core 0 works a while, then sends three words from one of four places, by cell 1. Core 1 stores them at one of
 * three by its own cell 1, ranks cell 5 among nine, and puts it to cell 14 and so on if fewer than four are larger.
 */
export function choosing(): Program {
  const source = role('source', {
    routes: [route(0, R, E)],
    operations: [
      move(cell(0, 0), constant(0), 5),
      move(fabric(0), chosen(4, { cell: 1, step: 1, count: 4 }), 3),
    ],
    buffers: [loaded(20)],
  });
  const code: Code = { operations: [], label: 0 };
  code.operations.push(move(chosen(4, { cell: 1, step: 3, count: 3 }), fabric(0), 3));
  rank(code, { at: 4, length: 9, own: 5, to: 2 });
  put(code, 'f32', { test: 2, below: 4, from: 5, length: 1, to: 14, stride: 1 });
  const { operations } = code;
  const sink = role('sink', { routes: [route(0, W, R)], operations, buffers: [loaded(20)] });
  return row(source, sink);
}

/** Half of each cell's number, but for the index in cell 1, which each core has its own of. */
export function chosenBy(...indices: number[]): Float32Array[] {
  return indices.map((index) =>
    Float32Array.from({ length: 20 }, (_, i) => (i === 1 ? index : i / 2)),
  );
}
