/** Runs side by side as text for a terminal, or as Markdown: numbers, then floor plans. Pure. */
import type { CompareDocument, CompareRow, ServedRow } from './document.js';
import type { RunDocument } from '../../report/document.js';
import { floorPlan } from './floor-plan.js';
import {
  bytes,
  count,
  fixed,
  heading,
  share,
  shown,
  table,
  type Style,
} from '../../report/format.js';

/** A comparison as text, ending with a line break. */
export function compareTable(document: CompareDocument, style: Style): string {
  const [head, ...rows] = cells(document);
  return `${[
    ...servedTables(document).flatMap(({ title, head: names, rows: lines }) => [
      heading(title, style),
      table(names, lines),
      '',
    ]),
    heading(stepTitle(document), style),
    table(head, rows),
    ...versions(document),
    ...settings(document),
    ...plans(document).flatMap(({ title, plan }) => [
      '',
      heading(title, style),
      ...(plan === '' ? [] : [indented(plan)]),
    ]),
  ].join('\n')}\n`;
}

/** A comparison as Markdown, ending with a line break. */
export function compareMarkdown(document: CompareDocument): string {
  const line = (row: string[]) => `| ${row.map(escaped).join(' | ')} |`;
  const markdown = (head: string[], rows: string[][]) => {
    const rule = head.map((_, column) => (column === 0 ? ':--' : '--:'));
    return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
  };
  const served = servedTables(document);
  const [head, ...rows] = cells(document);
  return `${[
    ...served.flatMap((one) => [escaped(one.title), markdown(one.head, one.rows)]),
    ...(stepTitle(document) === SIDE_BY_SIDE ? [] : [stepTitle(document)]),
    markdown(head, rows),
    ...[...versions(document), ...settings(document)].map((text) => escaped(text.trim())),
    ...plans(document).map(({ title, plan }) =>
      plan === '' ? escaped(title) : `${escaped(title)}\n\n\`\`\`text\n${plan}\n\`\`\``,
    ),
  ].join('\n\n')}\n`;
}

const SIDE_BY_SIDE = 'Side by side';

/** A step's numbers are not those of what was served, or would be. */
function stepTitle({ runs, rows }: CompareDocument): string {
  if (rows.some(({ served }) => served)) return 'One decode step by itself, not what was served';
  const kinds = runs.map(
    ({ config }) => (config as { workload?: { kind?: unknown } }).workload?.kind,
  );
  return kinds.includes('serving')
    ? 'One decode step by itself; no request is served'
    : SIDE_BY_SIDE;
}

const SERVED: [string, (row: ServedRow) => string][] = [
  ['completed', (row) => `${count(row.completed)} of ${count(row.arrived)}`],
  ['tokens/s per user, p50', (row) => maybe(row.outputSpeedP50, 1)],
  ['tokens/s, all users', (row) => fixed(row.outputThroughput, 1)],
  ['goodput, requests/s', (row) => fixed(row.requestGoodput, 2)],
  ['TTFT p50, ms', (row) => maybe(row.ttftMs.p50, 2)],
  ['TTFT p99, ms', (row) => maybe(row.ttftMs.p99, 2)],
  ['TPOT p50, ms', (row) => maybe(row.tpotMs.p50, 3)],
  ['TPOT p99, ms', (row) => maybe(row.tpotMs.p99, 3)],
  ['E2EL p50, ms', (row) => maybe(row.e2elMs.p50, 2)],
  ['E2EL p99, ms', (row) => maybe(row.e2elMs.p99, 2)],
  ['J per output token', (row) => maybe(row.joulesPerOutputToken, 3)],
];

function maybe(value: number | null, digits: 1 | 2 | 3): string {
  return value === null ? '-' : fixed(value, digits);
}

/** What the runs served, scenario by scenario: a row for each number, a column for each run. */
function servedTables({
  rows,
}: CompareDocument): { title: string; head: string[]; rows: string[][] }[] {
  const scenarios = new Set(rows.flatMap(({ served = [] }) => served.map((one) => one.scenario)));
  return [...scenarios].map((name) => {
    const columns = rows.map(({ served }) => served?.find((one) => one.scenario === name));
    return {
      title: name === '' ? 'Served' : `Served: ${name}`,
      head: ['', ...rows.map((row) => row.name)],
      rows: SERVED.map(([label, text]) => [
        label,
        ...columns.map((one) => (one ? text(one) : '-')),
      ]),
    };
  });
}

const METRICS: [string, (row: CompareRow, first: CompareRow) => string][] = [
  ['cycles per token', (row) => count(row.cyclesPerToken)],
  ['difference, cycles', (row) => signed(row.differenceCycles, count)],
  ['difference', (row, first) => percent(row.differenceCycles, first.cyclesPerToken)],
  ['tokens/s per user', (row) => fixed(row.tokensPerSecondPerUser, 1)],
  ['tokens/s, all users', (row) => fixed(row.tokensPerSecond, 1)],
  ['hand-off hops', (row) => count(row.handOffHops)],
  ['hand-off cycles', (row) => count(row.handOffCycles)],
  ['way back, cycles', (row) => count(row.tokenCycles)],
  ['wavelet-hops', (row) => count(row.waveletHops)],
  ['busiest link', (row) => `${fixed(100 * row.peakLinkUtilization, 3)} %`],
  ['SRAM, fullest core', (row) => bytes(row.sramPeakBytesPerCore)],
  ['SRAM, all cores', (row) => bytes(row.sramUsedBytes)],
  ['cores used', (row) => count(row.coresUsed)],
  ['wafers', (row) => count(row.wafers)],
];

/** Of a step by itself: next to what was served they would be taken for it. */
const SPEEDS = new Set(['tokens/s per user', 'tokens/s, all users']);

/** Shown if some wafer has dead cores. */
const DEFECTS: typeof METRICS = [
  ['dead cores', ({ defects }) => (defects ? count(defects.deadCores) : '-')],
  ['hops of the longest link', ({ defects }) => (defects ? count(defects.longestLinkHops) : '-')],
];

/** Shown if some strategy has proved how good it is. */
const PROOF: typeof METRICS = [
  ['hand-offs (estimate)', ({ estimate }) => (estimate ? count(estimate.handOffCycles) : '-')],
  [
    'least of any layout (estimate)',
    ({ estimate }) => (estimate?.bound === undefined ? '-' : count(estimate.bound)),
  ],
];

/** A heading and a row for each number, a column for each run. */
function cells({ rows }: CompareDocument): string[][] {
  const head = ['', ...rows.map(({ name }) => name)];
  const metrics = [
    ...(rows.some(({ served }) => served)
      ? METRICS.filter(([label]) => !SPEEDS.has(label))
      : METRICS),
    ...(rows.some(({ estimate }) => estimate?.bound !== undefined) ? PROOF : []),
    ...(rows.some(({ defects }) => defects) ? DEFECTS : []),
  ];
  return [
    head,
    ...metrics.map(([label, text]) => [label, ...rows.map((row) => text(row, rows[0]))]),
  ];
}

function signed(value: number, text: (value: number) => string): string {
  return value > 0 ? `+${text(value)}` : text(value);
}

function percent(part: number, whole: number): string {
  return signed((100 * part) / whole, (value) => `${fixed(value, 2)} %`);
}

/** Where the runs are of different versions of wafersim, which ones. */
function versions({ rows }: CompareDocument): string[] {
  if (rows.every(({ version }) => version === rows[0].version)) return [];
  const shown = rows.map(({ version }) => version ?? 'unknown');
  return [`  simulated by different versions of wafersim: ${shown.join(' | ')}`];
}

/** Settings other than the strategy, which heads its column. */
function settings({ settings: differing }: CompareDocument): string[] {
  return differing
    .filter(({ path }) => path !== 'placement.strategy')
    .map(({ path, values }) => {
      const texts = values.map((value) => shown(JSON.stringify(value) ?? 'not set'));
      return `  ${shown(path)}: ${texts.join(' | ')}`;
    });
}

/** Floor plans by run; of equal ones the first is drawn. */
function plans({ runs, rows }: CompareDocument): { title: string; plan: string }[] {
  return rows.map(({ name, sameFloorPlanAs, wafers }, i) =>
    sameFloorPlanAs === undefined
      ? {
          title: `Floor plan: ${name}${usedShare(runs[i], wafers)}`,
          plan: floorPlan(runs[i].placement),
        }
      : { title: `Floor plan: ${name} is equal to ${sameFloorPlanAs}`, plan: '' },
  );
}

function usedShare({ placement }: RunDocument, wafers: number): string {
  if (placement.coresAvailable === undefined) return '';
  const on = wafers === 1 ? '1 wafer' : `${wafers} wafers`;
  return ` (${share(placement.coresUsed, placement.coresAvailable)} of the cores of ${on})`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
