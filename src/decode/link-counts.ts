/**
 * Wavelets over the links of wafers, added up out of the results of stages. A plane of all links of a wafer takes
 * 28 MB, so they are added up a few rows at a time.
 */
import type { Sent } from '../engine/by-core.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { placeIn } from '../numeric/sorted.js';
import { LINKS } from '../hardware/mesh.js';

/** What a stage sent, `times` over, and its box on a wafer. */
export interface CountedLinks {
  wafer: number;
  x: number;
  y: number;
  width: number;
  height: number;
  sent: Sent;
  times: number;
}

/** Rows of a wafer whose links fit a cache: 0.8 MB of a WSE-3. */
const ROWS = 32;

/**
 * Calls with the wavelets over the links of some rows of a wafer, from row `y` on: (row * width + x) * LINKS + port. It
 * is the same memory each time.
 */
function eachRows(
  counted: readonly CountedLinks[],
  { width, height }: Pick<WaferSpec, 'width' | 'height'>,
  call: (wafer: number, y: number, links: Float64Array) => void,
): void {
  const links = new Float64Array(width * Math.min(ROWS, height) * LINKS);
  for (const wafer of new Set(counted.map((one) => one.wafer))) {
    const here = counted.filter((one) => one.wafer === wafer);
    for (let y = 0; y < height; y += ROWS) {
      const rows = links.subarray(0, width * Math.min(ROWS, height - y) * LINKS).fill(0);
      for (const one of here) addStage(rows, one, width, y);
      call(wafer, y, rows);
    }
  }
}

/** Adds what a stage sent in rows from `from` on. Columns beyond the edges are ports, whose links are not the wafer's. */
function addStage(rows: Float64Array, stage: CountedLinks, width: number, from: number): void {
  const { x, y, sent, times } = stage;
  const begin = Math.max(0, -x);
  const end = Math.min(stage.width, width - x);
  const last = Math.min(y + stage.height, from + rows.length / (width * LINKS));
  for (let row = Math.max(y, from); row < last; row++) {
    const first = (row - y) * stage.width;
    addRow(rows, (row - from) * width + x - first, sent, first + begin, first + end, times);
  }
}

/**
 * Adds what cores at places `begin` to `end` sent, `times` over, `later` places further on. A function of its own is
 * compiled once and for all.
 */
function addRow(
  sums: Float64Array,
  later: number,
  { placeOf, wavelets }: Sent,
  begin: number,
  end: number,
  times: number,
): void {
  for (let core = placeIn(placeOf, begin); core < placeOf.length && placeOf[core] < end; core++) {
    const to = (placeOf[core] + later) * LINKS;
    for (let port = 0; port < LINKS; port++)
      sums[to + port] += wavelets[core * LINKS + port] * times;
  }
}

/** Wavelets over the busiest link of all wafers. */
export function busiestLink(
  counted: readonly CountedLinks[],
  wafer: Pick<WaferSpec, 'width' | 'height'>,
): number {
  let most = 0;
  eachRows(counted, wafer, (_, __, links) => {
    most = Math.max(most, mostOf(links));
  });
  return most;
}

function mostOf(links: Float64Array): number {
  let most = 0;
  for (let i = 0; i < links.length; i++) if (links[i] > most) most = links[i];
  return most;
}

/** Of each wafer the wavelets over all of its links: (y * width + x) * LINKS + port. */
export function linksOfWafers(
  counted: readonly CountedLinks[],
  wafer: Pick<WaferSpec, 'width' | 'height'>,
): Float64Array[] {
  const planes: Float64Array[] = [];
  const { width, height } = wafer;
  eachRows(counted, wafer, (on, y, links) => {
    planes[on] ??= new Float64Array(width * height * LINKS);
    planes[on].set(links, y * width * LINKS);
  });
  return planes;
}
