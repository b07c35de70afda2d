/**
 * A run as one page that needs nothing else: floor plan, heat map of every core, the token's timeline,
 * the breakdown and the resolved configuration. What a configuration says is shown as text; the page's
 * policy lets no script run but its own, and nothing be fetched.
 */
import { acceptanceCells } from './acceptance-table.js';
import { costText, costsOf, planCosts } from './cost-text.js';
import type { RunDetail } from './detail.js';
import type { PathEntry, RunDocument } from './document.js';
import { valueAt } from './format.js';
import { escapeHtml } from './html-escape.js';
import { floorPlans } from './html-floor.js';
import { MAP_HINT, MAP_NOTE, mapControls, mapsOfRun, mapTable } from './html-map.js';
import type { Deflate } from './html-maps.js';
import { htmlPage } from './html-page.js';
import { provenanceOf, type Provenance } from './html-provenance.js';
import { nameOf, requestList, servingCharts } from './html-serving.js';
import { servingFacts, servingNotes, servingTable } from './html-serving.js';
import { stretchesOfPath, timelineOf } from './html-step.js';
import { breakdownTable, causesTable, costsSection, regionsTable } from './html-tables.js';
import { factsList, folded, pre, section, table, textTable, wide } from './html-tables.js';
import { json } from './json.js';
import { HEADLINE, METRICS, textOf } from './metrics.js';
import { count } from './numbers.js';
import { downloadButtons, packedFiles, type CarriedFiles } from './packed-files.js';
import { CHART_STYLE, SCRIPT, SERVING_SCRIPT } from './page-script.js';
import type { PageData } from './page/data.js';
import type { ServedRequests, ServingPage } from './page/serving-data.js';
import { planText } from './plan-text.js';
import { routingFacts } from './routing-text.js';
import { scenariosOf, type AnyRun, type ServingResult } from './serving-document.js';
import { ROUND_HEAD, roundRows, speculationFacts } from './speculation-text.js';
import { PATH_HEAD, WAITS_HEAD, pathRows, waitRows } from './waits-text.js';
import { remedyLine, whyLines } from './why-text.js';

export interface HtmlTools {
  /** Makes a zlib stream. */
  deflate: Deflate;
  /** SHA-256 of a text in base64. */
  sha256: (text: string) => string;
}

/** What a page can show in addition. */
export interface More {
  provenance?: Provenance;
  /** Of a serving run: the requests of each scenario. */
  requests?: readonly ServedRequests[];
  /** Texts by their names: what a reader can have from the page next to run.json. */
  files?: Record<string, string>;
}

/** The page of a run; `text` is the run as the terminal shows it. */
export function htmlReport(
  run: AnyRun,
  detail: RunDetail,
  text: string,
  tools: HtmlTools,
  more: More = {},
): string {
  const { decode, placement } = run;
  const title = titleOf(run.config);
  const carried = { name: run.configHash, files: { 'run.json': json(run), ...more.files } };
  const sections = [
    ...serving(run, more.requests),
    section('Every core', map(run, detail)),
    section('Floor plan', plans(run, detail)),
    section('A token on its path', timelineOf(detail, decode.criticalPath !== undefined)),
    section('Where a token goes', operators(run)),
    ...rounds(run),
    ...acceptance(run),
    ...costs(run),
    section('What the cores do', causesTable(decode.coreCycles)),
    ...(decode.waits ? [section('Why cores wait', waitsOf(run))] : []),
    section('Regions', folded(`${placement.regions.length} regions`, regionsTable(placement))),
    section('Configuration', configuration(run)),
    section('Where this comes from', provenanceOf(run, more.provenance)),
    section('To take away', downloadButtons(carried)),
    section('As text', folded('What the terminal shows', pre(text))),
  ];
  const body = `<header><h1>${escapeHtml(title)}</h1>${headline(run)}</header>\n<main>${sections.join('\n')}</main>`;
  const data = pageData(run, detail, carried, tools.deflate);
  const page = { title, of: 'wafersim', body, data, script: SCRIPT };
  if (run.serving === undefined) return htmlPage(page, tools.sha256);
  return htmlPage(
    {
      ...page,
      styles: [CHART_STYLE, ''],
      more: { 'serving-data': servingData(run, more.requests) },
      script: `${SCRIPT}\n${SERVING_SCRIPT}`,
    },
    tools.sha256,
  );
}

