/**
 * Reduce: the sum of one vector per core of a rectangle, into core 0: along all rows, then along the first
 * column. A row alone is a rectangle of one row.
 */
import type { CoreCode, Stretch, WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { areaKernel, type AreaOptions } from './collectives.js';
import { placeOn, type LinePlace } from './line-place.js';
import { LINE_REDUCES, type ReduceAlgorithm } from './line-reduce.js';

export interface ReduceOptions extends AreaOptions {
  algorithm: ReduceAlgorithm;
  /** Cores of a group of the two-phase reduce. */
  group: number;
}

/** The program; each core's vector is its buffer `vector`, and core 0's holds the sum at the end. */
export function reduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const { keyAt, write, labels } = cornerReduce(o);
  const program = areaKernel(`reduce ${o.algorithm}`, o, wafer, labels, keyAt, write);
  return { ...program, root: 0 };
}

export interface AreaReduce {
  labels: string[];
  /** Colours used, from 0 on. */
  colors: number;
  keyAt: (x: number, y: number) => string;
  write: (core: CoreCode, vector: Stretch, x: number, y: number) => void;
}

/** A reduce of all rows to their first cores, then of the first column to core 0. */
export function cornerReduce({ algorithm, group, width, height }: ReduceOptions): AreaReduce {
  const { labels, colorsOf, keyOf, write } = LINE_REDUCES[algorithm];
  const ofRow = height === 1 || width > 1;
  const rowColors = ofRow ? colorsOf(width) : 0;
  const rowAt = (x: number): LinePlace =>
    placeOn('row', { index: x, length: width, group, color: 0, label: 0 });
  const label = ofRow ? labels.length : 0;
  const columnAt = (y: number): LinePlace =>
    placeOn('column', { index: y, length: height, group, color: rowColors, label });
  return {
    labels: labelsOf(labels, ofRow, height > 1),
    colors: rowColors + (height > 1 ? colorsOf(height) : 0),
    keyAt(x, y) {
      const inColumn = x === 0 && height > 1 ? `; column ${keyOf(columnAt(y))}` : '';
      return `${ofRow ? keyOf(rowAt(x)) : ''}${inColumn}`;
    },
    write(core, vector, x, y) {
      if (ofRow) write(core, vector, rowAt(x));
      if (x === 0 && height > 1) write(core, vector, columnAt(y));
    },
  };
}

/** Labels of a line, or of rows and of a column. */
export function labelsOf(labels: readonly string[], rows: boolean, columns: boolean): string[] {
  if (!rows || !columns) return [...labels];
  return ['rows', 'column'].flatMap((which) => labels.map((label) => `${which}: ${label}`));
}
