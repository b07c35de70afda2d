/** Several runs side by side as one page: numbers, operators by what changed, what differs core by core, floor plans. */
import type { RunDetail } from '../../report/detail.js';
import { operatorChanges } from '../../report/changes.js';
import { differenceMap } from '../../report/difference-map.js';
import { shown } from '../../report/format.js';
import { escapeHtml } from '../../report/html-escape.js';
import { floorPlans } from '../../report/html-floor.js';
import { MAP_HINT, mapControls } from '../../report/html-map.js';
import type { ShownMap } from '../../report/html-maps.js';
import { htmlPage } from '../../report/html-page.js';
import {
  costsSection,
  folded,
  pre,
  section,
  table,
  textTable,
  wide,
} from '../../report/html-tables.js';
import type { HtmlTools } from '../../report/html.js';
import { json } from '../../report/json.js';
import { count, percent } from '../../report/numbers.js';
import { downloadButtons, packedFiles } from '../../report/packed-files.js';
import { COMPARE_SCRIPT } from '../../report/page-script.js';
import type { ComparePageData } from '../../report/page/compare-data.js';
import type { CompareDocument } from './document.js';
import { compareCosts, compareTables } from './table.js';

/** What is known of a run's cores; nothing of one that was read back without them. */
export type KnownDetail = { maps: readonly ShownMap[] } & Partial<Pick<RunDetail, 'stages'>>;

/**
 * The page of a comparison; `text` is what the terminal shows of it.
 * @param details by run
 */
export function comparePage(
  document: CompareDocument,
  details: readonly (KnownDetail | undefined)[],
  text: string,
  tools: HtmlTools,
): string {
  const { rows, key } = document;
  const title = `${rows.map(({ name }) => name).join(', ')}: side by side`;
  const carried = { name: key.slice(0, 12), files: { 'compare.json': json(document) } };
  const { maps, without } = differencesOf(document, details, tools);
  const sections = [
    ...compareTables(document).map(({ title: name, head, rows: lines }) =>
      section(
        escapeHtml(name),
        textTable(
          head.map((name) => (name === '' ? 'metric' : name)),
          lines,
        ),
      ),
    ),
    ...costsSection(compareCosts(document)),
    ...rows
      .slice(1)
      .map(({ name }, i) => section(`What changed: ${escapeHtml(name)}`, changes(document, i + 1))),
    section('What differs core by core', [...mapOf(maps), ...without].join('\n')),
    section('Floor plans', plans(document, details)),
    ...settings(document),
    section('To take away', downloadButtons(carried)),
    section('As text', folded('What the terminal shows', pre(text))),
  ];
  const data: ComparePageData = {
    hint: MAP_HINT,
    maps,
    downloads: packedFiles(carried, tools.deflate),
  };
  const body = `<header><h1>${escapeHtml(title)}</h1>
<p class="soft">${escapeHtml(rows[0].name)} is what the others are held against. Cycles are simulated.</p></header>
<main>${sections.join('\n')}</main>`;
  return htmlPage(
    { title, of: 'wafersim compare', body, data, script: COMPARE_SCRIPT },
    tools.sha256,
  );
}

/** Operators by how much their cycles changed against the first run. */
function changes({ runs, rows }: CompareDocument, index: number): string {
  const [before, after] = [runs[0].decode, runs[index].decode];
  const all = operatorChanges(before.breakdown, after.breakdown);
  const most = Math.max(1, ...all.map(({ difference }) => Math.abs(difference)));
  const changed = all.filter(({ difference }) => difference !== 0);
  const row = (name: string, was: number, is: number, bar: string) => [
    ...[escapeHtml(name), count(was), count(is), signed(is - was)],
    was === 0 ? '-' : percent((is - was) / was),
    bar,
  ];
  const lines = changed.map(({ operator, before: was, after: is, difference }) =>
    row(operator, was, is, differenceBar(difference / most)),
  );
  const whole = row('all', before.cyclesPerToken, after.cyclesPerToken, '');
  const names = [rows[0].name, rows[index].name].map(escapeHtml);
  const head = ['operator', ...names, 'difference, cycles', 'difference', 'as a bar'];
  const same = all.length - changed.length;
  const note =
    same === 0 ? '' : `<p class="soft">${count(same)} operators take as long in both.</p>`;
  const caption = 'Operators, the largest change first';
  return `${table(head, [...lines, whole], { last: 'bar', caption })}${note}`;
}

