/** Runs side by side as text for a terminal, or as Markdown: numbers, then floor plans. Pure. */
import type { CompareDocument, CompareRow } from './compare-document.js';
import type { RunDocument } from './document.js';
import { floorPlan } from './floor-plan.js';
import { bytes, count, fixed, heading, share, table, type Style } from './format.js';

/** A comparison as text, ending with a line break. */
export function compareTable(document: CompareDocument, style: Style): string {
  const [head, ...rows] = cells(document);
  return `${[
    heading('Side by side', style),
    table(head, rows),
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
  const [head, ...rows] = cells(document).map((row) => row.map(escaped));
  const line = (row: string[]) => `| ${row.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? ':--' : '--:'));
  return `${[
    [line(head), line(rule), ...rows.map(line)].join('\n'),
    ...settings(document).map((text) => escaped(text.trim())),
    ...plans(document).map(({ title, plan }) =>
      plan === '' ? escaped(title) : `${escaped(title)}\n\n\`\`\`text\n${plan}\n\`\`\``,
    ),
  ].join('\n\n')}\n`;
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
    ...METRICS,
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

/** Settings other than the strategy, which heads its column. */
function settings({ settings: differing }: CompareDocument): string[] {
  return differing
    .filter(({ path }) => path !== 'placement.strategy')
    .map(({ path, values }) => {
      const shown = values.map((value) => JSON.stringify(value) ?? 'not set');
      return `  ${path}: ${shown.join(' | ')}`;
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
