/**
 * A run as one page that needs nothing else: floor plan, heat map of every core, the token's timeline,
 * the breakdown and the resolved configuration. What a configuration says is shown as text; the page's
 * policy lets no script run but its own, and nothing be fetched.
 */
import { acceptanceCells } from './acceptance-table.js';
import { costText, costsOf, planCosts } from './cost-text.js';
import type { RunDetail } from './detail.js';
import type { PathEntry, RunDocument } from './document.js';
import { count, valueAt } from './format.js';
import { escapeHtml } from './html-escape.js';
import { floorPlans, timeline } from './html-floor.js';
import { mapData, QUANTITIES, type Deflate } from './html-maps.js';
import { nameOf, servingCharts, servingFacts, servingNotes, servingTable } from './html-serving.js';
import { routingFacts } from './routing-text.js';
import { ROUND_HEAD, roundRows, speculationFacts } from './speculation-text.js';
import { SCRIPT } from './page-script.js';
import type { PageData } from './page/data.js';
import { HEADLINE, METRICS, textOf } from './metrics.js';
import { planText } from './plan-text.js';
import { scenariosOf, type AnyRun, type ServingResult } from './serving-document.js';
import { htmlPage } from './html-page.js';
import { breakdownTable, causesTable, regionsTable, table } from './html-tables.js';
import { PATH_HEAD, WAITS_HEAD, pathRows, waitRows } from './waits-text.js';
import { remedyLine, whyLines } from './why-text.js';

export interface HtmlTools {
  /** Makes a zlib stream. */
  deflate: Deflate;
  /** SHA-256 of a text in base64. */
  sha256: (text: string) => string;
}

/** The page of a run; `text` is the run as the terminal shows it. */
export function htmlReport(run: AnyRun, detail: RunDetail, text: string, tools: HtmlTools): string {
  const { decode, placement } = run;
  const title = titleOf(run.config);
  const sections = [
    ...serving(run),
    section('Every core', mapControls(detail, decode.criticalPath !== undefined)),
    section('Floor plan', plans(run, detail)),
    section('A token on its path', timelineOf(detail)),
    section('Where a token goes', operators(run)),
    ...rounds(run),
    ...acceptance(run),
    ...costs(run),
    section('What the cores do', causesTable(decode.coreCycles)),
    ...(decode.waits ? [section('Why cores wait', waitsOf(run))] : []),
    section('Regions', folded(`${placement.regions.length} regions`, regionsTable(placement))),
    section('Configuration', configuration(run)),
    section('As text', folded('What the terminal shows', pre(text))),
  ];
  const body = `<header><h1>${escapeHtml(title)}</h1>${headline(run)}</header>\n${sections.join('\n')}`;
  const data = pageData(run, detail, tools);
  return htmlPage({ title, of: 'wafersim', body, data, script: SCRIPT }, tools.sha256);
}

/** A run in a few numbers: what was served if anything was, and a decode step's own otherwise. */
function headline(run: AnyRun): string {
  const facts: [string, string][] = [
    ...(run.serving === undefined ? stepFacts(run) : servingFacts(scenariosOf(run))),
    ['configuration', escapeHtml(run.configHash)],
  ];
  return `<dl>${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>`;
}

function stepFacts(run: RunDocument): [string, string][] {
  const { routing, speculation } = run.decode;
  const facts = [
    ...(routing ? routingFacts(routing) : []),
    ...(speculation ? speculationFacts(speculation) : []),
  ];
  return [
    ...HEADLINE.map(([key]): [string, string] => [METRICS[key].title, textOf(METRICS[key], run)]),
    ...facts.map(([name, value]): [string, string] => [name, escapeHtml(value)]),
  ];
}

/** Model and machine, where the configuration names them. */
function titleOf(config: unknown): string {
  const [model, hardware] = ['model.spec.name', 'hardware.name'].map((path) => {
    const name = valueAt(config, path);
    return typeof name === 'string' ? name : undefined;
  });
  return `${model ?? 'A model'} on ${hardware ?? 'a wafer'}`;
}

