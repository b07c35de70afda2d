/** The charts of a sweep: two metrics against each other with their front, and a metric along each axis. */
import { chartOf, color } from './chart.js';
import { frontOf } from './pareto.js';
import type { SweepColumn, SweepPageData } from './sweep-data.js';
import { textOf } from './sort-table.js';

const MOST_LINES = 40;

interface ParetoParts {
  x: string;
  y: string;
  place: HTMLElement;
  says: HTMLElement;
  ways: HTMLElement;
}

export function drawPareto(data: SweepPageData, { x, y, place, says, ways }: ParetoParts): void {
  const [across, up] = [columnOf(data, x), columnOf(data, y)];
  const rows = across.cells
    .map((_, row) => row)
    .filter((row) => isNumber(across.cells[row]) && isNumber(up.cells[row]))
    .sort((a, b) => Number(across.cells[a]) - Number(across.cells[b]) || a - b);
  const points = rows.map((row) => ({ x: Number(across.cells[row]), y: Number(up.cells[row]) }));
  const onFront = frontOf(points, across.better ?? 'higher', up.better ?? 'higher');
  const front = new Set(onFront.map((at) => rows[at]));
  ways.textContent = `Better: ${across.title} ${across.better}, ${up.title} ${up.better}. ${front.size} of ${rows.length} points are on the front.`;
  const ys = rows.map((row) => Number(up.cells[row]));
  const line = rows.map((row, i) => (front.has(row) ? ys[i] : null));
  chartOf(place, {
    axes: [titleOf(across), titleOf(up)],
    label: `${up.title} over ${across.title}`,
    series: [
      {
        label: up.title,
        paths: () => null,
        points: { show: true, size: 7, fill: color('--soft') },
      },
      {
        label: 'front',
        stroke: color('--mark'),
        spanGaps: true,
        points: { show: true, size: 9, fill: color('--mark') },
      },
    ],
    data: [rows.map((row) => Number(across.cells[row])), ys, line],
    onPoint: (i) => (says.textContent = i === undefined ? '\u00A0' : pointText(data, rows[i])),
  });
}

/** One chart for each axis; points that differ in nothing else are a line. */
export function drawAxes(data: SweepPageData, metric: string, places: HTMLElement[]): void {
  const of = columnOf(data, metric);
  const axes = data.columns.filter(({ kind }) => kind === 'axis');
  for (const [i, axis] of axes.entries()) drawAxis(of, axis, axes, places[i]);
}

function drawAxis(
  metric: SweepColumn,
  axis: SweepColumn,
  axes: SweepColumn[],
  place: HTMLElement,
): void {
  const values = [...new Set(axis.cells)];
  if (axis.isNumber) values.sort((a, b) => Number(a) - Number(b));
  const others = axes.filter((other) => other !== axis);
  const lines = new Map<string, (number | null)[]>();
  for (const [row, cell] of metric.cells.entries()) {
    const name = others.map(({ cells }) => String(cells[row])).join(', ');
    const line = lines.get(name) ?? values.map(() => null);
    lines.set(name, line);
    if (isNumber(cell)) line[values.indexOf(axis.cells[row])] = cell;
  }
  const drawn = [...lines].filter(([, line]) => line.some((value) => value !== null));
  const shown = drawn.slice(0, MOST_LINES);
  const title = drawn.length > shown.length ? ` (${shown.length} of ${drawn.length} lines)` : '';
  chartOf(place, {
    label: `${metric.title} along ${axis.title}`,
    axes: [`${axis.title}${title}`, titleOf(metric)],
    names: axis.isNumber ? undefined : values.map(String),
    series: shown.map(([label], i) => ({
      label: label || metric.title,
      stroke: lineColor(i, shown.length),
      spanGaps: true,
      points: { show: true, size: 5 },
    })),
    data: [
      axis.isNumber ? values.map(Number) : values.map((_, at) => at),
      ...shown.map(([, line]) => line),
    ],
  });
}

/** Okabe and Ito's colours, which differ for every kind of colour blindness. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** There are no more of them than a few; then hues follow each other. */
function lineColor(line: number, of: number): string {
  return of <= COLORS.length ? COLORS[line] : `hsl(${Math.round((360 * line) / of)} 55% 50%)`;
}

function pointText({ columns }: SweepPageData, row: number): string {
  return columns
    .filter(({ name, kind }) => kind === 'axis' || name === 'index')
    .map(({ title, cells }) => `${title} ${textOf(cells[row])}`)
    .join(', ');
}

function columnOf({ columns }: SweepPageData, name: string): SweepColumn {
  return columns.find((of) => of.name === name) ?? columns[0];
}

const titleOf = ({ title, unit }: SweepColumn) =>
  unit === undefined || title.includes(unit) ? title : `${title} (${unit})`;

const isNumber = (value: unknown): value is number => typeof value === 'number';
