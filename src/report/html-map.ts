/** The map of a report: what can be chosen, and the same numbers region by region as a table. */
import { LINK_NAMES } from '../hardware/mesh.js';
import type { RunDetail, WaferMap } from './detail.js';
import type { RegionResult, RunDocument } from './document.js';
import { escapeHtml } from './html-escape.js';
import { mapData, QUANTITIES, valuesOf, type Deflate, type QuantityName } from './html-maps.js';
import { folded, table } from './html-tables.js';
import { count } from './numbers.js';
import type { MapData, Quantity } from './page/data.js';
import { SCALES } from './page/scale.js';

export const MAP_HINT =
  'Point at a core for its numbers; a click chooses its region. Wheel, two fingers or + and - zoom, drag or the arrow keys move, shift and an arrow goes from core to core, 0 shows all.';

const TITLES: Record<QuantityName, { title: string; unit: string }> = {
  busy: { title: 'busy', unit: 'cycles' },
  waiting: { title: 'waiting', unit: 'cycles' },
  sram: { title: 'SRAM', unit: 'bytes' },
  link: { title: 'link load', unit: 'wavelets' },
  north: { title: 'north', unit: 'wavelets' },
  east: { title: 'east', unit: 'wavelets' },
  south: { title: 'south', unit: 'wavelets' },
  west: { title: 'west', unit: 'wavelets' },
};

/** What a map shows of every core; shares are of the step's cycles and of a core's memory. */
export function quantitiesOf(cycles: number, sramBytesPerCore = 0): Quantity[] {
  return QUANTITIES.map((name) => ({
    ...{ name, ...TITLES[name], whole: name === 'sram' ? sramBytesPerCore : cycles },
    ...(name === 'link' && { largestOf: LINK_NAMES.map((link) => QUANTITIES.indexOf(link)) }),
  }));
}

export function mapsOfRun(
  { placement, decode }: RunDocument,
  { maps, cycles }: RunDetail,
  deflate: Deflate,
): MapData {
  return {
    quantities: quantitiesOf(cycles, placement.sramBytesPerCore),
    wafers: maps.map((map) => mapData(map, placement.regions, deflate, decode.criticalPath)),
  };
}

/** The map and what can be chosen of it; of differences no scale can be. */
export function mapControls(
  wafers: readonly number[],
  { hasPath = false, isDifference = false } = {},
): string {
  const buttons = QUANTITIES.map(
    (name, i) =>
      `<button data-quantity="${i}" aria-pressed="${i === 0}">${TITLES[name].title}</button>`,
  );
  const options = wafers.map((wafer, i) => `<option value="${i}">wafer ${wafer}</option>`);
  const scales = SCALES.map((name) => `<option>${name}</option>`);
  const path = hasPath ? '\n<button id="path" aria-pressed="false">critical path</button>' : '';
  return `<div class="controls"><span class="choice">${buttons.join(' ')}</span>${path}
<select id="wafer" aria-label="Wafer"${wafers.length > 1 ? '' : ' hidden'}>${options.join('')}</select>
<select id="region" aria-label="Layer or region"></select>
<label${isDifference ? ' hidden' : ''}>scale <select id="scale">${scales.join('')}</select></label>
<label><input id="each" type="checkbox"> of each region</label>
<span><button id="in" aria-label="Zoom in">+</button> <button id="out" aria-label="Zoom out">-</button> <button id="fit">whole wafer</button></span>
<button id="png">map as PNG</button></div>
<div class="legend"><span id="least"></span> <canvas id="legend" aria-hidden="true"></canvas> <span id="middle"></span> <span id="most"></span></div>
<canvas id="map" tabindex="0" role="application" aria-label="Heat map of the wafer; the table after it has its numbers" aria-describedby="core"></canvas>
<p id="core" role="status" aria-live="polite">${MAP_HINT}</p>`;
}

export const MAP_NOTE =
  '<p class="soft">Simulated. Busy: compute and set-up in one step of all users. Waiting: for input or output while the core’s own stage runs; the wait for the token to come round is left out. North, east, south and west: wavelets that leave over that link; link load: over the busiest of the four. Shares are of the step’s cycles, and of a core’s memory. Percentile: colours by how many cores have less.</p>';

/** The map's numbers in words: of every region the least, the mean and the most. */
export function mapTable(maps: readonly WaferMap[], regions: readonly RegionResult[]): string {
  const head = [
    'region',
    ...QUANTITIES.map((name) => `${TITLES[name].title}, ${TITLES[name].unit}`),
  ];
  const rows = maps.flatMap((map) => {
    const numbers = QUANTITIES.map((name) => valuesOf(map, name));
    return regions
      .filter(({ wafer }) => wafer === map.wafer)
      .map((region) => [
        escapeHtml(maps.length > 1 ? `wafer ${map.wafer}, ${region.name}` : region.name),
        ...numbers.map((values) => spreadOf(values, region, map.width)),
      ]);
  });
  const of = 'Least, mean and most of each region’s cores';
  return folded('The map as a table', table(head, rows, { caption: of }));
}

function spreadOf(
  values: Float64Array,
  { x, y, width, height }: RegionResult,
  columns: number,
): string {
  let [least, most, sum] = [Infinity, -Infinity, 0];
  for (let row = y; row < y + height; row++)
    for (let i = row * columns + x; i < row * columns + x + width; i++) {
      least = Math.min(least, values[i]);
      most = Math.max(most, values[i]);
      sum += values[i];
    }
  return [least, sum / (width * height), most].map((value) => count(value)).join(' / ');
}
