/** Tables of a report: where the token's cycles go, and what the cores do meanwhile. */
import type { CostText } from './cost-text.js';
import type { Breakdown, CyclesByCause, PlacementResult } from './document.js';
import { bytes, count, share } from './numbers.js';
import { escapeHtml } from './html-escape.js';
import { CAUSES } from './metrics.js';

/**
 * Operators in program order, with bars of compute and communication to one scale. With `choosable` their names are
 * buttons, for a page whose script shows where and when they are at work.
 */
export function breakdownTable(
  breakdown: Breakdown,
  cycles: number,
  { choosable = false } = {},
): string {
  const nameOf = (name: string) =>
    choosable
      ? `<button class="operator" title="in the timeline and on the map">${escapeHtml(name)}</button>`
      : escapeHtml(name);
  const operators = Object.entries(breakdown);
  const longest = Math.max(1, ...operators.map(([, operator]) => operator.cycles));
  const rows = operators.map(([name, { cycles: spent, compute, communication }]) => [
    nameOf(name),
    count(spent),
    share(spent, cycles),
    count(compute),
    count(communication),
    bars(compute / longest, communication / longest),
  ]);
  rows.push(['all', count(cycles), share(cycles, cycles), '', '', '']);
  const head = ['operator', 'cycles', 'share', 'compute', 'communication', 'as bars'];
  return table(head, rows, { last: 'bar' });
}

/** Core-cycles of the whole step by cause. */
export function causesTable(cycles: CyclesByCause): string {
  const whole = CAUSES.reduce((sum, [cause]) => sum + cycles[cause], 0);
  const rows = CAUSES.map(([cause, name]) => [
    name,
    count(cycles[cause]),
    share(cycles[cause], whole),
    bars(cycles[cause] / Math.max(1, whole), 0),
  ]);
  return table(['cause', 'core-cycles', 'share', 'as a bar'], rows, { last: 'bar' });
}

/** What tokens cost: nothing where no price is given. */
export function costsSection(costs: CostText | undefined): string[] {
  if (costs === undefined) return [];
  const { title, head, rows, notes } = costs;
  const said = notes.map((note) => `<p class="soft">${escapeHtml(note)}</p>`);
  return [section(escapeHtml(title), [textTable(head, rows), ...said].join('\n'))];
}

/** Every region with its place, size and memory. */
export function regionsTable({ regions, draft, sramBytesPerCore }: PlacementResult): string {
  const drafts = (draft?.regions ?? []).map((region) => ({
    ...region,
    name: `draft ${region.name}`,
  }));
  const rows = [...regions, ...drafts].map(
    ({ name, wafer, x, y, width, height, sramBytesPerCore: used }) => [
      escapeHtml(name),
      String(wafer),
      `${x}, ${y}`,
      `${width} x ${height}`,
      count(width * height),
      sramBytesPerCore === undefined ? bytes(used) : `${bytes(used)} of ${bytes(sramBytesPerCore)}`,
    ],
  );
  return table(['region', 'wafer', 'x, y', 'cores x by y', 'cores', 'SRAM per core'], rows);
}

interface TableStyle {
  /** Class of the last column. */
  last?: string;
  /** What the table is of. */
  caption?: string;
}

/** Cells are markup already; the first one of a row is its name. */
export function table(
  head: string[],
  rows: string[][],
  { last, caption }: TableStyle = {},
): string {
  const cell = (text: string, i: number) => {
    if (i === 0) return `<th scope="row">${text}</th>`;
    return last !== undefined && i === head.length - 1
      ? `<td class="${last}">${text}</td>`
      : `<td>${text}</td>`;
  };
  const lines = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`);
  const names = head.map((text) => `<th scope="col">${text}</th>`).join('');
  const title = caption === undefined ? '' : `<caption>${caption}</caption>`;
  return wide(
    caption ?? `Table by ${head[0] === '' ? 'metric' : head[0]}`,
    `<table>${title}<thead><tr>${names}</tr></thead>
<tbody>${lines.join('\n')}</tbody></table>`,
  );
}

/** The same of cells that are text. */
export function textTable(
  head: readonly string[],
  rows: readonly string[][],
  style: TableStyle = {},
): string {
  return table(
    head.map(escapeHtml),
    rows.map((row) => row.map(escapeHtml)),
    style,
  );
}

/** A result in a few numbers; values are markup already. */
export function factsList(
  facts: readonly (readonly [name: string, value: string | number])[],
): string {
  return `<dl>${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>`;
}

/** What may be wider than the page: it is moved sideways by itself, with the keys too. */
export function wide(name: string, body: string): string {
  return `<div class="wide" tabindex="0" role="group" aria-label="${name}">${body}</div>`;
}

export function section(title: string, body: string, id?: string): string {
  const name = id === undefined ? '' : ` id="${id}"`;
  return `<section${name}><h2>${title}</h2>\n${body}</section>`;
}

export function folded(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>${body}</details>`;
}

export function pre(text: string): string {
  return `<pre tabindex="0">${escapeHtml(text)}</pre>`;
}

/** Two bars after one another, each a share of the whole width. */
function bars(compute: number, communication: number): string {
  const percent = (part: number) => `${Math.round(part * 10_000) / 100}%`;
  return `<svg aria-hidden="true"><rect class="compute" width="${percent(compute)}" height="12"/><rect class="communication" x="${percent(compute)}" width="${percent(communication)}" height="12"/></svg>`;
}
