/** A step core by core as planes of whole numbers, [wafer][y][x]: what cores.npz holds. Pure. */
import { LINK_NAMES } from '../hardware/mesh.js';
import type { RunDetail, WaferMap } from './detail.js';
import { leavingBy } from './html-maps.js';

export interface Planes {
  /** Wafers, rows, columns. */
  shape: [wafers: number, height: number, width: number];
  planes: Plane[];
}

export interface Plane {
  name: string;
  /** The numbers of a wafer, row by row; undefined for a wafer on which nothing happened. */
  of: (wafer: number) => ArrayLike<number> | undefined;
}

/** Numbers of a wafer's cores, made when they are asked for: all planes at once would be much memory. */
type CoresOf = (map: WaferMap) => Float64Array;

const sumOf = (of: (core: number) => number, { busy }: WaferMap) =>
  Float64Array.from({ length: busy.length }, (_, core) => of(core));

/**
 * Cycles of the step by cause, which add up to those of `decode.coreCycles`; of `waitInput` those before a stage, for its
 * token; bytes of memory; and wavelets that left in each direction.
 */
const PLANES: Record<string, CoresOf> = {
  compute: ({ compute }) => compute,
  setup: (map) => sumOf((core) => map.busy[core] - map.compute[core], map),
  waitInput: (map) =>
    sumOf((core) => map.waiting[core] - map.waitOutput[core] + map.between[core], map),
  waitOutput: ({ waitOutput }) => waitOutput,
  idle: ({ idle }) => idle,
  waitToken: ({ between }) => between,
  sramBytes: ({ sram }) => sram,
  ...Object.fromEntries(
    LINK_NAMES.map((name, port) => [name, (map: WaferMap) => leavingBy(map, port)]),
  ),
};

export function corePlanes({ maps }: Pick<RunDetail, 'maps'>, wafers: number): Planes {
  const { width, height } = maps.find((map) => map !== undefined)!;
  const byWafer = new Map(maps.map((map) => [map.wafer, map]));
  const planes = Object.entries(PLANES).map(([name, coresOf]): Plane => ({
    name,
    of: (wafer) => {
      const map = byWafer.get(wafer);
      return map && coresOf(map);
    },
  }));
  return { shape: [wafers, height, width], planes };
}
