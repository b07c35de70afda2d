/** Drawings of a report: the floor plan of each wafer, and the token's timeline, as SVG. */
import type { StageSpan, WaferMap } from './detail.js';
import type { RegionResult } from './document.js';
import { count, shortName } from './format.js';
import { escapeHtml } from './html-escape.js';

/** Wafers side by side, their regions to scale. */
export function floorPlans(
  wafers: Pick<WaferMap, 'wafer' | 'width' | 'height'>[],
  regions: RegionResult[],
): string {
  return wafers.map((wafer) => floorPlan(wafer, regions)).join('\n');
}

const PLAN_WIDTH = 520;

function floorPlan(
  { wafer, width, height }: Pick<WaferMap, 'wafer' | 'width' | 'height'>,
  all: RegionResult[],
): string {
  const scale = PLAN_WIDTH / Math.max(width, height);
  const [wide, high] = [width * scale, height * scale];
  const regions = all.filter((region) => region.wafer === wafer);
  const boxes = regions.map((region) => box(region, scale)).join('');
  const label = `Floor plan of wafer ${wafer}`;
  return `<svg role="img" aria-label="${label}" width="${px(wide + 2)}" height="${px(high + 18)}">
<text x="1" y="11">wafer ${wafer}: ${width} x ${height} cores</text>
<g transform="translate(1 16)"><rect class="wafer" width="${px(wide)}" height="${px(high)}"/>${boxes}</g></svg>`;
}

function box({ name, x, y, width, height }: RegionResult, scale: number): string {
  const short = shortName(name);
  const place = `x="${px(x * scale)}" y="${px(y * scale)}"`;
  const size = `width="${px(width * scale)}" height="${px(height * scale)}"`;
  const title = escapeHtml(`${name}: ${width} x ${height} cores at ${x}, ${y}`);
  const room = width * scale > short.length * 7 + 4 && height * scale > 13;
  const text = room
    ? `<text x="${px(x * scale + 3)}" y="${px(y * scale + 12)}">${escapeHtml(short)}</text>`
    : '';
  return `<g><title>${title}</title><rect class="region" ${place} ${size}/>${text}</g>`;
}

const TIMELINE = { left: 130, width: 940, row: 15, ticks: 5 };

/** A row per region in the order of the token's path, a bar per stage; its operators are its segments. */
export function timeline(stages: StageSpan[], cycles: number): string {
  const end = Math.max(cycles, ...stages.map((stage) => stage.end));
  const at = (cycle: number) => TIMELINE.left + (cycle / end) * TIMELINE.width;
  const rows = [...new Set(stages.map(rowOf))];
  const high = rows.length * TIMELINE.row;
  const ticks = Array.from({ length: TIMELINE.ticks + 1 }, (_, i) => (i * end) / TIMELINE.ticks);
  const grid = ticks.map((cycle) => {
    const x = px(at(cycle));
    const anchor = cycle === end ? 'end' : 'middle';
    return `<line class="grid" x1="${x}" x2="${x}" y1="18" y2="${high + 20}"/><text class="scale" x="${x}" y="12" text-anchor="${anchor}">${count(cycle)}</text>`;
  });
  const names = rows.map((row, i) => {
    const name = stages.find((stage) => rowOf(stage) === row)!.region;
    return `<text x="0" y="${i * TIMELINE.row + 31}">${escapeHtml(cut(name))}</text>`;
  });
  const bars = stages.map((stage) => bar(stage, rows.indexOf(rowOf(stage)), at));
  const width = TIMELINE.left + TIMELINE.width + 10;
  return `<svg role="img" aria-label="Timeline of a token" width="${width}" height="${high + 22}">${[...grid, ...names, ...bars].join('\n')}</svg>`;
}

function rowOf({ wafer, region }: StageSpan): string {
  return `${wafer} ${region}`;
}

function bar(stage: StageSpan, row: number, at: (cycle: number) => number): string {
  const y = row * TIMELINE.row + 21;
  const title = `${stage.name}: cycle ${count(stage.start)} to ${count(stage.end)}, ${count(stage.end - stage.start)} cycles`;
  const segments = stage.operators.map(({ name, start, end }, i) => {
    const style = `class="compute" fill-opacity="${i % 2 === 0 ? 0.95 : 0.6}"`;
    return `<rect ${style} x="${px(at(start))}" y="${y}" width="${px(at(end) - at(start))}" height="11"><title>${escapeHtml(`${title}\n${name}: ${count(end - start)} cycles`)}</title></rect>`;
  });
  const whole = `<rect class="region" x="${px(at(stage.start))}" y="${y}" width="${px(at(stage.end) - at(stage.start))}" height="11"/>`;
  return `<g><title>${escapeHtml(title)}</title>${whole}${segments.join('')}</g>`;
}

function cut(name: string): string {
  return name.length > 20 ? `${name.slice(0, 19)}…` : name;
}

/** Lengths of drawings need no more than hundredths. */
export function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}
