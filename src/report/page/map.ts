/** What a report's page draws with: it paints a map, and draws it on the canvas at the chosen zoom. */
import type { PageData, PageWafer } from './data.js';
import { unpack } from './unpack.js';

export const byId = (id: string): HTMLElement => document.getElementById(id)!;
export const data = JSON.parse(byId('data').textContent) as PageData;
export const canvas = byId('map') as HTMLCanvasElement;
const pen = canvas.getContext('2d')!;
export const dark = matchMedia('(prefers-color-scheme: dark)');

/** What the reader has chosen, and what of it there is to draw. */
interface Shown {
  wafer: PageWafer;
  quantity: number;
  /** -1: the whole wafer. */
  region: number;
  /** The core that is pointed at; -1: none. */
  hovered: number;
  /** Whether the critical path is drawn. */
  path: boolean;
  picture?: HTMLCanvasElement | undefined;
  values?: Float64Array[];
}
export const shown: Shown = {
  wafer: data.wafers[0],
  quantity: 0,
  region: -1,
  hovered: -1,
  path: false,
};
export const view = { scale: 1, x: 0, y: 0, fit: true };

const RAMPS = {
  light: ['f1eee6', 'f3cd83', 'e2803f', 'a9343b', '47123a'],
  dark: ['191d2e', '4a3175', 'a63c70', 'ee7f4b', 'fce690'],
};

function ramp(): Uint8ClampedArray {
  const stops = RAMPS[dark.matches ? 'dark' : 'light'].map((hex) =>
    [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)),
  );
  const table = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    for (let c = 0; c < 3; c++)
      table[i * 3 + c] = stops[low][c] + (stops[low + 1][c] - stops[low][c]) * (at - low);
  }
  return table;
}

/** All maps of a wafer, and which region each core is in (-1: none). */
async function unpacked(wafer: PageWafer): Promise<Float64Array[]> {
  const length = wafer.width * wafer.height;
  wafer.values ??= Promise.all(wafer.packed.map(async (text) => unpack(text, length)));
  if (!wafer.owner) {
    const owner = new Int16Array(length).fill(-1);
    wafer.regions.forEach((r, i) => {
      for (let y = r.y; y < r.y + r.height; y++)
        owner.fill(i, y * wafer.width + r.x, y * wafer.width + r.x + r.width);
    });
    wafer.owner = owner;
  }
  return wafer.values;
}

/** Least and largest value in the regions that are chosen: the ends of the scale. */
function ends(values: Float64Array): [least: number, most: number] {
  const { wafer, region } = shown;
  const chosen = region < 0 ? wafer.regions : [wafer.regions[region]];
  let [least, most] = [Infinity, 0];
  for (const r of chosen)
    for (let y = r.y; y < r.y + r.height; y++)
      for (let i = y * wafer.width + r.x; i < y * wafer.width + r.x + r.width; i++) {
        if (values[i] > most) most = values[i];
        if (values[i] < least) least = values[i];
      }
  return [Math.min(least, most), most];
}

function paint(values: Float64Array): void {
  const { wafer, quantity } = shown;
  const { width, height } = wafer;
  const owner = wafer.owner!;
  const [least, most] = ends(values);
  const colors = ramp();
  const image = new ImageData(width, height);
  const pixels = image.data;
  const link = data.quantities[quantity].name === 'link';
  for (let i = 0; i < owner.length; i++) {
    const value = values[i];
    // Cores without a region pass wavelets on, and have nothing else to show.
    if (owner[i] < 0 && !(link && value > 0)) continue;
    const share = most === least ? 0 : (value - least) / (most - least);
    const step = Math.round(255 * Math.min(1, Math.max(0, share))) * 3;
    pixels[i * 4] = colors[step];
    pixels[i * 4 + 1] = colors[step + 1];
    pixels[i * 4 + 2] = colors[step + 2];
    pixels[i * 4 + 3] = 255;
  }
  const picture = document.createElement('canvas');
  picture.width = width;
  picture.height = height;
  picture.getContext('2d')!.putImageData(image, 0, 0);
  shown.picture = picture;
  legend(colors, least, most);
  draw();
}

function legend(colors: Uint8ClampedArray, least: number, most: number): void {
  const strip = byId('legend') as HTMLCanvasElement;
  const image = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) image.data.set([...colors.subarray(i * 3, i * 3 + 3), 255], i * 4);
  strip.width = 256;
  strip.height = 1;
  strip.getContext('2d')!.putImageData(image, 0, 0);
  byId('least').textContent = NUMBER.format(least);
  byId('most').textContent = amount(shown.quantity, most);
}

