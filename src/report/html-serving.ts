/**
 * What a serving run adds to its page: a row per scenario, and of each what happened when (arrivals,
 * requests in the system, output tokens) and how its latencies are distributed, as drawings.
 */
import { count, known as number } from './numbers.js';
import { escapeHtml } from './html-escape.js';
import { px } from './html-floor.js';
import { folded, table, wide } from './html-tables.js';
import type { ServedRequests } from './page/serving-data.js';
import type { DeploymentsResult, ServingResult } from './serving-document.js';

/** The first scenario in a few numbers, as the page's headline. */
export function servingFacts([first, ...others]: ServingResult[]): [string, string][] {
  const { outputSpeed, outputThroughput, ttftMs, tpotMs, requests } = first;
  return [
    ...(others.length > 0 ? [['scenario', escapeHtml(nameOf(first))] as [string, string]] : []),
    ['tokens/s per user, p50', number(outputSpeed.p50, 1)],
    ['tokens/s, all users', number(outputThroughput, 1)],
    ['TTFT, p50', `${number(ttftMs.p50, 2)} ms`],
    ['TPOT, p50', `${number(tpotMs.p50, 3)} ms`],
    ['requests completed', `${count(requests.completed)} of ${count(requests.arrived)}`],
  ];
}

/** What has to be known of the requests, once each. */
export function servingNotes(scenarios: ServingResult[]): string {
  const notes = [...new Set(scenarios.flatMap(({ notes }) => notes))];
  return notes.map((note) => `\n<p class="soft">${escapeHtml(note)}</p>`).join('');
}

type Served = DeploymentsResult['total'];

/** Speed is of one user, throughput of all together; of deployments also a row of all. */
export function servingTable(scenarios: ServingResult[], deployments?: DeploymentsResult): string {
  const head = [
    deployments === undefined ? 'scenario' : 'deployment',
    'wafers',
    'completed',
    'tokens/s per user, p50',
    'tokens/s, all users',
    'TTFT p50 / p99, ms',
    'TPOT p50 / p99, ms',
    'E2EL p50 / p99, ms',
    'J per token',
  ];
  const pair = ({ p50, p99 }: { p50: number; p99: number }) => `${amount(p50)} / ${amount(p99)}`;
  const cells = (name: string, wafers: number, s: Served) => [
    escapeHtml(name),
    count(wafers),
    `${count(s.requests.completed)} of ${count(s.requests.arrived)}`,
    number(s.outputSpeed.p50, 0),
    number(s.outputThroughput, 0),
    pair(s.ttftMs),
    pair(s.tpotMs),
    pair(s.e2elMs),
    number(s.energy.joulesPerOutputToken, 3),
  ];
  const rows = scenarios.map((one) => cells(nameOf(one), one.wafers, one));
  if (deployments) rows.push(cells('all deployments', deployments.wafers, deployments.total));
  return table(head, rows);
}

/** Name of a scenario, or what it does if it is the only one. */
export function nameOf({ scenario, model, workload }: ServingResult): string {
  return scenario === '' ? `${model}, ${workload}` : scenario;
}

/**
 * Over time, and by percentile. What is drawn here is for pages without script and for paper; with it there are charts
 * in its place that zoom (page/serving.ts), `at` says of which scenario.
 */
export function servingCharts({ series, distributions, limits }: ServingResult, at = 0): string {
  const { intervalSeconds: interval, arrived, inSystem, outputTokensPerSecond } = series;
  const end = `${number(interval * arrived.length, 1)} s`;
  const perSecond = arrived.map((n) => n / interval);
  const over = (title: string, values: number[]) => panel({ title, values, end, steps: true });
  const by = (title: string, values: number[]) =>
    panel({ title, values, end: 'p100', steps: false });
  const chart = (id: string, drawing: string) =>
    `<div class="chart" id="${id}-${at}">${drawing}</div>`;
  return `<p class="soft">Over time, in intervals of ${number(interval, 2)} s: simulated. Drag over a chart to zoom in, click twice for all again.</p>
<div class="charts">${chart('arrivals', over('arrivals per second', perSecond))}
${chart('system', over('requests in the system', inSystem))}
${chart('tokens', over('output tokens/s, all users', outputTokensPerSecond))}</div>
<p class="soft">Completed requests by percentile${limitsText(limits)}:</p>
<div class="charts">${chart('ttftMs', by('TTFT, ms', distributions.ttftMs))}
${chart('tpotMs', by('TPOT, ms', distributions.tpotMs))}
${chart('e2elMs', by('E2EL, ms', distributions.e2elMs))}</div>
${folded('The percentiles as a table', percentilesTable(distributions))}`;
}

