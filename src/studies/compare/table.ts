/** Runs side by side as text for a terminal, or as Markdown: numbers, then floor plans. Pure. */
import type { CompareDocument, CompareRow } from './document.js';
import {
  costsOfEach,
  costSection,
  costText,
  type Costed,
  type CostText,
} from '../../report/cost-text.js';
import type { RunDocument } from '../../report/document.js';
import { floorPlan } from './floor-plan.js';
import {
  count,
  fixed,
  heading,
  markdownTable,
  percent,
  share,
  shown,
  table,
} from '../../report/format.js';
import { valueAt, type Style } from '../../report/format.js';
import { COMPARED, METRICS, SERVED, SPEEDS, textOf } from '../../report/metrics.js';
import { choicesText, loadText, rateText } from '../../report/routing-text.js';
import { acceptanceText, ROUND_ROWS, speculativeSpeed } from '../../report/speculation-text.js';
import { scenariosOf, type ServingResult } from '../../report/serving-document.js';

/** A comparison as text, ending with a line break. */
export function compareTable(document: CompareDocument, style: Style): string {
  const [head, ...rows] = cells(document);
  const costs = costSection(costed(document), style);
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
    ...(costs === '' ? [] : ['', costs]),
    ...plans(document).flatMap(({ title, plan }) => [
      '',
      heading(title, style),
      ...(plan === '' ? [] : [indented(plan)]),
    ]),
  ].join('\n')}\n`;
}

/** The tables of a comparison: what was served, then the step; a row for each number, a column for each run. */
export function compareTables(
  document: CompareDocument,
): { title: string; head: string[]; rows: string[][] }[] {
  const [head, ...rows] = cells(document);
  return [...servedTables(document), { title: stepTitle(document), head, rows }];
}

/** What tokens of the runs cost; undefined where no price is given. */
export function compareCosts(document: CompareDocument): CostText | undefined {
  return costText(costed(document));
}

function costed({ runs, rows }: CompareDocument): Costed[] {
  return costsOfEach(
    runs,
    rows.map(({ name }) => name),
  );
}

/** A comparison as Markdown, ending with a line break. */
export function compareMarkdown(document: CompareDocument): string {
  const served = servedTables(document);
  const costs = compareCosts(document);
  const [head, ...rows] = cells(document);
  return `${[
    ...served.flatMap((one) => [escaped(one.title), markdownTable(one.head, one.rows)]),
    ...(stepTitle(document) === SIDE_BY_SIDE ? [] : [stepTitle(document)]),
    markdownTable(head, rows),
    ...[...versions(document), ...settings(document)].map((text) => escaped(text.trim())),
    ...(costs
      ? [costs.title, markdownTable(costs.head, costs.rows), ...costs.notes.map(escaped)]
      : []),
    ...plans(document).map(({ title, plan }) =>
      plan === '' ? escaped(title) : `${escaped(title)}\n\n\`\`\`text\n${plan}\n\`\`\``,
    ),
  ].join('\n\n')}\n`;
}

const SIDE_BY_SIDE = 'Side by side';

/** A step's numbers are not those of what was served, or would be. */
function stepTitle({ runs, rows }: CompareDocument): string {
  if (rows.some(({ served }) => served)) return 'One decode step by itself, not what was served';
  const kinds = runs.map(({ config }) => valueAt(config, 'workload.kind'));
  return kinds.includes('serving')
    ? 'One decode step by itself; no request is served'
    : SIDE_BY_SIDE;
}

/** What the runs served, scenario by scenario: a row for each number, a column for each run. */
function servedTables({
  runs,
  rows,
}: CompareDocument): { title: string; head: string[]; rows: string[][] }[] {
  const served = runs.map(scenariosOf);
  const names = new Set(served.flatMap((all) => all.map(({ scenario }) => scenario)));
  return [...names].map((name) => {
    const columns = served.map((all) => all.find(({ scenario }) => scenario === name));
    const row = (title: string, text: (of: ServingResult) => string) => [
      title,
      ...columns.map((of) => (of ? text(of) : '-')),
    ];
    return {
      title: name === '' ? 'Served' : `Served: ${name}`,
      head: ['', ...rows.map((row) => row.name)],
      rows: [
        row('completed', ({ requests: r }) => `${count(r.completed)} of ${count(r.arrived)}`),
        ...Object.values(SERVED).map((metric) => row(metric.title, (of) => textOf(metric, of))),
      ],
    };
  });
}

type Row = [title: string, text: (row: CompareRow, first: CompareRow) => string];

/** The metrics, after the first of them its difference to the first run. */
function metricsOf(isServed: boolean): Row[] {
  const keys = COMPARED.filter((key) => !isServed || !SPEEDS.some((speed) => speed === key));
  const [cycles, ...others] = keys.map((key): Row => {
    const { title, text } = METRICS[key];
    return [title, (row) => text(row[key])];
  });
  return [
    cycles,
    ['difference, cycles', ({ differenceCycles: by }) => `${by > 0 ? '+' : ''}${count(by)}`],
    ['difference', (row, first) => percent(row.differenceCycles / first.cyclesPerToken)],
    ...others,
  ];
}

/** Shown if some wafer has dead cores. */
const DEFECTS: Row[] = [
  ['dead cores', ({ defects }) => (defects ? count(defects.deadCores) : '-')],
  ['hops of the longest link', ({ defects }) => (defects ? count(defects.longestLinkHops) : '-')],
];

/** Shown if experts lie in strips in some run: its times depend on the choice, those of others do not. */
const ROUTING: Row[] = [
  ['experts of', ({ routing }) => (routing ? choicesText(routing) : 'any')],
  ...(['mean', 'least', 'most'] as const).map((of): Row => [
    `cycles, ${of}`,
    ({ routing, cyclesPerToken }) =>
      routing ? shownOf(routing.cyclesPerToken?.[of]) : count(cyclesPerToken),
  ]),
  ['largest load of a strip, mean', ({ routing }) => (routing ? loadText(routing) : '-')],
  [
    'lost to imbalance, cycles',
    ({ routing }) => (routing ? shownOf(routing.imbalanceCycles) : '0'),
  ],
  [
    'tokens/s per user, mean',
    ({ routing, tokensPerSecondPerUser: rate }) =>
      routing ? rateText(routing) || '-' : fixed(rate, 1),
  ],
];

/** Shown if some run drafts tokens; of another one what it does without them. */
const SPECULATION: Row[] = [
  [
    'tokens/s per user, speculative',
    ({ speculation, tokensPerSecondPerUser: plain }) =>
      fixed(speculation ? speculativeSpeed(speculation) : plain, 1),
  ],
  [
    'accepted',
    ({ speculation }) => (speculation ? acceptanceText(speculation) : 'nothing drafted'),
  ],
  [
    'cycles per round',
    ({ speculation, cyclesPerToken: plain }) =>
      count(speculation?.expected?.cyclesPerRound ?? speculation?.cyclesPerRound ?? plain),
  ],
  [
    'tokens per round',
    ({ speculation }) =>
      fixed(speculation?.expected?.tokensPerRound ?? speculation?.tokensPerRound ?? 1, 2),
  ],
  ...ROUND_ROWS.filter(([key]) => key !== 'verify' && key !== 'others').map(roundRow),
];

/** Shown if some run drafts for several users. */
const OTHER_USERS = ROUND_ROWS.filter(([key]) => key === 'others').map(roundRow);

function roundRow([key, title]: (typeof ROUND_ROWS)[number]): Row {
  return [`${title}, cycles`, ({ speculation }) => count(speculation?.breakdown[key] ?? 0)];
}

function shownOf(cycles: number | undefined): string {
  return cycles === undefined ? '-' : count(cycles);
}

/** Shown if some strategy has proved how good it is. */
const PROOF: Row[] = [
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
    ...metricsOf(rows.some(({ served }) => served)),
    ...(rows.some(({ routing }) => routing) ? ROUTING : []),
    ...(rows.some(({ speculation }) => speculation) ? SPECULATION : []),
    ...(rows.some(({ speculation }) => speculation?.users) ? OTHER_USERS : []),
    ...(rows.some(({ estimate }) => estimate?.bound !== undefined) ? PROOF : []),
    ...(rows.some(({ defects }) => defects) ? DEFECTS : []),
  ];
  return [
    head,
    ...metrics.map(([label, text]) => [label, ...rows.map((row) => text(row, rows[0]))]),
  ];
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
