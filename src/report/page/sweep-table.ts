/** The table of all points of a sweep. */
import { sortTable, type TableParts } from './sort-table.js';
import type { SweepColumn, SweepPageData } from './sweep-data.js';

interface Parts extends TableParts {
  all: HTMLInputElement;
}

/** Whether a metric is one of those that are shown first. */
export function isShown({ pareto, shown }: SweepPageData, { name }: SweepColumn): boolean {
  return shown.includes(name) || name === pareto.x || name === pareto.y;
}

export function fillTable(data: SweepPageData, parts: Parts): void {
  const { columns, pareto } = data;
  const { all } = parts;
  const front = new Set(pareto.front);
  const chosen = () =>
    columns.filter((column) => {
      const { name, kind, cells } = column;
      if (all.checked) return true;
      if (kind === 'metric') return isShown(data, column);
      return name !== 'key' && name !== 'exitCode' && cells.some((cell) => cell !== null);
    });
  const show = sortTable(
    { columns, of: 'points', shown: chosen, classOf: (row) => (front.has(row) ? 'front' : '') },
    parts,
  );
  all.addEventListener('change', show);
}
