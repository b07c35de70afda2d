/** What the cores of a region do on its lines: their places there, and the classes of rows and columns that follow. */
import type { WaferSpec } from '../hardware/wafer.js';
import { routesOf, type LinePlace } from '../kernels/collectives.js';
import { stationsOf, type Station, type TreeForm } from '../kernels/line.js';
import type { Line } from '../mapping/mapping.js';
import type { Route } from '../program/program.js';

/** Groups of the two-level trees: on columns, on whole rows, and on a row's part of one KV head. */
export interface Groups {
  column: number;
  row: number;
  head: number;
  /** The trees' forms on these lines; as published, if not given. */
  forms?: Record<Line, TreeForm>;
}

/** Colours of the lines' channels; hand-offs get the rest, and in regions with a router all but those of its gather. */
export const LINE_COLORS: Record<Line, number[]> = {
  column: [0, 1, 2, 3, 4],
  row: [5, 6, 7, 8, 9],
  head: [10, 11, 12, 13, 14],
};
export const FIRST_HAND_OFF_COLOR = 15;
export const GATHER_COLORS = [15, 16];

/** The families of a stage's colours, by colour: each kind of line is one, its hand-off's colours are, and a gather's. */
export function familiesOf(handOff: readonly number[]): number[] {
  const families: number[] = [];
  [...Object.values(LINE_COLORS), GATHER_COLORS, handOff].forEach((colors, family) => {
    for (const color of colors) families[color] = family;
  });
  return families;
}

/** What of a place the code depends on: its steps, not the routes past it. */
export function codeOf(p: LinePlace | undefined): unknown {
  return p && [p.station.steps, p.station.root, p.station.multicast, p.station.echo];
}

/** A place on a line, and the routes that it needs. */
type RoutedPlace = LinePlace & { routes: Route[] };

/** The places of a line; those that do the same are one object. */
export function places(
  axis: 'x' | 'y',
  length: number,
  { forms, ...groups }: Groups,
  line: Line,
  { fabric: { queueDepth } }: WaferSpec,
): RoutedPlace[] {
  const colors = LINE_COLORS[line];
  const known = new Map<Station, RoutedPlace>();
  const stations = stationsOf(length, Math.min(groups[line], length), forms?.[line]);
  return stations.map((station) => {
    let routed = known.get(station);
    if (routed === undefined) {
      const place = { station, axis, colors, queueDepth };
      routed = { ...place, routes: routesOf(place) };
      known.set(station, routed);
    }
    return routed;
  });
}

/** Numbers of what is the same for cores of a row and of a column; equal keys mean the same in every region. */
export interface ClassOf {
  (row: number, column: number): number;
  key(row: number, column: number): string;
  /** By row, and by column, the number of its class. */
  rows: Int32Array;
  columns: Int32Array;
}

/**
 * Kinds of rows and of columns: cores of equal kinds of both are alike, but for those of one row, or of one column (-1 if
 * there is none), each of which may differ from all.
 */
export interface Kinds {
  rows: Int32Array;
  columns: Int32Array;
  rowKinds: number;
  columnKinds: number;
  apartRow: number;
  apartColumn: number;
}

/** Kinds of cores that are of one class in both. */
export function kindsIn(
  a: Pick<ClassOf, 'rows' | 'columns'>,
  b: Pick<ClassOf, 'rows' | 'columns'>,
  { apartRow = -1, apartColumn = -1 }: Partial<Kinds> = {},
): Kinds {
  const [rows, columns] = [pairsOf(a.rows, b.rows), pairsOf(a.columns, b.columns)];
  return {
    ...{ rows: rows.numbers, columns: columns.numbers },
    ...{ rowKinds: rows.count, columnKinds: columns.count, apartRow, apartColumn },
  };
}

/** For each pair of numbers at one index a number of its own, in order of first appearance. */
function pairsOf(a: Int32Array, b: Int32Array): { numbers: Int32Array; count: number } {
  const numbers = new Map<number, number>();
  const pairs = new Int32Array(a.length);
  for (let i = 0; i < pairs.length; i++) {
    const pair = a[i] * b.length + b[i];
    let number = numbers.get(pair);
    if (number === undefined) numbers.set(pair, (number = numbers.size));
    pairs[i] = number;
  }
  return { numbers: pairs, count: numbers.size };
}

/** Numbers of the distinct pairs of what `ofRow` says of a row and `ofColumn` of a column. */
export function classes(
  rows: number,
  columns: number,
  ofRow: (row: number) => unknown,
  ofColumn: (column: number) => unknown,
): ClassOf {
  const [row, column] = [numbered(rows, ofRow), numbered(columns, ofColumn)];
  const numberOf = (y: number, x: number) => row.numbers[y] * columns + column.numbers[x];
  const key = (y: number, x: number) =>
    `${row.keys[row.numbers[y]]} ${column.keys[column.numbers[x]]}`;
  return Object.assign(numberOf, { key, rows: row.numbers, columns: column.numbers });
}

/** The same with a class of its own for every core of a column, if there is one. */
export function apart(
  column: number | undefined,
  rows: number,
  columns: number,
  classOf: ClassOf,
): ClassOf {
  if (column === undefined) return classOf;
  const numberOf = (row: number, x: number) =>
    x === column ? rows * columns + row : classOf(row, x);
  const key = (row: number, x: number) => `${x === column ? row : ''} ${classOf.key(row, x)}`;
  const { rows: ofRows, columns: ofColumns } = classOf;
  return Object.assign(numberOf, { key, rows: ofRows, columns: ofColumns });
}

/** For each of `count` things the number of its description, in order of first appearance; and descriptions by number. */
function numbered(
  count: number,
  describe: (i: number) => unknown,
): { numbers: Int32Array; keys: string[] } {
  const numbers = new Map<string, number>();
  const of = Int32Array.from({ length: count }, (_, i) => {
    const key = JSON.stringify(describe(i)) ?? '';
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return numbers.get(key)!;
  });
  return { numbers: of, keys: [...numbers.keys()] };
}
