/** The floor plan of each wafer, with the token's path from region to region, as SVG. */
import type { StageSpan, WaferMap } from './detail.js';
import { shortName } from './numbers.js';
import { escapeHtml } from './html-escape.js';

type Wafer = Pick<WaferMap, 'wafer' | 'width' | 'height'>;
interface Region {
  name: string;
  wafer: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

type Visit = Pick<StageSpan, 'wafer' | 'region'>;

/** Wafers side by side, their regions to scale; with `visits` also the token's path, in their order. */
export function floorPlans(
  wafers: readonly Wafer[],
  regions: Region[],
  visits: readonly Visit[] = [],
): string {
  return wafers.map((wafer) => floorPlan(wafer, regions, visits)).join('\n');
}

const PLAN_WIDTH = 520;

function floorPlan(
  { wafer, width, height }: Wafer,
  all: Region[],
  visits: readonly Visit[],
): string {
  const scale = PLAN_WIDTH / Math.max(width, height);
  const [wide, high] = [width * scale, height * scale];
  const regions = all.filter((region) => region.wafer === wafer);
  const boxes = regions.map((region, i) => box(region, i, scale)).join('');
  const path = pathOn(wafer, regions, visits)
    .map((stretch) => stretchOf(stretch, scale))
    .join('');
  const label = `Floor plan of wafer ${wafer}`;
  return `<svg role="img" aria-label="${label}" width="${px(wide + 2)}" height="${px(high + 18)}" viewBox="0 0 ${px(wide + 2)} ${px(high + 18)}">
<text x="1" y="11">wafer ${wafer}: ${width} x ${height} cores</text>
<g transform="translate(1 16)"><rect class="wafer" width="${px(wide)}" height="${px(high)}"/>${boxes}${path}</g></svg>`;
}

/** `number` is that of the region on its wafer. */
function box({ name, wafer, x, y, width, height }: Region, number: number, scale: number): string {
  const short = shortName(name);
  const place = `x="${px(x * scale)}" y="${px(y * scale)}"`;
  const size = `width="${px(width * scale)}" height="${px(height * scale)}"`;
  const title = escapeHtml(`${name}: ${width} x ${height} cores at ${x}, ${y}`);
  const room = width * scale > short.length * 7 + 4 && height * scale > 13;
  const text = room
    ? `<text x="${px(x * scale + 3)}" y="${px(y * scale + 12)}">${escapeHtml(short)}</text>`
    : '';
  const names = `data-wafer="${wafer}" data-region="${number}"`;
  return `<g ${names}><title>${title}</title><rect class="region" ${place} ${size}/>${text}</g>`;
}

/** Regions that the token visits one after the other on a wafer, in each stretch without another wafer. */
function pathOn(wafer: number, regions: readonly Region[], visits: readonly Visit[]): Region[][] {
  const stretches: Region[][] = [];
  let isHere = false;
  for (const visit of visits) {
    const region = regions.find(({ name }) => name === visit.region);
    const wasHere = isHere;
    isHere = visit.wafer === wafer && region !== undefined;
    if (!isHere) continue;
    if (!wasHere) stretches.push([]);
    const stretch = stretches.at(-1)!;
    if (stretch.at(-1) !== region) stretch.push(region!);
  }
  return stretches;
}

/** From the middle of a region to that of the next; a dot where it begins, an arrow where it ends. */
function stretchOf(regions: readonly Region[], scale: number): string {
  const points = regions.map(({ x, y, width, height }): [number, number] => [
    (x + width / 2) * scale,
    (y + height / 2) * scale,
  ]);
  const line = points.map(([x, y]) => `${px(x)},${px(y)}`).join(' ');
  const [[x, y]] = points;
  return `<circle class="token" cx="${px(x)}" cy="${px(y)}" r="4"/><polyline class="token" points="${line}"/>${arrowOf(points)}`;
}

function arrowOf(points: readonly [number, number][]): string {
  if (points.length < 2) return '';
  const [[fromX, fromY], [x, y]] = points.slice(-2);
  const turn = Math.round((Math.atan2(y - fromY, x - fromX) * 180) / Math.PI);
  return `<path class="token" d="M0 0L-9 4.5V-4.5Z" transform="translate(${px(x)} ${px(y)}) rotate(${turn})"/>`;
}

/** Lengths of drawings need no more than hundredths. */
export function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}