const LATENCY_NAMES = { ttftMs: 'TTFT', tpotMs: 'TPOT', e2elMs: 'E2EL' } as const;

function limitsText(limits: ServingResult['limits']): string {
  const texts = Object.entries(limits).map(
    ([key, ms]) => `${LATENCY_NAMES[key as keyof typeof LATENCY_NAMES]} ${amount(ms)} ms`,
  );
  return texts.length === 0 ? '' : `, and the limits of goodput (${texts.join(', ')})`;
}

function percentilesTable({ ttftMs, tpotMs, e2elMs }: ServingResult['distributions']): string {
  const longest = Math.max(ttftMs.length, tpotMs.length, e2elMs.length);
  const rows = Array.from({ length: longest }, (_, i) => [
    `p${i * 5}`,
    ...[ttftMs, tpotMs, e2elMs].map((values) => amount(values[i] ?? null)),
  ]);
  const caption = 'Latencies of completed requests';
  return table(['percentile', 'TTFT, ms', 'TPOT, ms', 'E2EL, ms'], rows, { caption });
}

/** The requests one by one, which the page's script fills in. */
export function requestList(at: number, { total, columns }: ServedRequests): string {
  const length = columns[0]?.cells.length ?? 0;
  const some =
    total > length
      ? ` The first ${count(length)} of ${count(total)}; all are in requests.csv.`
      : '';
  return `<p class="soft">A click on a column’s name sorts.${some}</p>
<div class="controls"><label>rows with <input id="filter-${at}" type="search" placeholder="completed, ttftMs&gt;20"></label><span class="soft" id="count-${at}" role="status"></span></div>
${wide('Requests', `<table class="sorts" id="requests-${at}"><thead></thead><tbody></tbody></table>`)}`;
}

const PANEL = { width: 340, height: 96, top: 18, bottom: 16 };

interface Panel {
  title: string;
  /** Evenly spaced. */
  values: number[];
  /** What stands at the right end of the axis. */
  end: string;
  /** Each value lasts until the next one; otherwise a line joins them. */
  steps: boolean;
}

/** A filled line over a scale from 0 to the highest value, which stands above it. */
function panel({ title, values, end, steps }: Panel): string {
  const { width, height, top, bottom } = PANEL;
  const most = Math.max(...values, 0);
  const floor = top + height;
  const y = (value: number) => px(floor - (most > 0 ? value / most : 0) * height);
  const gaps = steps ? values.length : Math.max(1, values.length - 1);
  const x = (i: number) => px((i / gaps) * width);
  const line = values.map((value, i) =>
    steps ? `L${x(i)} ${y(value)}H${x(i + 1)}` : `L${x(i)} ${y(value)}`,
  );
  const label = `${title}: at most ${amount(most)}`;
  const area = values.length === 0 ? '' : `M0 ${px(floor)}${line.join('')}V${px(floor)}Z`;
  return `<svg role="img" aria-label="${label}" width="${width}" height="${floor + bottom}">
<text x="0" y="11">${label}</text>
<path class="compute" fill-opacity="0.7" d="${area}"/>
<line class="grid" x1="0" x2="${width}" y1="${floor}" y2="${floor}"/>
<text class="scale" x="0" y="${floor + 12}">0</text>
<text class="scale" x="${width}" y="${floor + 12}" text-anchor="end">${end}</text></svg>`;
}

/** More digits for what is short. */
function amount(value: number | null): string {
  return number(value, value !== null && value < 1 ? 3 : 1);
}
