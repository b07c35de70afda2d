/** A table that a click on a column's name sorts, and words and bounds filter. */
import type { TableColumn } from './table-data.js';

type Cell = TableColumn['cells'][number];

export interface TableParts {
  table: HTMLElement;
  filter: HTMLInputElement;
  count: HTMLElement;
}

interface TableChoice {
  columns: readonly TableColumn[];
  /** What the rows are: `points`. */
  of: string;
  /** Those that are shown now. */
  shown?: () => readonly TableColumn[];
  classOf?: (row: number) => string;
  /** Rows at most; a browser takes long for more. */
  most?: number;
}

/** Fills the table; the function shows it anew. */
export function sortTable(choice: TableChoice, { table, filter, count }: TableParts): () => void {
  const { columns, of, shown = () => columns, classOf = () => '', most = 1_000 } = choice;
  const rows = (columns[0]?.cells ?? []).map((_, row) => row);
  let sorted: { column: TableColumn; down: boolean } | undefined;
  const show = () => {
    const chosen = shown();
    const left = rows.filter(wanted(filter.value, columns));
    if (sorted) {
      const { column, down } = sorted;
      left.sort((a, b) => compare(column.cells[a], column.cells[b], down) || a - b);
    }
    table.querySelector('thead')!.replaceChildren(headOf(chosen));
    table.querySelector('tbody')!.replaceChildren(
      ...left.slice(0, most).map((row) => {
        const line = document.createElement('tr');
        line.className = classOf(row);
        line.append(...chosen.map(({ cells }, i) => cellOf(cells[row], i)));
        return line;
      }),
    );
    const first = left.length > most ? `the first ${most} of ` : '';
    count.textContent = `${first}${left.length} of ${rows.length} ${of}`;
  };
  const headOf = (chosen: readonly TableColumn[]): HTMLElement => {
    const line = document.createElement('tr');
    for (const column of chosen) {
      const cell = document.createElement('th');
      const button = document.createElement('button');
      const isSorted = sorted?.column === column;
      cell.scope = 'col';
      button.textContent = `${column.title}${isSorted ? (sorted!.down ? ' ↓' : ' ↑') : ''}`;
      button.title = `${column.name}${column.unit === undefined ? '' : `, in ${column.unit}`}`;
      if (isSorted) cell.setAttribute('aria-sort', sorted!.down ? 'descending' : 'ascending');
      button.addEventListener('click', () => {
        // The better end first.
        const first = column.better === 'higher';
        sorted = { column, down: isSorted ? !sorted!.down : first };
        show();
        // Its button is a new one; a reader with a keyboard stays where they were.
        table.querySelectorAll<HTMLElement>('thead button')[chosen.indexOf(column)]?.focus();
      });
      cell.append(button);
      line.append(cell);
    }
    return line;
  };
  filter.addEventListener('input', show);
  show();
  return show;
}

function cellOf(value: Cell, column: number): HTMLElement {
  const cell = document.createElement(column === 0 ? 'th' : 'td');
  if (cell instanceof HTMLTableCellElement && column === 0) cell.scope = 'row';
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
function wanted(text: string, columns: readonly TableColumn[]): (row: number) => boolean {
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