function signed(cycles: number): string {
  return `${cycles > 0 ? '+' : ''}${count(cycles)}`;
}

/** From the middle to the left if it is less, to the right if it is more. */
function differenceBar(share: number): string {
  const width = Math.round(Math.abs(share) * 5_000) / 100;
  const kind = share < 0 ? 'less' : 'more';
  return `<svg aria-hidden="true"><rect class="${kind}" x="${share < 0 ? 50 - width : 50}%" width="${width}%" height="12"/><line class="grid" x1="50%" x2="50%" y2="12"/></svg>`;
}

/** The maps that there are, and for the other runs why there is none. */
function differencesOf(
  { runs, rows }: CompareDocument,
  details: readonly (KnownDetail | undefined)[],
  { deflate }: HtmlTools,
): { maps: ComparePageData['maps']; without: string[] } {
  const maps: ComparePageData['maps'] = [];
  const without: string[] = [];
  const [first] = details;
  for (const [i, { name }] of rows.entries()) {
    if (i === 0) continue;
    const detail = details[i];
    const map =
      first === undefined || detail === undefined
        ? `no numbers of the cores are known of ${first === undefined ? rows[0].name : name}, a finished run without cores.npz`
        : differenceMap({ run: runs[0], detail: first }, { run: runs[i], detail }, deflate);
    if (typeof map === 'string')
      without.push(`<p class="soft">${escapeHtml(`${name}: no map, as ${map}.`)}</p>`);
    else maps.push({ name, map });
  }
  return { maps, without };
}

function mapOf(maps: ComparePageData['maps']): string[] {
  if (maps.length === 0) return [];
  const options = maps.map(({ name }, i) => `<option value="${i}">${escapeHtml(name)}</option>`);
  const wafers = maps[0].map.wafers.map(({ wafer }) => wafer);
  return [
    `<p class="soft">Each core’s number less that of the first run: orange is more, blue is less, in between is no difference. Regions are those of the run that is chosen.</p>
<div class="controls"><label>run <select id="pair">${options.join('')}</select></label></div>`,
    mapControls(wafers, { isDifference: true }),
  ];
}

function plans(
  { runs, rows }: CompareDocument,
  details: readonly (KnownDetail | undefined)[],
): string {
  const all = runs.map(({ placement }, i) => {
    const { name, sameFloorPlanAs } = rows[i];
    const plan = (body: string) => `<div><h3>${escapeHtml(name)}</h3>${body}</div>`;
    if (sameFloorPlanAs !== undefined)
      return plan(`<p class="soft">The same as ${escapeHtml(sameFloorPlanAs)}.</p>`);
    const wafers = details[i]?.maps ?? reachOf(placement.regions);
    return plan(
      wide(
        `Floor plans of run ${i + 1}`,
        floorPlans(wafers, placement.regions, details[i]?.stages),
      ),
    );
  });
  return `<div id="floor" class="plans">${all.join('\n')}</div>`;
}

/** Wafers as far as regions reach, where no more is known of them. */
function reachOf(regions: CompareDocument['runs'][number]['placement']['regions']) {
  return [...new Set(regions.map(({ wafer }) => wafer))].map((wafer) => {
    const here = regions.filter((region) => region.wafer === wafer);
    const width = Math.max(...here.map((region) => region.x + region.width));
    const height = Math.max(...here.map((region) => region.y + region.height));
    return { wafer, width, height };
  });
}

function settings({ settings: differing, rows }: CompareDocument): string[] {
  if (differing.length === 0) return [];
  const lines = differing.map(({ path, values }) =>
    [path, ...values.map((value) => JSON.stringify(value) ?? 'not set')].map(shown),
  );
  const head = ['setting', ...rows.map(({ name }) => name)];
  return [
    section('Settings that differ', folded(`${lines.length} settings`, textTable(head, lines))),
  ];
}
