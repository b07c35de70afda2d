/** The table of all points: a click on a column's name sorts, words and bounds filter. */
import type { SweepColumn, SweepPageData } from './sweep-data.js';

interface Parts {
  table: HTMLElement;
  filter: HTMLInputElement;
  all: HTMLInputElement;
  count: HTMLElement;
}

type Cell = SweepColumn['cells'][number];

export function fillTable(data: SweepPageData, { table, filter, all, count }: Parts): void {
  const { columns, pareto, shown } = data;
  const rows = columns[0].cells.map((_, row) => row);
  const front = new Set(pareto.front);
  let sorted: { column: SweepColumn; down: boolean } | undefined;
  const show = () => {
    const chosen = columns.filter(({ name, kind, cells }) => {
      if (all.checked) return true;
      if (kind === 'metric') return shown.includes(name) || name === pareto.x || name === pareto.y;
      return name !== 'key' && name !== 'exitCode' && cells.some((cell) => cell !== null);
    });
    const fits = wanted(filter.value, columns);
    const left = rows.filter(fits);
    if (sorted) {
      const { column, down } = sorted;
      left.sort((a, b) => compare(column.cells[a], column.cells[b], down) || a - b);
    }
    table.querySelector('thead')!.replaceChildren(headOf(chosen));
    table.querySelector('tbody')!.replaceChildren(
      ...left.map((row) => {
        const line = document.createElement('tr');
        line.className = front.has(row) ? 'front' : '';
        line.append(...chosen.map(({ cells }) => cellOf(cells[row])));
        return line;
      }),
    );
    count.textContent = `${left.length} of ${rows.length} points`;
  };
  const headOf = (chosen: SweepColumn[]): HTMLElement => {
    const line = document.createElement('tr');
    for (const column of chosen) {
      const cell = document.createElement('th');
      const button = document.createElement('button');
      const isSorted = sorted?.column === column;
      button.textContent = `${column.title}${isSorted ? (sorted!.down ? ' ↓' : ' ↑') : ''}`;
      button.title = `${column.name}${column.unit === undefined ? '' : `, in ${column.unit}`}`;
      if (isSorted) cell.setAttribute('aria-sort', sorted!.down ? 'descending' : 'ascending');
      button.addEventListener('click', () => {
        // The better end first.
        const first = column.better === 'higher';
        sorted = { column, down: isSorted ? !sorted!.down : first };
        show();
      });
      cell.append(button);
      line.append(cell);
    }
    return line;
  };
  filter.addEventListener('input', show);
  all.addEventListener('change', show);
  show();
}

function cellOf(value: Cell): HTMLElement {
  const cell = document.createElement('td');
  cell.textContent = textOf(value);
  return cell;
}

export function textOf(value: Cell): string {
  if (value === null) return '';
  if (typeof value !== 'number') return String(value);
  return value.toLocaleString('en-US', {
    maximumSignificantDigits: Number.isInteger(value) ? 21 : 6,
  });
}

/** What is missing comes last, whichever way. */
function compare(a: Cell, b: Cell, down: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const order =
    typeof a === 'number' && typeof b === 'number'
      ? a - b
      : String(a).localeCompare(String(b), 'en');
  return down ? -order : order;
}

/** `word`, in any column; `column:word` in one; `column<5` and the like. All that are given hold. */
function wanted(text: string, columns: SweepColumn[]): (row: number) => boolean {
  const tests = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part): ((row: number) => boolean) => {
      const [, name = '', sign = '', value = ''] =
        /^([\w.]+?)(<=|>=|<|>|=|:)(.*)$/.exec(part) ?? [];
      const column = columns.find((of) => of.name.toLowerCase() === name.toLowerCase());
      if (column === undefined) return (row) => columns.some((of) => has(of.cells[row], part));
      if (sign === ':') return (row) => has(column.cells[row], value);
      if (sign === '=') return (row) => String(column.cells[row] ?? '') === value;
      return (row) => holds(column.cells[row], sign, Number(value));
    });
  return (row) => tests.every((test) => test(row));
}

const has = (cell: Cell, word: string) =>
  String(cell ?? '')
    .toLowerCase()
    .includes(word.toLowerCase());

function holds(cell: Cell, sign: string, bound: number): boolean {
  if (typeof cell !== 'number') return false;
  if (sign.startsWith('<')) return cell < bound || (sign === '<=' && cell === bound);
  return cell > bound || (sign === '>=' && cell === bound);
}
