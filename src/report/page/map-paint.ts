/** A map as a picture of one pixel per core, and its legend. */
import { LINK_NAMES } from '../../hardware/mesh.js';
import { DIFFERENCES, RAMPS, rampOf } from './colors.js';
import type { MapState } from './map.js';
import { amountText, NUMBER } from './map-text.js';
import { differenceScale, scaleOf, type Scale } from './scale.js';

type Box = { x: number; y: number; width: number; height: number };

export function paint(
  state: MapState,
  values: Float64Array,
  theme: 'light' | 'dark',
): HTMLCanvasElement {
  const { wafer, owner, data, quantity } = state;
  const scales = scalesOf(state, values);
  const colors = rampOf((data.isDifference ? DIFFERENCES : RAMPS)[theme]);
  const image = new ImageData(wafer.width, wafer.height);
  const pixels = image.data;
  const isEverywhere = data.isDifference === true || LINKS.has(data.quantities[quantity].name);
  for (let i = 0; i < owner.length; i++) {
    const value = values[i];
    // Cores without a region pass wavelets on, and have nothing else to show.
    if (owner[i] < 0 && !(isEverywhere && value !== 0)) continue;
    const scale = scales[state.isEach ? owner[i] + 1 : 0];
    const step = Math.round(255 * scale.shareOf(value)) * 3;
    pixels[i * 4] = colors[step];
    pixels[i * 4 + 1] = colors[step + 1];
    pixels[i * 4 + 2] = colors[step + 2];
    pixels[i * 4 + 3] = 255;
  }
  const picture = document.createElement('canvas');
  picture.width = wafer.width;
  picture.height = wafer.height;
  picture.getContext('2d')!.putImageData(image, 0, 0);
  writeLegend(state, colors, scales[0]);
  return picture;
}

const LINKS = new Set<string>(['link', ...LINK_NAMES]);

/** That of the chosen region or of all; after it, if asked for, one of each region. */
function scalesOf({ wafer, region, scale, isEach, data }: MapState, values: Float64Array): Scale[] {
  const of = (boxes: Box[]) => {
    const inside = valuesIn(values, boxes, wafer.width);
    return data.isDifference ? differenceScale(inside) : scaleOf(scale, inside);
  };
  const first = of(region < 0 ? wafer.regions : [wafer.regions[region]]);
  return isEach ? [first, ...wafer.regions.map((one) => of([one]))] : [first];
}

function valuesIn(values: Float64Array, boxes: Box[], width: number): Float64Array {
  const all = new Float64Array(boxes.reduce((sum, box) => sum + box.width * box.height, 0));
  let at = 0;
  for (const box of boxes)
    for (let y = box.y; y < box.y + box.height; y++) {
      const first = y * width + box.x;
      all.set(values.subarray(first, first + box.width), at);
      at += box.width;
    }
  return all;
}

function writeLegend(state: MapState, colors: Uint8ClampedArray, scale: Scale): void {
  const { legend, least, middle, most } = state.parts;
  const image = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) image.data.set([...colors.subarray(i * 3, i * 3 + 3), 255], i * 4);
  legend.width = 256;
  legend.height = 1;
  legend.getContext('2d')!.putImageData(image, 0, 0);
  if (state.isEach) {
    least.textContent = 'least of the region';
    middle.textContent = '';
    most.textContent = 'most of the region';
    return;
  }
  least.textContent = NUMBER.format(scale.least);
  middle.textContent =
    state.scale === 'linear' ? '' : `middle ${NUMBER.format(Math.round(scale.middle))}`;
  most.textContent = amountText(state, state.quantity, scale.most);
}
