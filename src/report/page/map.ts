/** A map of a wafer on a canvas: what of it is shown, and drawing that at the chosen zoom. */
import type { MapData, PageWafer } from './data.js';
import { byId } from './dom.js';
import { paint } from './map-paint.js';
import { clampView, type View } from './map-view.js';
import { coreText } from './map-text.js';
import type { ScaleName } from './scale.js';
import { mapsOf, ownersOf } from './unpack.js';

/** The elements of a map. */
export interface MapParts {
  canvas: HTMLCanvasElement;
  legend: HTMLCanvasElement;
  least: HTMLElement;
  middle: HTMLElement;
  most: HTMLElement;
  /** Where a core's numbers stand. */
  says: HTMLElement;
  hint: string;
}

/** What the reader has chosen, and what of it there is to draw. */
export interface MapState {
  data: MapData;
  parts: MapParts;
  wafer: PageWafer;
  quantity: number;
  scale: ScaleName;
  /** Whether each region has a scale of its own. */
  isEach: boolean;
  /** -1: the whole wafer. */
  region: number;
  /** Regions that are outlined, by number. */
  marked: ReadonlySet<number>;
  /** The core that is pointed at; -1: none. */
  core: number;
  /** Whether the critical path is drawn. */
  hasPath: boolean;
  view: View;
  picture?: HTMLCanvasElement | undefined;
  /** By quantity, as soon as they are unpacked; and which region each core is in (-1: none). */
  values: (Float64Array | undefined)[];
  owner: Int16Array;
  /** The maps of each wafer that was shown. */
  maps: Map<PageWafer, (quantity: number) => Promise<Float64Array>>;
}

const dark = matchMedia('(prefers-color-scheme: dark)');
export const themeNow = (): 'light' | 'dark' => (dark.matches ? 'dark' : 'light');

/** The elements that html-map.ts writes. */
function partsWith(hint: string): MapParts {
  return {
    canvas: byId('map') as HTMLCanvasElement,
    legend: byId('legend') as HTMLCanvasElement,
    least: byId('least'),
    middle: byId('middle'),
    most: byId('most'),
    says: byId('core'),
    hint,
  };
}

/** @param hint what is said while no core is pointed at */
export function createMap(data: MapData, hint: string): MapState {
  const parts = partsWith(hint);
  const [wafer] = data.wafers;
  const state: MapState = {
    ...{ data, parts, wafer, quantity: 0, scale: 'linear', isEach: false, region: -1 },
    ...{ marked: new Set(), core: -1, hasPath: false, maps: new Map(), values: [] },
    view: { scale: 1, x: 0, y: 0, fit: true },
    owner: ownersOf(wafer),
  };
  dark.addEventListener('change', () => void show(state));
  new ResizeObserver(() => {
    const { canvas } = parts;
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    draw(state);
  }).observe(parts.canvas);
  return state;
}

export function chooseWafer(state: MapState, wafer: PageWafer): void {
  if (state.wafer === wafer) return;
  Object.assign(state, { wafer, region: -1, core: -1, picture: undefined, values: [] });
  state.marked = new Set();
  state.owner = ownersOf(wafer);
  state.view.fit = true;
}

/** Paints what is chosen anew, and draws it; the rest of the wafer's numbers is unpacked after that. */
export async function show(state: MapState): Promise<void> {
  const { wafer, data, quantity, maps, parts } = state;
  try {
    const mapOf = maps.get(wafer) ?? mapsOf(wafer, data.quantities);
    maps.set(wafer, mapOf);
    const values = await mapOf(quantity);
    // Something else may have been chosen meanwhile.
    if (wafer !== state.wafer || quantity !== state.quantity) return;
    state.values[quantity] = values;
    state.picture = paint(state, values, themeNow());
    draw(state);
    for (const of of data.quantities.keys()) {
      const more = await mapOf(of);
      if (wafer !== state.wafer) return;
      state.values[of] = more;
    }
    parts.canvas.dataset['whole'] = 'true';
    tell(state);
  } catch (error) {
    parts.says.textContent = `This browser cannot draw the map: ${(error as Error).message}`;
  }
}

/** Says what is under the pointer. */
export function tell(state: MapState): void {
  state.parts.says.textContent = coreText(state) ?? state.parts.hint;
}

export function draw(state: MapState): void {
  const { wafer, picture, view, parts, data } = state;
  const { canvas } = parts;
  if (!picture) return;
  clampView(view, wafer, canvas);
  const pen = canvas.getContext('2d')!;
  const css = getComputedStyle(document.documentElement);
  const color = (name: string) => css.getPropertyValue(name);
  const around = (r: { x: number; y: number; width: number; height: number }) =>
    pen.strokeRect(
      ...([view.x + r.x * view.scale, view.y + r.y * view.scale] as const),
      ...([r.width * view.scale, r.height * view.scale] as const),
    );
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = view.scale < 1;
  pen.drawImage(picture, view.x, view.y, wafer.width * view.scale, wafer.height * view.scale);
  pen.lineWidth = 1;
  pen.strokeStyle = color('--line');
  around({ x: 0, y: 0, width: wafer.width, height: wafer.height });
  wafer.regions.forEach((region, i) => {
    const isMarked = state.marked.has(i);
    pen.strokeStyle = color(isMarked ? '--mark' : '--soft');
    pen.lineWidth = isMarked || i === state.region ? 3 : 1;
    around(region);
  });
  if (state.hasPath) drawPath(pen, state, color('--mark'), color('--back'));
  if (state.core >= 0) {
    pen.lineWidth = 2;
    pen.strokeStyle = color('--mark');
    const size = Math.max(1, 6 / view.scale);
    const [x, y] = [state.core % wafer.width, Math.floor(state.core / wafer.width)];
    around({ x: x - (size - 1) / 2, y: y - (size - 1) / 2, width: size, height: size });
  }
  // One finger moves the page where the map has nowhere to go.
  canvas.style.touchAction = view.fit ? 'pan-y' : 'none';
  canvas.dataset['path'] = String(state.hasPath);
  canvas.dataset['zoom'] = view.scale.toFixed(3);
  canvas.dataset['drawn'] = [wafer.wafer, data.quantities[state.quantity].name, state.region].join(
    ' ',
  );
  canvas.dataset['scale'] = `${state.scale}${state.isEach ? ' each' : ''}`;
}

/** The critical path from the middle of one core to that of the next, on a lighter line that sets it off. */
function drawPath(
  pen: CanvasRenderingContext2D,
  { wafer, view }: MapState,
  color: string,
  back: string,
): void {
  const at = (origin: number, place: number) => origin + (place + 0.5) * view.scale;
  for (const [width, style] of [
    [4, back],
    [2, color],
  ] as const) {
    pen.lineWidth = width;
    pen.strokeStyle = style;
    for (const stretch of wafer.path ?? []) {
      pen.beginPath();
      for (let i = 0; i < stretch.length; i += 2)
        pen.lineTo(at(view.x, stretch[i]), at(view.y, stretch[i + 1]));
      pen.stroke();
    }
  }
}