const HINT =
  'Point at a core for its numbers. Wheel or + and - zoom, drag or the arrow keys move, 0 shows all.';

const TITLES: Record<(typeof QUANTITIES)[number], { title: string; unit: string }> = {
  busy: { title: 'busy', unit: 'cycles' },
  waiting: { title: 'waiting', unit: 'cycles' },
  sram: { title: 'SRAM', unit: 'bytes' },
  link: { title: 'link load', unit: 'wavelets' },
};

/** What the page's script reads; shares are of the step's cycles and of a core's memory. */
function pageData(
  { placement, decode }: RunDocument,
  detail: RunDetail,
  tools: HtmlTools,
): PageData {
  const whole = (name: string) =>
    name === 'sram' ? (placement.sramBytesPerCore ?? 0) : detail.cycles;
  return {
    hint: HINT,
    quantities: QUANTITIES.map((name) => ({ name, ...TITLES[name], whole: whole(name) })),
    wafers: detail.maps.map((map) =>
      mapData(map, placement.regions, tools.deflate, decode.criticalPath),
    ),
  };
}

/** What the run served; the rest of the page is about one decode step under it, and says so. */
function serving(run: AnyRun): string[] {
  const scenarios = scenariosOf(run);
  if (scenarios.length === 0) return [];
  const charts = scenarios.map(
    (one) => `<h3>${escapeHtml(nameOf(one))}</h3>\n${servingCharts(one)}`,
  );
  return [
    ...scenarios.flatMap(planSections),
    section('Requests', `${servingTable(scenarios, run.deployments)}${servingNotes(scenarios)}`),
    section('Requests over time, and their latencies', charts.join('\n')),
    section('One decode step', stepNote(run)),
  ];
}

/** What a planner asks comes first, on a page of its own if it is printed. */
function planSections(scenario: ServingResult): string[] {
  const { plan, model, speculation } = scenario;
  if (plan === undefined) return [];
  const { title, lines, wafers, gpus } = planText({
    ...{ plan, model },
    ...(speculation && { speculation }),
  });
  const safe = (rows: string[][]) => rows.map((row) => row.map(escapeHtml));
  const body = [
    ...lines.map((line) => `<p>${escapeHtml(line)}</p>`),
    table(wafers.head, safe(wafers.rows)),
    ...(gpus ? [`<h3>${escapeHtml(gpus.title)}</h3>`, table(gpus.head, safe(gpus.rows))] : []),
  ];
  const of = scenario.scenario === '' ? '' : `${scenario.scenario}. `;
  return [section(escapeHtml(`${of}${title}`), body.join('\n'))];
}

function stepNote({ config, decode }: RunDocument): string {
  const [batch, context] = ['batch', 'context'].map((key) =>
    Number(valueAt(config, `workload.${key}`)),
  );
  const users = batch === 1 ? '1 user' : `${count(batch)} users`;
  return `<p class="soft">What follows is a single decode step by itself, not what was served: ${users} with ${count(context)} tokens in the cache (workload.batch and workload.context), ${count(decode.cyclesPerToken)} cycles.</p>`;
}

function mapControls({ maps }: RunDetail, hasPath: boolean): string {
  const buttons = QUANTITIES.map(
    (name, i) =>
      `<button data-quantity="${i}" aria-pressed="${i === 0}">${TITLES[name].title}</button>`,
  );
  const wafers = maps.map(({ wafer }, i) => `<option value="${i}">wafer ${wafer}</option>`);
  const path = hasPath ? '\n<button id="path" aria-pressed="false">critical path</button>' : '';
  const hidden = maps.length > 1 ? '' : ' hidden';
  return `<div class="controls"><span>${buttons.join(' ')}</span>${path}
<select id="wafer" aria-label="Wafer"${hidden}>${wafers.join('')}</select>
<select id="region" aria-label="Layer or region"></select>
<span><button id="in" aria-label="Zoom in">+</button> <button id="out" aria-label="Zoom out">-</button> <button id="fit">whole wafer</button></span>
<span><span id="least"></span> <canvas id="legend"></canvas> <span id="most"></span></span></div>
<canvas id="map" tabindex="0" aria-label="Heat map of the wafer"></canvas>
<p id="core">${HINT}</p>
<p class="soft">Busy: compute and set-up in one step of all users. Waiting: for input or output while the core's own stage runs; the wait for the token to come round is left out. Link load: wavelets over the busiest of a core's four links. Shares are of the step's cycles, and of a core's memory.</p>`;
}

