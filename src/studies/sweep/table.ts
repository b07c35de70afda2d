/** A sweep as text: how many points have a result, which are best, what failed and why. */
import { table, type Style } from '../../report/format.js';
import type { SweepDocument } from './document.js';
import { textOf as valueText } from './plan.js';
import { isOpen, metricOf, type MetricName, type PointResult } from './results.js';

/** Metrics of a table; a file of results has all. */
const SHOWN: MetricName[] = [
  'cyclesPerToken',
  'tokensPerSecondPerUser',
  'tokensPerSecond',
  'coresUsed',
  'wafers',
];
const SHOWN_SERVED: MetricName[] = ['outputSpeedP50', 'outputThroughput', 'ttftP99Ms', 'tpotP99Ms'];
/** Points beyond which a table has those on the front alone. */
const MOST_ROWS = 60;
const MOST_FAILURES = 10;

/** A sweep in a few lines and a table. */
export function sweepTable(document: SweepDocument, _style: Style): string {
  const { points, pareto } = document;
  const isLong = points.length > MOST_ROWS;
  const onFront = new Set(pareto.front);
  const rows = isLong ? points.filter(({ index }) => onFront.has(index)) : points;
  const { x, y } = pareto;
  const front = `${onFront.size} on the Pareto front of ${metricOf(x).title} and ${metricOf(y).title}`;
  const lines = [
    `${countsText(document)}; ${front}${isLong ? ':' : ', marked with *:'}`,
    '',
    rows.length === 0 ? '' : table(...cells(document, rows)).trimEnd(),
    ...failures(points),
  ];
  return `${lines.join('\n')}\n`;
}

/** What is known of each point before any of them runs. */
export function plannedTable(document: SweepDocument): string {
  const { axes, points } = document;
  const head = ['point', ...axes, 'known', 'key'];
  const rows = points.map((point) => [
    String(point.index),
    ...axes.map((path) => valueText(point.axes[path])),
    isOpen(point) ? '-' : point.status,
    point.key,
  ]);
  return `${countsText(document)}\n\n${table(head, rows)}`;
}

function countsText({ counts }: SweepDocument): string {
  const { points, ok, refused, failed, missing } = counts;
  const more = [
    refused > 0 && `${refused} do not fit or fail on the machine`,
    failed > 0 && `${failed} failed`,
    missing > 0 && `${missing} missing`,
  ].filter((text) => text !== false);
  return [`${points} points: ${ok} with a run`, ...more].join(', ');
}

function cells(
  { axes, points, pareto }: SweepDocument,
  rows: readonly PointResult[],
): [head: string[], rows: string[][]] {
  const has = (name: MetricName) => points.some(({ metrics }) => metrics[name] !== undefined);
  const served = SHOWN_SERVED.filter(has);
  const metrics = [
    ...new Set([...(served.length > 0 ? served : SHOWN.filter(has)), pareto.x, pareto.y]),
  ];
  const shown = metrics.filter(has);
  const head = ['point', ...axes, ...shown.map((name) => metricOf(name).title), 'status'];
  const onFront = new Set(pareto.front);
  return [
    head,
    rows.map((point) => [
      `${point.index}${onFront.has(point.index) ? ' *' : ''}`,
      ...axes.map((path) => valueText(point.axes[path])),
      ...shown.map((name) => metricText(point, name)),
      point.status,
    ]),
  ];
}

function metricText({ metrics }: PointResult, name: MetricName): string {
  const value = metrics[name];
  return typeof value === 'number' ? metricOf(name).text(value) : '-';
}

/** Why points have no run, each reason once. */
function failures(points: readonly PointResult[]): string[] {
  const why = new Map<string, number[]>();
  for (const { index, status, message } of points)
    if (message !== null) {
      const text = `${status}: ${message}`;
      why.set(text, [...(why.get(text) ?? []), index]);
    }
  const lines = [...why].slice(0, MOST_FAILURES).map(([text, of]) => {
    const others = of.length > 1 ? ` and ${of.length - 1} more` : '';
    return `point ${of[0]}${others}: ${text}`;
  });
  const left = why.size - lines.length;
  return lines.length === 0
    ? []
    : ['', ...lines, ...(left > 0 ? [`and ${left} other reasons`] : [])];
}
