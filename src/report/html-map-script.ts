/**
 * What a report's page draws with, as code of the browser: it unpacks the maps (see html-maps.ts),
 * paints one, and draws it on the canvas at the chosen zoom. It writes text, never markup.
 */
export const MAP_SCRIPT = String.raw`'use strict';
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId('data').textContent);
const canvas = byId('map');
const pen = canvas.getContext('2d');
const dark = matchMedia('(prefers-color-scheme: dark)');
const shown = { wafer: data.wafers[0], quantity: 0, region: -1 };
const view = { scale: 1, x: 0, y: 0, fit: true };
let hovered = -1;
let picture, values;

const RAMPS = {
  light: ['f1eee6', 'f3cd83', 'e2803f', 'a9343b', '47123a'],
  dark: ['191d2e', '4a3175', 'a63c70', 'ee7f4b', 'fce690'],
};

function ramp() {
  const stops = RAMPS[dark.matches ? 'dark' : 'light'].map((hex) =>
    [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const table = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    for (let c = 0; c < 3; c++)
      table[i * 3 + c] = stops[low][c] + (stops[low + 1][c] - stops[low][c]) * (at - low);
  }
  return table;
}

async function unpack(text, length) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  if (planes.length !== length * 7) throw new Error('the map is damaged');
  const out = new Float64Array(length);
  let value = 0;
  for (let i = 0; i < length; i++) {
    let code = 0;
    for (let plane = 6; plane >= 0; plane--) code = code * 256 + planes[plane * length + i];
    value += code % 2 === 1 ? -(code + 1) / 2 : code / 2;
    out[i] = value;
  }
  return out;
}

/** All maps of a wafer, and which region each core is in (-1: none). */
function unpacked(wafer) {
  const length = wafer.width * wafer.height;
  wafer.values ??= Promise.all(wafer.packed.map((text) => unpack(text, length)));
  if (!wafer.owner) {
    wafer.owner = new Int16Array(length).fill(-1);
    wafer.regions.forEach((r, i) => {
      for (let y = r.y; y < r.y + r.height; y++)
        wafer.owner.fill(i, y * wafer.width + r.x, y * wafer.width + r.x + r.width);
    });
  }
  return wafer.values;
}

/** Least and largest value in the regions that are chosen: the ends of the scale. */
function ends() {
  const { wafer, quantity, region } = shown;
  const chosen = region < 0 ? wafer.regions : [wafer.regions[region]];
  let [least, most] = [Infinity, 0];
  for (const r of chosen)
    for (let y = r.y; y < r.y + r.height; y++)
      for (let i = y * wafer.width + r.x; i < y * wafer.width + r.x + r.width; i++) {
        if (values[quantity][i] > most) most = values[quantity][i];
        if (values[quantity][i] < least) least = values[quantity][i];
      }
  return [Math.min(least, most), most];
}

function paint() {
  const { wafer, quantity } = shown;
  const { width, height, owner } = wafer;
  const [least, most] = ends();
  const colors = ramp();
  const image = new ImageData(width, height);
  const pixels = image.data;
  const link = data.quantities[quantity].name === 'link';
  for (let i = 0; i < owner.length; i++) {
    const value = values[quantity][i];
    // Cores without a region pass wavelets on, and have nothing else to show.
    if (owner[i] < 0 && !(link && value > 0)) continue;
    const share = most === least ? 0 : (value - least) / (most - least);
    const step = Math.round(255 * Math.min(1, Math.max(0, share))) * 3;
    pixels[i * 4] = colors[step];
    pixels[i * 4 + 1] = colors[step + 1];
    pixels[i * 4 + 2] = colors[step + 2];
    pixels[i * 4 + 3] = 255;
  }
  picture = document.createElement('canvas');
  picture.width = width;
  picture.height = height;
  picture.getContext('2d').putImageData(image, 0, 0);
  legend(colors, least, most);
  draw();
}

function legend(colors, least, most) {
  const strip = byId('legend');
  const image = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) image.data.set([...colors.subarray(i * 3, i * 3 + 3), 255], i * 4);
  strip.width = 256;
  strip.height = 1;
  strip.getContext('2d').putImageData(image, 0, 0);
  byId('least').textContent = NUMBER.format(least);
  byId('most').textContent = amount(shown.quantity, most);
}

/** Pixels per core: from the whole wafer to 48. */
function limited(scale) {
  const { wafer } = shown;
  const fit = Math.min(canvas.width / wafer.width, canvas.height / wafer.height);
  return view.fit ? fit : Math.min(Math.max(scale, fit), Math.max(fit, 48));
}

/** Keeps the wafer in sight. */
function clamp() {
  const { wafer } = shown;
  view.scale = limited(view.scale);
  for (const [axis, size, room] of [['x', wafer.width, canvas.width], ['y', wafer.height, canvas.height]]) {
    const spare = room - size * view.scale;
    view[axis] = spare >= 0 ? spare / 2 : Math.min(0, Math.max(spare, view[axis]));
  }
}

function draw() {
  if (!picture) return;
  clamp();
  const { wafer } = shown;
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
    pen.strokeRect(view.x + r.x * view.scale, view.y + r.y * view.scale, r.width * view.scale, r.height * view.scale);
  });
  if (hovered >= 0) {
    pen.lineWidth = 2;
    pen.strokeStyle = css.getPropertyValue('--mark');
    const [x, y] = [hovered % wafer.width, Math.floor(hovered / wafer.width)];
    const size = Math.max(view.scale, 6);
    const off = (size - view.scale) / 2;
    pen.strokeRect(view.x + x * view.scale - off, view.y + y * view.scale - off, size, size);
  }
  canvas.dataset.zoom = view.scale.toFixed(3);
  canvas.dataset.drawn = [wafer.wafer, data.quantities[shown.quantity].name, shown.region].join(' ');
}

const NUMBER = new Intl.NumberFormat('en-US');
const SHARE = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

function amount(quantity, value) {
  const { unit, whole } = data.quantities[quantity];
  const share = whole > 0 ? ' (' + SHARE.format((100 * value) / whole) + ' %)' : '';
  return NUMBER.format(value) + ' ' + unit + share;
}

function tell() {
  const { wafer } = shown;
  if (hovered < 0 || !values) {
    byId('core').textContent = data.hint;
    return;
  }
  const region = wafer.regions[wafer.owner[hovered]];
  const place = 'Core ' + (hovered % wafer.width) + ', ' + Math.floor(hovered / wafer.width);
  const numbers = data.quantities.map(({ title }, q) => title + ' ' + amount(q, values[q][hovered]));
  byId('core').textContent = [place + ' in ' + (region ? region.name : 'no region'), ...numbers].join(' · ');
}

async function show() {
  try {
    const { wafer } = shown;
    const all = await unpacked(wafer);
    // Something else may have been chosen meanwhile.
    if (wafer !== shown.wafer) return;
    values = all;
    paint();
    tell();
  } catch (error) {
    byId('core').textContent = 'This browser cannot draw the map: ' + error.message;
  }
}
`;
