/** The map and the timeline of a result: those of the report, with each result's numbers in turn. */
import { MAP_HINT, mapControls } from '../report/html-map.js';
import { byId } from '../report/page/dom.js';
import { offerPicture } from '../report/page/downloads.js';
import { controlMap, showRegion, showWafer } from '../report/page/map-controls.js';
import { createMap, type MapState } from '../report/page/map.js';
import { createTimeline, drawTimeline, showAll, zoomToStage } from '../report/page/timeline.js';
import type { TimelineState } from '../report/page/timeline.js';
import type { PageWafer, StepData } from '../report/page/data.js';
import type { RunResult } from './messages.js';

let map: MapState | undefined;
let times: TimelineState | undefined;

/** Shows the map of another result, with what was chosen for the one before. */
export function showMap(result: RunResult): void {
  map ??= mapOf(result);
  setMaps(map, result);
}

export function showTimeline({ step }: RunResult): void {
  times ??= timelineOf(step);
  times.step = step;
  showAll(times);
}

function mapOf(result: RunResult): MapState {
  byId('map-place').innerHTML = mapControls([0], { hasPath: true });
  const created = createMap(result, MAP_HINT);
  controlMap(created, (region) => showRegion(created, region));
  offerPicture('playground', created);
  return created;
}

function timelineOf(step: StepData): TimelineState {
  const created = createTimeline(step, (stage) => zoomToStage(created, stage));
  return created;
}

byId('sections').addEventListener('click', ({ target }) => follow(target as Element));

/** From an operator of the table to the timeline, from a region of the floor plan to the map. */
function follow(target: Element): void {
  if (map === undefined || times === undefined) return;
  const operator = target.closest('button.operator')?.textContent;
  if (operator !== undefined) {
    times.view.operator = times.view.operator === operator ? undefined : operator;
    drawTimeline(times);
    byId('timeline').scrollIntoView({ block: 'center' });
  }
  const region = target.closest<SVGElement>('[data-region]')?.dataset;
  if (region === undefined) return;
  const wafer = map.data.wafers.find((one) => one.wafer === Number(region['wafer']))!;
  showWafer(map, wafer);
  showRegion(map, Number(region['region']));
  byId('map').scrollIntoView({ block: 'center' });
}

/** The same wafer, region and zoom, where there are such still. */
function setMaps(map: MapState, { quantities, wafers }: RunResult): void {
  const { wafer: before, region, view } = map;
  const seen = { ...view };
  map.data = { quantities, wafers };
  map.maps.clear();
  for (const wafer of wafers)
    map.maps.set(wafer, async (quantity) => unpacked(wafer.values[quantity]));
  const chooser = byId('wafer') as HTMLSelectElement;
  chooser.replaceChildren(...wafers.map(({ wafer }, i) => new Option(`wafer ${wafer}`, String(i))));
  chooser.hidden = wafers.length === 1;
  const wafer = wafers.find((one) => one.wafer === before.wafer) ?? wafers[0];
  showWafer(map, wafer);
  if (shapeOf(before) !== shapeOf(wafer)) return;
  Object.assign(view, seen);
  map.region = region;
  (byId('region') as HTMLSelectElement).value = String(region);
}

/** In a task of its own: all quantities of a wafer at once would take long. */
async function unpacked(values: Uint32Array | Float64Array): Promise<Float64Array> {
  await new Promise((done) => setTimeout(done));
  return Float64Array.from(values);
}

function shapeOf({ width, height, regions }: PageWafer): string {
  const boxes = regions.map((region) => [region.x, region.y, region.width, region.height]);
  return JSON.stringify([width, height, boxes]);
}
