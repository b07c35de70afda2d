/** Tables of a report: where the token's cycles go, and what the cores do meanwhile. */
import type { Breakdown, CyclesByCause, PlacementResult } from './document.js';
import { bytes, count, share } from './format.js';
import { escapeHtml } from './html-escape.js';
import { CAUSES } from './metrics.js';

/** Operators in program order, with bars of compute and communication to one scale. */
export function breakdownTable(breakdown: Breakdown, cycles: number): string {
  const operators = Object.entries(breakdown);
  const longest = Math.max(1, ...operators.map(([, operator]) => operator.cycles));
  const rows = operators.map(([name, { cycles: spent, compute, communication }]) => [
    escapeHtml(name),
    count(spent),
    share(spent, cycles),
    count(compute),
    count(communication),
    bars(compute / longest, communication / longest),
  ]);
  rows.push(['all', count(cycles), share(cycles, cycles), '', '', '']);
  const head = ['operator', 'cycles', 'share', 'compute', 'communication', ''];
  return table(head, rows, 'bar');
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
  return table(['cause', 'core-cycles', 'share', ''], rows, 'bar');
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

/** Cells are markup already; the last column may have a class. */
export function table(head: string[], rows: string[][], last?: string): string {
  const cell = (text: string, i: number) =>
    last !== undefined && i === head.length - 1
      ? `<td class="${last}">${text}</td>`
      : `<td>${text}</td>`;
  const lines = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`);
  return `<div class="wide"><table><thead><tr>${head.map((text) => `<th>${text}</th>`).join('')}</tr></thead>
<tbody>${lines.join('\n')}</tbody></table></div>`;
}

/** Two bars after one another, each a share of the whole width. */
function bars(compute: number, communication: number): string {
  const percent = (part: number) => `${Math.round(part * 10_000) / 100}%`;
  return `<svg aria-hidden="true"><rect class="compute" width="${percent(compute)}" height="12"/><rect class="communication" x="${percent(compute)}" width="${percent(communication)}" height="12"/></svg>`;
}
