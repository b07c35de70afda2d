/** The choice of positions alone, on a rectangle of cores: from the scores in memory to what each position may have. */
import type { WaferSpec } from '../../src/hardware/wafer.js';
import { fillSelection } from '../../src/lowering/indexer-images.js';
import { LAYER_LABELS, type LatentCore } from '../../src/lowering/layer-core.js';
import type { Filled } from '../../src/lowering/latent-order.js';
import { places } from '../../src/lowering/lines.js';
import { positionsOfRow } from '../../src/lowering/cache-step.js';
import { choosePositions, startSelection } from '../../src/lowering/selection.js';
import { addSelection, selectionShape } from '../../src/mapping/selection.js';
import type { DataType, FloatType } from '../../src/numeric/types.js';
import { addBuffer, assemble } from '../../src/program/builder.js';
import type { Program } from '../../src/program/program.js';
import { latentWith } from './latent-models.js';

export interface SelectionCase {
  dtype: FloatType;
  rows: number;
  columns: number;
  topK: number;
  /** Positions that there are, and that there is room for. */
  count: number;
  room: number;
  groups: number;
}

export interface SelectionProgram {
  program: Program;
  memoryOf: (scores: readonly number[]) => Float32Array[];
  /** The positions that each column has chosen, in order. */
  chosenIn: (memory: readonly Float32Array[]) => number[][];
}

export function selectionProgram(of: SelectionCase, wafer: WaferSpec): SelectionProgram {
  const { dtype, rows, columns, topK, count, room, groups } = of;
  const indexer = { heads: 1, dim: 4, topK, own: true, pairs: 'halves' } as const;
  const attention = latentWith({ indexer });
  const positions = Math.ceil(room / rows);
  const selection = selectionShape(attention, dtype, room, columns)!;
  const shape = { selection, positions, rows };
  const all = { column: groups, row: groups, head: 1 };
  const inColumn = places('y', rows, all, 'column', wafer);
  const inRow = places('x', columns, all, 'row', wafer);
  const { program, station } = assemble('selection', columns, rows, [...LAYER_LABELS]);
  const cores = Array.from({ length: rows * columns }, (_, core) => core);
  const placeOf = (core: number) => ({ row: Math.floor(core / columns), column: core % columns });
  let at: Record<string, number> = {};
  for (const core of cores) {
    const { row, column } = placeOf(core);
    station(core, `${core}`, (code) => {
      const add = (...buffer: [string, DataType, number, boolean?]) => addBuffer(code, ...buffer);
      add('chosen', dtype, positions);
      add('indexTotals', dtype, positions, true);
      addSelection(add, positions, selection);
      const held = { positions: positionsOfRow(count, row, rows), leftOut: count - topK };
      const lines = { column: inColumn[row], row: inRow[column] };
      const layer = { model: { dtype }, attention, shape, ...lines, ...held };
      startSelection(code, layer as unknown as LatentCore);
      choosePositions(code, layer as unknown as LatentCore);
      code.routes.push(...inColumn[row].routes, ...inRow[column].routes);
      ({ at } = code);
    });
  }
  return {
    program,
    memoryOf: (scores) =>
      cores.map((core) => {
        const last = program.roles[program.roleOf[core]].buffers.at(-1)!;
        const image = new Float32Array(last.at + last.length);
        const filled = { image, at, model: { dtype }, shape, ...placeOf(core) };
        fillSelection(filled as unknown as Filled, selection);
        const { row } = placeOf(core);
        for (let p = row; p < scores.length; p += rows)
          image[at.indexTotals + Math.floor(p / rows)] = scores[p];
        return image;
      }),
    chosenIn: (memory) =>
      Array.from({ length: columns }, (_, column) =>
        Array.from({ length: room }, (_, p) => p).filter((p) => {
          const image = memory[(p % rows) * columns + column];
          return image[at.chosen + Math.floor(p / rows)] > 0;
        }),
      ),
  };
}
