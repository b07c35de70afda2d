/** A step's links and the operations of chosen cores as tables. Pure. */
import { LINK_NAMES } from '../hardware/mesh.js';
import type { CoreOperation, RunDetail } from './detail.js';
import { dataTable, type ColumnOf, type DataTable } from './data-table.js';

/** Rows of a table: those of a whole wafer would be as many objects as it has links. */
const ROWS = 100_000;

/** Links that wavelets went over in the step, with the core that they leave; in several tables, at least one. */
export function* linksTables({ maps }: Pick<RunDetail, 'maps'>): Generator<DataTable> {
  let [wafers, links, wavelets]: number[][] = [[], [], []];
  const [xs, ys]: number[][] = [[], []];
  const taken = (): DataTable => {
    const table: DataTable = [
      { name: 'wafer', type: 'place', cells: wafers },
      { name: 'x', type: 'place', cells: xs.splice(0) },
      { name: 'y', type: 'place', cells: ys.splice(0) },
      { name: 'direction', type: 'text', cells: links.map((link) => LINK_NAMES[link % 4]) },
      { name: 'wavelets', type: 'integer', cells: wavelets },
    ];
    [wafers, links, wavelets] = [[], [], []];
    return table;
  };
  for (const { wafer, width, links: counts } of maps.filter((map) => map !== undefined))
    for (let link = 0; link < counts.length; link++) {
      if (counts[link] === 0) continue;
      const core = link >> 2;
      wafers.push(wafer);
      xs.push(core % width);
      ys.push(Math.floor(core / width));
      links.push(link);
      wavelets.push(counts[link]);
      if (links.length === ROWS) yield taken();
    }
  yield taken();
}

/** Cycles count from the choice of the token that the run describes. */
export function operationsTable(operations: readonly CoreOperation[]): DataTable {
  const integer = (name: string, of: (row: CoreOperation) => number): ColumnOf<CoreOperation> => {
    return [name, 'integer', of];
  };
  return dataTable(operations, [
    ['wafer', 'place', ({ wafer }) => wafer],
    ['x', 'place', ({ x }) => x],
    ['y', 'place', ({ y }) => y],
    ['stage', 'text', ({ stage }) => stage],
    integer('index', ({ index }) => index),
    ['operator', 'text', ({ operator }) => operator],
    ['kind', 'text', ({ kind }) => kind],
    ['instruction', 'text', ({ instruction }) => instruction],
    integer('fromCycle', ({ from }) => from),
    integer('toCycle', ({ to }) => to),
    integer('setupCycles', ({ setup }) => setup),
    integer('waveletsTaken', ({ takes }) => takes),
    integer('waveletsSent', ({ sends }) => sends),
  ]);
}
