/** The table of all points of a sweep. */
import { sortTable, type TableParts } from './sort-table.js';
import type { SweepPageData } from './sweep-data.js';

interface Parts extends TableParts {
  all: HTMLInputElement;
}

export function fillTable({ columns, pareto, shown }: SweepPageData, parts: Parts): void {
  const { all } = parts;
  const front = new Set(pareto.front);
  const chosen = () =>
    columns.filter(({ name, kind, cells }) => {
      if (all.checked) return true;
      if (kind === 'metric') return shown.includes(name) || name === pareto.x || name === pareto.y;
      return name !== 'key' && name !== 'exitCode' && cells.some((cell) => cell !== null);
    });
  const show = sortTable(
    { columns, of: 'points', shown: chosen, classOf: (row) => (front.has(row) ? 'front' : '') },
    parts,
  );
  all.addEventListener('change', show);
}
