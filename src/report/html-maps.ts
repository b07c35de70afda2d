/**
 * Maps of a wafer small enough for a page: differences from core to core, most of them 0, their bytes
 * sorted by significance, deflated, in base64. The page's script reads it back (page/unpack.ts).
 */
import { LINK_NAMES } from '../hardware/mesh.js';
import type { WaferMap } from './detail.js';
import type { PageWafer } from './page/data.js';
import type { PathEntry, RegionResult } from './document.js';

/** Bytes in, bytes of a zlib stream out. */
export type Deflate = (bytes: Uint8Array) => Uint8Array;

/** What of a wafer's numbers a page shows. */
export type ShownMap = Pick<
  WaferMap,
  'wafer' | 'width' | 'height' | 'busy' | 'waiting' | 'sram' | 'link' | 'links'
>;

/** What a page shows of every core, in this order; the last four are each its own link. */
export const QUANTITIES = ['busy', 'waiting', 'sram', 'link', ...LINK_NAMES] as const;

export type QuantityName = (typeof QUANTITIES)[number];

/** Those that have a map of their own; the load of the busiest link is the largest of the four. */
export const PACKED = QUANTITIES.filter((name) => name !== 'link');

/** A wafer's numbers of one kind, core by core. */
export function valuesOf(map: ShownMap, name: QuantityName): Float64Array {
  const port = LINK_NAMES.findIndex((link) => link === name);
  if (port < 0) return map[name as 'busy' | 'waiting' | 'sram' | 'link'];
  return leavingBy(map, port);
}

/** Wavelets that left each core by one of its links. */
export function leavingBy({ links }: Pick<WaferMap, 'links'>, port: number): Float64Array {
  const { length } = LINK_NAMES;
  return Float64Array.from(
    { length: links.length / length },
    (_, core) => links[core * length + port],
  );
}

export function mapData(
  map: ShownMap,
  regions: RegionResult[],
  deflate: Deflate,
  path?: readonly PathEntry[],
  names: readonly QuantityName[] = PACKED,
): PageWafer {
  const { wafer, width, height } = map;
  return {
    wafer,
    width,
    height,
    regions: regions
      .filter((region) => region.wafer === wafer)
      .map((r) => ({ name: r.name, x: r.x, y: r.y, width: r.width, height: r.height })),
    packed: names.map((name) => pack(valuesOf(map, name), deflate)),
    ...(path && { path: pathOn(path, wafer) }),
  };
}

/** Where a path goes on a wafer: other tokens' work is nowhere. */
export function pathOn(path: readonly PathEntry[], wafer: number): number[][] {
  const stretches: number[][] = [];
  let isHere = false;
  for (const { wafer: on, x, y, kind } of path) {
    if (on !== wafer || kind === 'otherToken') {
      isHere = false;
      continue;
    }
    if (!isHere) stretches.push([]);
    isHere = true;
    const stretch = stretches.at(-1)!;
    if (stretch.at(-2) !== x || stretch.at(-1) !== y) stretch.push(x, y);
  }
  return stretches;
}

/** Bytes of a difference: whole numbers up to 2^52, and a sign. */
const PLANES = 7;

/** Planes of bytes of the differences between neighbours, lowest bytes first. */
export function pack(values: Float64Array, deflate: Deflate): string {
  const { length } = values;
  const planes = new Uint8Array(length * PLANES);
  let before = 0;
  for (let i = 0; i < length; i++) {
    const difference = values[i] - before;
    before = values[i];
    // Small ones of either sign have small codes: 0, -1, 1, -2, ...
    let code = difference < 0 ? -2 * difference - 1 : 2 * difference;
    for (let plane = 0; code > 0; plane++) {
      planes[plane * length + i] = code % 256;
      code = Math.floor(code / 256);
    }
  }
  return Buffer.from(deflate(planes)).toString('base64');
}