/** Pixels per core: from the whole wafer to 48. */
export function limited(scale: number): number {
  const { wafer } = shown;
  const fit = Math.min(canvas.width / wafer.width, canvas.height / wafer.height);
  return view.fit ? fit : Math.min(Math.max(scale, fit), Math.max(fit, 48));
}

/** Keeps the wafer in sight. */
function clamp(): void {
  const { wafer } = shown;
  view.scale = limited(view.scale);
  for (const [axis, size, room] of [
    ['x', wafer.width, canvas.width],
    ['y', wafer.height, canvas.height],
  ] as const) {
    const spare = room - size * view.scale;
    view[axis] = spare >= 0 ? spare / 2 : Math.min(0, Math.max(spare, view[axis]));
  }
}

export function draw(): void {
  const { wafer, picture, hovered } = shown;
  if (!picture) return;
  clamp();
  const css = getComputedStyle(document.documentElement);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = view.scale < 1;
  pen.drawImage(picture, view.x, view.y, wafer.width * view.scale, wafer.height * view.scale);
  pen.strokeStyle = css.getPropertyValue('--line');
  pen.strokeRect(view.x, view.y, wafer.width * view.scale, wafer.height * view.scale);
  pen.strokeStyle = css.getPropertyValue('--soft');
  wafer.regions.forEach((r, i) => {
    pen.lineWidth = i === shown.region ? 3 : 1;
    pen.strokeRect(
      view.x + r.x * view.scale,
      view.y + r.y * view.scale,
      r.width * view.scale,
      r.height * view.scale,
    );
  });
  if (shown.path) drawPath(css.getPropertyValue('--mark'));
  if (hovered >= 0) {
    pen.lineWidth = 2;
    pen.strokeStyle = css.getPropertyValue('--mark');
    const [x, y] = [hovered % wafer.width, Math.floor(hovered / wafer.width)];
    const size = Math.max(view.scale, 6);
    const off = (size - view.scale) / 2;
    pen.strokeRect(view.x + x * view.scale - off, view.y + y * view.scale - off, size, size);
  }
  canvas.dataset['path'] = String(shown.path);
  canvas.dataset['zoom'] = view.scale.toFixed(3);
  canvas.dataset['drawn'] = [wafer.wafer, data.quantities[shown.quantity].name, shown.region].join(
    ' ',
  );
}

/** The critical path from the middle of one core to that of the next. */
function drawPath(color: string): void {
  pen.lineWidth = 2;
  pen.strokeStyle = color;
  const at = (origin: number, place: number) => origin + (place + 0.5) * view.scale;
  for (const stretch of shown.wafer.path ?? []) {
    pen.beginPath();
    for (let i = 0; i < stretch.length; i += 2)
      pen.lineTo(at(view.x, stretch[i]), at(view.y, stretch[i + 1]));
    pen.stroke();
  }
}

const NUMBER = new Intl.NumberFormat('en-US');
const SHARE = new Intl.NumberFormat('en-US', {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

function amount(quantity: number, value: number): string {
  const { unit, whole } = data.quantities[quantity];
  const share = whole > 0 ? ` (${SHARE.format((100 * value) / whole)} %)` : '';
  return `${NUMBER.format(value)} ${unit}${share}`;
}

export function tell(): void {
  const { wafer, hovered, values } = shown;
  if (hovered < 0 || !values) {
    byId('core').textContent = data.hint;
    return;
  }
  const region = wafer.regions[wafer.owner![hovered]];
  const place = `Core ${hovered % wafer.width}, ${Math.floor(hovered / wafer.width)}`;
  const numbers = data.quantities.map(
    ({ title }, q) => `${title} ${amount(q, values[q][hovered])}`,
  );
  byId('core').textContent = [`${place} in ${region ? region.name : 'no region'}`, ...numbers].join(
    ' · ',
  );
}

export async function show(): Promise<void> {
  try {
    const { wafer } = shown;
    const all = await unpacked(wafer);
    // Something else may have been chosen meanwhile.
    if (wafer !== shown.wafer) return;
    shown.values = all;
    paint(all[shown.quantity]);
    tell();
  } catch (error) {
    byId('core').textContent = `This browser cannot draw the map: ${(error as Error).message}`;
  }
}