function plans({ placement }: RunDocument, { maps }: RunDetail): string {
  return `<p class="soft">${count(placement.coresUsed)} cores in ${placement.regions.length} regions, strategy ${escapeHtml(placement.strategy)}. Layers by their numbers.</p>
<div class="wide">${floorPlans(maps, placement.regions)}</div>`;
}

function timelineOf({ stages, cycles }: RunDetail): string {
  return `<p class="soft">In cycles of the step. A stage lasts from its first sender's start to its last core's end; dark and light parts are its operators, each to the end of its slowest core.</p>
<div class="wide">${timeline(stages, cycles)}</div>`;
}

/** Decoding with drafted tokens, where the run did. */
function rounds({ decode: { speculation } }: RunDocument): string[] {
  if (speculation === undefined) return [];
  const note = `<p class="soft">${escapeHtml(speculationFacts(speculation)[0][1])}. Along the round's last token, in the mean of its rounds; all else on the page is plain decoding.</p>`;
  return [section('Where a round goes', `${note}\n${table(ROUND_HEAD, roundRows(speculation))}`)];
}

/** With --acceptance. */
function acceptance({ acceptance: found }: RunDocument): string[] {
  if (found === undefined) return [];
  const { head, rows } = acceptanceCells(found);
  const note =
    '<p class="soft">Tokens/s per user, by the chance of a drafted token, which is assumed; cycles are simulated.</p>';
  return [section('Acceptance', `${note}\n${table(head, rows)}`)];
}

/** Where prices are given. */
function costs(run: AnyRun): string[] {
  const all = [
    ...scenariosOf(run).flatMap(({ plan }) => (plan ? planCosts(plan) : [])),
    ...costsOf(run),
  ];
  const text = costText(all);
  if (text === undefined) return [];
  const { title, head, rows, notes } = text;
  const said = notes.map((note) => `<p class="soft">${escapeHtml(note)}</p>`);
  const body = [
    table(
      head,
      rows.map((row) => row.map(escapeHtml)),
    ),
    ...said,
  ];
  return [section(escapeHtml(title), body.join('\n'))];
}

function operators({ decode }: RunDocument): string {
  return `<p class="soft"><span class="key compute"></span>compute <span class="key communication"></span>communication</p>
${breakdownTable(decode.breakdown, decode.cyclesPerToken)}`;
}

function waitsOf({ decode }: RunDocument): string {
  const rows = waitRows(decode.waits ?? []).map((row) => row.map(escapeHtml));
  const lines = [...whyLines(decode), remedyLine(decode)].filter((line) => line !== '');
  return `<p class="soft">${lines.map((line) => escapeHtml(line.trim())).join('<br>')}</p>
${table(WAITS_HEAD, rows)}${pathOf(decode.criticalPath)}`;
}

function pathOf(path: readonly PathEntry[] | undefined): string {
  if (path === undefined) return '';
  const rows = pathRows(path).map((row) => row.map(escapeHtml));
  return folded('The critical path, operator by operator', table(PATH_HEAD, rows));
}

function configuration({ config, configHash }: RunDocument): string {
  const json = JSON.stringify(config, null, 2);
  return folded(`Resolved, with every default (${escapeHtml(configHash)})`, pre(json));
}

function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>\n${body}</section>`;
}

function folded(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>${body}</details>`;
}

function pre(text: string): string {
  return `<pre>${escapeHtml(text)}</pre>`;
}