function servingData(run: AnyRun, requests: readonly ServedRequests[] = []): ServingPage[] {
  return scenariosOf(run).map(({ series, distributions, limits }, i) => ({
    ...{ series, distributions, limits, requests: requests[i] },
  }));
}

/** A run in a few numbers: what was served if anything was, and a decode step's own otherwise. */
function headline(run: AnyRun): string {
  const facts: [string, string][] = [
    ...(run.serving === undefined ? stepFacts(run) : servingFacts(scenariosOf(run))),
    ['configuration', escapeHtml(run.configHash)],
  ];
  return factsList(facts);
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

/** What the page's script reads. */
function pageData(
  run: AnyRun,
  detail: RunDetail,
  carried: CarriedFiles,
  deflate: Deflate,
): PageData {
  const { cycles, stages, others } = detail;
  const path = run.decode.criticalPath;
  return {
    ...mapsOfRun(run, detail, deflate),
    hint: MAP_HINT,
    step: {
      ...{ cycles, stages },
      ...(others && { others }),
      ...(path && { path: stretchesOfPath(path) }),
    },
    downloads: packedFiles(carried, deflate),
  };
}

/** What the run served; the rest of the page is about one decode step under it, and says so. */
function serving(run: AnyRun, requests: readonly ServedRequests[] = []): string[] {
  const scenarios = scenariosOf(run);
  if (scenarios.length === 0) return [];
  const charts = scenarios.map(
    (one, i) => `<h3>${escapeHtml(nameOf(one))}</h3>\n${servingCharts(one, i)}`,
  );
  const lists = requests.map((list, i) =>
    folded(escapeHtml(`${nameOf(scenarios[i])}: one by one`), requestList(i, list)),
  );
  const table = `${servingTable(scenarios, run.deployments)}${servingNotes(scenarios)}`;
  return [
    ...scenarios.flatMap(planSections),
    section('Requests', [table, ...lists].join('\n')),
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
  const body = [
    ...lines.map((line) => `<p>${escapeHtml(line)}</p>`),
    textTable(wafers.head, wafers.rows),
    ...(gpus ? [`<h3>${escapeHtml(gpus.title)}</h3>`, textTable(gpus.head, gpus.rows)] : []),
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

function map({ decode, placement }: RunDocument, { maps }: RunDetail): string {
  const controls = mapControls(
    maps.map(({ wafer }) => wafer),
    { hasPath: decode.criticalPath !== undefined },
  );
  return [controls, MAP_NOTE, mapTable(maps, placement.regions)].join('\n');
}

function plans({ placement }: RunDocument, { maps, stages }: RunDetail): string {
  return `<p class="soft">${count(placement.coresUsed)} cores in ${placement.regions.length} regions, strategy ${escapeHtml(placement.strategy)}. Layers by their numbers; the line is the token’s path from its first region to its last, from the dot to the arrow.</p>
<div id="floor">${wide('Floor plans', floorPlans(maps, placement.regions, stages))}</div>`;
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
  return costsSection(costText(all));
}

function operators({ decode }: RunDocument): string {
  return `<p class="soft"><span class="key compute"></span>compute <span class="key communication"></span>communication</p>
${breakdownTable(decode.breakdown, decode.cyclesPerToken, { choosable: true })}`;
}

function waitsOf({ decode }: RunDocument): string {
  const lines = [...whyLines(decode), remedyLine(decode)].filter((line) => line !== '');
  return `<p class="soft">${lines.map((line) => escapeHtml(line.trim())).join('<br>')}</p>
${textTable(WAITS_HEAD, waitRows(decode.waits ?? []))}${pathOf(decode.criticalPath)}`;
}

function pathOf(path: readonly PathEntry[] | undefined): string {
  if (path === undefined) return '';
  return folded('The critical path, operator by operator', textTable(PATH_HEAD, pathRows(path)));
}

function configuration({ config, configHash }: RunDocument): string {
  const json = JSON.stringify(config, null, 2);
  return folded(`Resolved, with every default (${escapeHtml(configHash)})`, pre(json));
}
