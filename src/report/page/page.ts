/** What a report's page does: its map, its timeline and its floor plan go together. */
import type { StageSpan } from '../detail.js';
import type { PageData } from './data.js';
import { byId, dataOf, openForPrint } from './dom.js';
import { offerFiles, offerPicture } from './downloads.js';
import { controlMap, showRegion, showWafer } from './map-controls.js';
import { createMap, draw, show } from './map.js';
import { createTimeline, drawTimeline, zoomToStage } from './timeline.js';

const data = dataOf() as PageData;
const { step } = data;
const map = createMap(data, data.hint);
const operators = byId('operator') as HTMLSelectElement;
const times = createTimeline(step, (stage, operator) => {
  if (operator !== undefined) chooseOperator(operator);
  zoomToStage(times, stage);
  chooseRegion(stage.wafer, stage.region);
});

/** A region by its name, on the map and in the timeline. */
function chooseRegion(wafer: number, name: string): void {
  const of = data.wafers.find((one) => one.wafer === wafer);
  if (of === undefined) return;
  if (of !== map.wafer) showWafer(map, of);
  mark();
  showRegion(
    map,
    of.regions.findIndex((region) => region.name === name),
  );
  times.view.region = { wafer, name };
  drawTimeline(times);
}

/** An operator: where it is at work on the map, and when in the timeline; '' is all. */
function chooseOperator(name: string): void {
  operators.value = name;
  times.view.operator = name === '' ? undefined : name;
  mark();
  drawTimeline(times);
  draw(map);
}

/** Outlines the regions of the wafer in which the chosen operator is at work. */
function mark(): void {
  const { operator } = times.view;
  const has = (stage: StageSpan) =>
    stage.wafer === map.wafer.wafer && stage.operators.some(({ name }) => name === operator);
  const regions = new Set(step.stages.filter(has).map(({ region }) => region));
  map.marked = new Set(map.wafer.regions.flatMap(({ name }, i) => (regions.has(name) ? [i] : [])));
}

controlMap(map, (region) => {
  const { wafer, regions } = map.wafer;
  if (region >= 0) {
    chooseRegion(wafer, regions[region].name);
    return;
  }
  showRegion(map, -1);
  times.view.region = undefined;
  drawTimeline(times);
});
byId('wafer').addEventListener('change', mark);
operators.append(
  ...[...new Set(step.stages.flatMap((stage) => stage.operators.map(({ name }) => name)))].map(
    (name) => new Option(name, name),
  ),
);
operators.addEventListener('change', () => chooseOperator(operators.value));
for (const button of document.querySelectorAll<HTMLElement>('button.operator'))
  button.addEventListener('click', () => {
    chooseOperator(button.textContent);
    byId('timeline').scrollIntoView({ block: 'center' });
  });
for (const region of document.querySelectorAll<SVGElement>('#floor [data-region]'))
  region.addEventListener('click', () => {
    const wafer = Number(region.dataset['wafer']);
    const of = data.wafers.find((one) => one.wafer === wafer)!;
    chooseRegion(wafer, of.regions[Number(region.dataset['region'])].name);
    byId('map').scrollIntoView({ block: 'center' });
  });
offerFiles(data.downloads);
offerPicture(data.downloads.name, map);
openForPrint();
void show(map);
