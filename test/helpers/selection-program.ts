/** The choice of positions alone, on a column of cores: from the scores in memory to what each position may have. */
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
  topK: number;
  /** Positions that there are, and that there is room for. */
  count: number;
  room: number;
  groups: number;
}

export interface SelectionProgram {
  program: Program;
  memoryOf: (scores: readonly number[]) => Float32Array[];
  /** The positions that are chosen, in order. */
  chosenIn: (memory: readonly Float32Array[]) => number[];
}

export function selectionProgram(of: SelectionCase, wafer: WaferSpec): SelectionProgram {
  const { dtype, rows, topK, count, room, groups } = of;
  const indexer = { heads: 1, dim: 4, topK, own: true, pairs: 'halves' } as const;
  const attention = latentWith({ indexer });
  const positions = Math.ceil(room / rows);
  const selection = selectionShape(attention, dtype, room, positions)!;
  const shape = { selection, positions, rows };
  const inColumn = places('y', rows, { column: groups, row: 1, head: 1 }, 'column', wafer);
  const { program, station } = assemble('selection', 1, rows, [...LAYER_LABELS]);
  const ats: Record<string, number>[] = [];
  for (let row = 0; row < rows; row++)
    station(row, `${row}`, (code) => {
      const add = (...buffer: [string, DataType, number, boolean?]) => addBuffer(code, ...buffer);
      add('chosen', dtype, positions);
      add('indexTotals', dtype, positions, true);
      addSelection(add, positions, selection);
      const held = { positions: positionsOfRow(count, row, rows), leftOut: count - topK };
      const core = { model: { dtype }, attention, shape, column: inColumn[row], ...held };
      startSelection(code, core as unknown as LatentCore);
      choosePositions(code, core as unknown as LatentCore);
      code.routes.push(...inColumn[row].routes);
      ats[row] = code.at;
    });
  return {
    program,
    memoryOf: (scores) =>
      ats.map((at, row) => {
        const last = program.roles[program.roleOf[row]].buffers.at(-1)!;
        const image = new Float32Array(last.at + last.length);
        fillSelection({ image, at, model: { dtype }, shape, row } as unknown as Filled, selection);
        for (let p = row; p < scores.length; p += rows)
          image[at.indexTotals + Math.floor(p / rows)] = scores[p];
        return image;
      }),
    chosenIn: (memory) =>
      Array.from({ length: room }, (_, p) => p).filter(
        (p) => memory[p % rows][ats[p % rows].chosen + Math.floor(p / rows)] > 0,
      ),
  };
}
