/** What a map does when its reader points, zooms and chooses. */
import type { PageWafer } from './data.js';
import { byId } from './dom.js';
import { listen, type Point } from './gestures.js';
import { chooseWafer, draw, show, tell, type MapState } from './map.js';
import { zoomAt, zoomTo } from './map-view.js';
import type { ScaleName } from './scale.js';

/** Pixels by which a key moves the view. */
const MOVES: Record<string, Point | undefined> = {
  ArrowLeft: [60, 0],
  ArrowRight: [-60, 0],
  ArrowUp: [0, 60],
  ArrowDown: [0, -60],
};

/** @param onRegion a reader chose a region, by its number; -1 is the whole wafer */
export function controlMap(map: MapState, onRegion: (region: number) => void): void {
  const { canvas } = map.parts;
  const zoom = (factor: number, at: Point = [canvas.width / 2, canvas.height / 2]) => {
    zoomAt(map.view, factor, at, map.wafer, canvas);
    draw(map);
  };
  const move = (dx: number, dy: number) => {
    map.view.x += dx;
    map.view.y += dy;
    draw(map);
  };
  const fit = () => {
    map.view.fit = true;
    draw(map);
  };
  const point = (at: Point | undefined) => {
    map.core = at === undefined ? -1 : coreAt(map, at);
    draw(map);
    tell(map);
  };
  listen(canvas, {
    ...{ move, zoom, point, wheelZooms: true },
    ratio: () => canvas.width / canvas.clientWidth,
    click: (at) => {
      const core = coreAt(map, at);
      if (core >= 0 && map.owner[core] >= 0) onRegion(map.owner[core]);
    },
  });
  canvas.addEventListener('keydown', (event) => {
    const by = MOVES[event.key];
    if (!by && !'+-=0'.includes(event.key)) return;
    event.preventDefault();
    if (by && event.shiftKey) step(map, by);
    else if (by) move(...by);
    else if (event.key === '0') fit();
    else zoom(event.key === '-' ? 0.8 : 1.25);
  });
  byId('in').addEventListener('click', () => zoom(1.5));
  byId('out').addEventListener('click', () => zoom(1 / 1.5));
  byId('fit').addEventListener('click', fit);
  controlChoices(map, onRegion);
}

function controlChoices(map: MapState, onRegion: (region: number) => void): void {
  pressOne('[data-quantity]', (button) => {
    map.quantity = Number(button.dataset['quantity']);
    void show(map);
  });
  byId('scale').addEventListener('change', (event) => {
    map.scale = (event.target as HTMLSelectElement).value as ScaleName;
    void show(map);
  });
  byId('each').addEventListener('change', (event) => {
    map.isEach = (event.target as HTMLInputElement).checked;
    void show(map);
  });
  document.getElementById('path')?.addEventListener('click', (event) => {
    map.hasPath = !map.hasPath;
    (event.currentTarget as HTMLElement).setAttribute('aria-pressed', String(map.hasPath));
    draw(map);
  });
  byId('region').addEventListener('change', (event) =>
    onRegion(Number((event.target as HTMLSelectElement).value)),
  );
  byId('wafer').addEventListener('change', (event) =>
    showWafer(map, map.data.wafers[Number((event.target as HTMLSelectElement).value)]),
  );
  fillRegions(map);
}

export function showWafer(map: MapState, wafer: PageWafer): void {
  chooseWafer(map, wafer);
  (byId('wafer') as HTMLSelectElement).value = String(map.data.wafers.indexOf(wafer));
  fillRegions(map);
  void show(map);
}

/** Shows a region of the wafer that is shown large, with a scale of its own; -1: the whole wafer. */
export function showRegion(map: MapState, region: number): void {
  map.region = region;
  (byId('region') as HTMLSelectElement).value = String(region);
  zoomTo(map.view, map.wafer.regions[region], map.wafer, map.parts.canvas);
  void show(map);
}

function fillRegions(map: MapState): void {
  const options = map.wafer.regions.map(({ name }, i) => new Option(name, String(i)));
  byId('region').replaceChildren(new Option('whole wafer', '-1'), ...options);
}

/** The buttons of which one is pressed. */
function pressOne(selector: string, onPress: (button: HTMLElement) => void): void {
  const buttons = document.querySelectorAll<HTMLElement>(selector);
  for (const button of buttons)
    button.addEventListener('click', () => {
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      onPress(button);
    });
}

function coreAt({ view, wafer }: MapState, [x, y]: Point): number {
  const column = Math.floor((x - view.x) / view.scale);
  const row = Math.floor((y - view.y) / view.scale);
  const isInside = column >= 0 && row >= 0 && column < wafer.width && row < wafer.height;
  return isInside ? row * wafer.width + column : -1;
}

/** From core to core with the keys; the first one is in the middle of what is chosen. */
function step(map: MapState, [dx, dy]: Point): void {
  const { wafer } = map;
  const box = wafer.regions[map.region] ?? { x: 0, y: 0, ...wafer };
  const isNone = map.core < 0;
  const x = isNone
    ? box.x + (box.width >> 1)
    : bounded((map.core % wafer.width) - Math.sign(dx), wafer.width);
  const y = isNone
    ? box.y + (box.height >> 1)
    : bounded(Math.floor(map.core / wafer.width) - Math.sign(dy), wafer.height);
  map.core = y * wafer.width + x;
  draw(map);
  tell(map);
}

const bounded = (at: number, size: number) => Math.min(size - 1, Math.max(0, at));
