/**
 * All-reduce: every core ends with the sum of all vectors. On a row: a two-level tree (WaferLLM, OSDI 2025),
 * a ring, or a reduce to core 0 and a broadcast. On a rectangle: a reduce of the rows, then of the first
 * column, and one broadcast from the corner; or an all-reduce of every row, then of every column. As in the
 * vendor's library it is a chain whose relays are tasks, after a call.
 */
import { addBuffer, assemble } from '../program/builder.js';
import type { CoreCode, Stretch, WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { broadcastFromCorner, broadcastKey } from './broadcast.js';
import { allReduce as appendAllReduce, areaKernel, routesOf } from './collectives.js';
import type { AreaOptions } from './collectives.js';
import { CHANNELS, stationsOf, type TreeForm } from './line.js';
import { broadcastOn, placeOn, type LinePlace } from './line-place.js';
import { LINE_REDUCES, type ReduceAlgorithm } from './line-reduce.js';
import { cornerReduce, labelsOf, type AreaReduce } from './reduce.js';
import { ringAllReduce } from './ring-all-reduce.js';
import { byTasks, called } from './variants.js';

export const ALL_REDUCE_ALGORITHMS = [
  ...(['tree', 'chain', 'ring'] as const),
  ...(['star', 'two-phase', 'binary-tree', 'library'] as const),
];
export type AllReduceAlgorithm = (typeof ALL_REDUCE_ALGORITHMS)[number];

/** On a rectangle: one broadcast from the corner, or an all-reduce of every line. */
export const SCHEMES = ['corner', 'lines'] as const;

export interface AllReduceOptions extends AreaOptions {
  algorithm: AllReduceAlgorithm;
  /** Groups of the two-level tree, and its form: as published, if not given. */
  groups: number;
  form?: TreeForm;
  /** Cores of a group of the two-phase reduce. */
  group: number;
  scheme: (typeof SCHEMES)[number];
}

export type TreeOptions = Pick<AllReduceOptions, 'groups' | 'form' | 'words' | 'dtype'> & {
  pes: number;
};

/** The program; each core's vector is its buffer `vector`, and holds the sum at the end. */
export function allReduce(o: AllReduceOptions, wafer: WaferSpec): Program {
  switch (o.algorithm) {
    case 'tree':
      return treeAllReduce({ ...o, pes: o.width }, wafer);
    case 'ring':
      return ringAllReduce(o, wafer);
    case 'library':
      return called(byTasks(withBroadcast(o, 'chain', wafer)));
    case 'binary-tree':
      return withBroadcast(o, 'tree', wafer);
    default:
      return withBroadcast(o, o.algorithm, wafer);
  }
}

/** The two-level tree on a row of `pes` cores. */
export function treeAllReduce(o: TreeOptions, wafer: WaferSpec): Program {
  const { program, station } = assemble(
    'all-reduce tree',
    o.pes,
    1,
    ['all-reduce'],
    wafer.core.codeBytes.stack,
  );
  stationsOf(o.pes, o.groups, o.form).forEach((does, x) => {
    const { queueDepth } = wafer.fabric;
    const place = { station: does, axis: 'x' as const, colors: CHANNELS, queueDepth };
    const write = (core: CoreCode) => {
      const at = addBuffer(core, 'vector', o.dtype, o.words, true);
      core.routes = routesOf(place);
      appendAllReduce(core, place, 'add', o.dtype, at, o.words);
    };
    station(x, `station of core ${x}`, write, does);
  });
  return program;
}

type Written = Omit<AreaReduce, 'colors'>;

function withBroadcast(o: AllReduceOptions, by: ReduceAlgorithm, wafer: WaferSpec): Program {
  const name = `all-reduce ${o.algorithm}`;
  const isArea = o.width > 1 && o.height > 1;
  const { labels, keyAt, write } =
    isArea && o.scheme === 'lines' ? onLines(o, by) : fromCorner(o, by);
  return areaKernel(name, o, wafer, labels, keyAt, write);
}

function fromCorner(o: AllReduceOptions, by: ReduceAlgorithm): Written {
  const reduce = cornerReduce({ ...o, algorithm: by });
  const label = reduce.labels.length;
  return {
    labels: [...reduce.labels, 'broadcast'],
    keyAt: (x: number, y: number) => `${reduce.keyAt(x, y)}; ${broadcastKey(x, y, o)}`,
    write(core: CoreCode, vector: Stretch, x: number, y: number) {
      reduce.write(core, vector, x, y);
      core.label = label;
      broadcastFromCorner(core, vector, x, y, o, reduce.colors);
    },
  };
}

function onLines({ group, width, height }: AllReduceOptions, by: ReduceAlgorithm): Written {
  const { labels: own, colorsOf, keyOf, write } = LINE_REDUCES[by];
  const labels = [...own, 'broadcast'];
  const rowColors = colorsOf(width) + 1;
  const rowAt = (index: number): LinePlace =>
    placeOn('row', { index, length: width, group, color: 0, label: 0 });
  const columnAt = (index: number): LinePlace =>
    placeOn('column', { index, length: height, group, color: rowColors, label: labels.length });
  return {
    labels: labelsOf(labels, true, true).map((label) => label.replace('column:', 'columns:')),
    keyAt: (x: number, y: number) => `${keyOf(rowAt(x))}; ${keyOf(columnAt(y))}`,
    write(core: CoreCode, vector: Stretch, x: number, y: number) {
      for (const place of [rowAt(x), columnAt(y)]) {
        write(core, vector, place);
        const color = place.color + colorsOf(place.length);
        broadcastOn(core, vector, { ...place, color, label: place.label + own.length });
      }
    },
  };
}
