/** Headings, rows and names as a terminal and Markdown show them. */
import Table from 'cli-table3';
import { isPlain, shown } from './shown.js';

export { bytes, count, fixed, known, percent, share, shortName } from './numbers.js';
export { shown } from './shown.js';

export interface Style {
  /** Whether headings may carry terminal colours. */
  color: boolean;
}

const BOLD = '\u001B[1m';
const NOT_BOLD = '\u001B[22m';

/** A page of text whose lines and headings stand, without anything else that a terminal would obey. */
export function shownPage(text: string): string {
  if (isPlain(text)) return text;
  const parts = (of: string, [first, ...rest]: string[]): string =>
    first === undefined
      ? shown(of)
      : of
          .split(first)
          .map((part) => parts(part, rest))
          .join(first);
  return parts(text, ['\n', '\t', BOLD, NOT_BOLD]);
}

/** A heading on a line of its own. */
export function heading(text: string, style: Style): string {
  return style.color ? BOLD + shown(text) + NOT_BOLD : shown(text);
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: ' ',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
};

/** A table without lines: the first column to the left, the others to the right. */
export function table(head: string[], rows: string[][]): string {
  const lines = new Table({
    head: head.map(shown),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 0 },
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
  });
  lines.push(...rows.map((row) => row.map(shown)));
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A table in Markdown: so many columns to the left, the others to the right, or each as `rule` says. */
export function markdownTable(
  head: string[],
  rows: string[][],
  rule: number | string[] = 1,
  escape = (cell: string) => cell.replaceAll('|', '\\|'),
): string {
  const columns = Array.isArray(rule) ? rule : head.map((_, i) => (i < rule ? ':--' : '--:'));
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const lines = [head, ...rows].map((row) => line(row.map(escape)));
  return [lines[0], line(columns), ...lines.slice(1)].join('\n');
}

/**
 * Names as a list; those that differ by their number only share the rest: `layer 0 .. 3, 6`. Where words
 * come after the number such names are brought together: `layer 0 .. 3, 6 mlp`.
 */
export function ranges(names: string[]): string {
  const each = names.map(numbered);
  const isLike = (a: Numbered, b: Numbered) => !Number.isNaN(b.number) && stemOf(a) === stemOf(b);
  return runsOf(each, (of) => of, isLike)
    .map((run) => {
      const { before, number, after } = run[0];
      return Number.isNaN(number) ? before : before + spans(run) + after;
    })
    .join(', ');
}

/**
 * What is alike: neighbours, and wherever they are those that take turns with others, as a layer's attention and MLP
 * do. Their names have words after the number.
 */
export function runsOf<T>(
  all: readonly T[],
  nameOf: (one: T) => Numbered,
  isLike: (first: T, other: T) => boolean,
): T[][] {
  const runs: T[][] = [];
  for (const one of all) {
    const holds = (run: T[] | undefined) => run !== undefined && isLike(run[0], one);
    const run = nameOf(one).after === '' ? [runs.at(-1)].find(holds) : runs.find(holds);
    if (run) run.push(one);
    else runs.push([one]);
  }
  return runs;
}

function spans(run: Numbered[]): string {
  const parts: string[] = [];
  for (let first = 0; first < run.length;) {
    let end = first + 1;
    while (end < run.length && run[end].number === run[end - 1].number + 1) end++;
    // Two in a row are no range.
    const length = end - first === 2 ? 1 : end - first;
    const { number } = run[first];
    parts.push(length === 1 ? `${number}` : `${number} .. ${number + length - 1}`);
    first += length;
  }
  return parts.join(', ');
}

/** The value at a path (`a.b.c`) of a resolved configuration; undefined if there is none. */
export function valueAt(tree: unknown, path: string): unknown {
  return path.split('.').reduce((node, key) => {
    const has = typeof node === 'object' && node !== null && Object.hasOwn(node, key);
    return has ? (node as Record<string, unknown>)[key] : undefined;
  }, tree);
}

/** All plain values of a tree with their paths. */
export function leaves(tree: unknown, path = ''): [string, unknown][] {
  if (typeof tree !== 'object' || tree === null) return [[path, tree]];
  return Object.entries(tree).flatMap(([key, value]) =>
    leaves(value, path === '' ? key : `${path}.${key}`),
  );
}

/** A name with a number in it (NaN without one). */
export interface Numbered {
  before: string;
  number: number;
  after: string;
}

/** A name taken apart at its number, the last one of several. */
export function numbered(name: string): Numbered {
  const [, before, digits, after] = /^(.*?)(\d+)(\D*)$/.exec(name) ?? ['', name, '', ''];
  return { before, number: digits === '' ? NaN : Number(digits), after };
}

/** The name without its number. */
export function stemOf({ before, after }: Numbered): string {
  return `${before}#${after}`;
}
