/** Two points of a sweep side by side: their metrics, and operators ranked by what changed. */
import { operatorChanges } from '../changes.js';
import { count, percent } from '../numbers.js';
import { textOf } from './sort-table.js';
import type { SweepColumn, SweepPageData } from './sweep-data.js';
import { isShown } from './sweep-table.js';

interface PairParts {
  first: HTMLSelectElement;
  other: HTMLSelectElement;
  says: HTMLElement;
  metrics: HTMLElement;
  operators: HTMLElement;
}

export function showPair(data: SweepPageData, parts: PairParts): void {
  const { first, other } = parts;
  const rows = data.operators.flatMap((operators, row) => (operators === null ? [] : [row]));
  for (const [select, chosen] of [
    [first, rows[0]],
    [other, rows[1] ?? rows[0]],
  ] as const) {
    select.replaceChildren(
      ...rows.map(
        (row) => new Option(nameOf(data, row), String(row), row === chosen, row === chosen),
      ),
    );
    select.addEventListener('change', () => fill(data, parts));
  }
  if (rows.length > 0) fill(data, parts);
}

function fill(data: SweepPageData, { first, other, says, metrics, operators }: PairParts): void {
  const [a, b] = [Number(first.value), Number(other.value)];
  const axes = data.columns.filter(({ kind, cells }) => kind === 'axis' && cells[a] !== cells[b]);
  const differing = axes.map(
    ({ title, cells }) => `${title}: ${textOf(cells[a])}, ${textOf(cells[b])}`,
  );
  says.textContent =
    differing.length === 0 ? 'They are the same point.' : `They differ in ${differing.join('; ')}.`;
  const names = [a, b].map((row) => `point ${textOf(data.columns[0].cells[row])}`);
  const numbers = data.columns.filter(
    (column) => column.kind === 'metric' && isShown(data, column),
  );
  fillRows(
    metrics,
    ['metric', ...names, 'difference', 'of it', ''],
    numbers.map((column) => metricRow(column, a, b)),
  );
  const cycles = [a, b].map((row) =>
    Object.fromEntries(
      Object.entries(data.operators[row]!).map(([name, of]) => [name, { cycles: of }]),
    ),
  );
  const changes = operatorChanges(cycles[0], cycles[1]);
  const sum = (of: 'before' | 'after') => changes.reduce((all, change) => all + change[of], 0);
  fillRows(
    operators,
    ['operator', ...names, 'cycles', 'of it'],
    [...changes, { operator: 'all', before: sum('before'), after: sum('after') }].map(
      ({ operator, before, after }) => [
        ...[operator, count(before), count(after), signed(after - before)],
        shareOf(before, after),
      ],
    ),
  );
}

function metricRow({ title, cells, better }: SweepColumn, a: number, b: number): string[] {
  const [before, after] = [cells[a], cells[b]];
  const texts = [title, textOf(before), textOf(after)];
  if (typeof before !== 'number' || typeof after !== 'number') return [...texts, '', '', ''];
  const isMore = after > before;
  const judged =
    better === undefined || after === before
      ? ''
      : isMore === (better === 'higher')
        ? 'better'
        : 'worse';
  return [...texts, signed(after - before), shareOf(before, after), judged];
}

function signed(difference: number): string {
  return `${difference > 0 ? '+' : ''}${textOf(difference)}`;
}

function shareOf(before: number, after: number): string {
  return before === 0 ? '-' : percent((after - before) / Math.abs(before));
}

/** What a point is, in the axes that vary. */
function nameOf({ columns }: SweepPageData, row: number): string {
  const axes = columns.filter(({ kind }) => kind === 'axis');
  return [
    textOf(columns[0].cells[row]),
    axes.map(({ cells }) => textOf(cells[row])).join(', '),
  ].join(': ');
}

function fillRows(table: HTMLElement, head: string[], rows: string[][]): void {
  const line = (cells: string[], isHead: boolean) => {
    const row = document.createElement('tr');
    row.append(
      ...cells.map((text, i) => {
        const isName = isHead ? text !== '' : i === 0;
        const cell = document.createElement(isName ? 'th' : 'td');
        if (cell instanceof HTMLTableCellElement && isName) cell.scope = isHead ? 'col' : 'row';
        cell.textContent = text;
        return cell;
      }),
    );
    return row;
  };
  table.querySelector('thead')!.replaceChildren(line(head, true));
  table.querySelector('tbody')!.replaceChildren(...rows.map((cells) => line(cells, false)));
}
