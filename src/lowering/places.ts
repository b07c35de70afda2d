/**
 * The places that a token visits in a step: regions, and ports between wafers. What leaves a wafer
 * goes to a column of its own beyond the east edge, crosses the link, and enters the next wafer from a
 * column beyond the west edge, on the rows of the region it goes to.
 */
import type { FloatType } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Placement, Region } from '../placement/placement.js';
import type { Rectangle } from './hand-off.js';
import type { CoreProgram, RegionCode } from './region.js';

export interface Place extends Rectangle {
  name: string;
  wafer: number;
  /** The region, if it is one. */
  region?: Region;
  /** A port: where what arrived here enters the next wafer. */
  exit?: Rectangle & { wafer: number };
  /** A port for the chosen token, not for rows. */
  isForToken?: boolean;
}

/** Indices of places in the order of the token's path: to[i] is reached from from[i]. */
export interface TokenPath {
  places: Place[];
  visits: { from: number; to: number }[];
}

/** The path from the head's choice through all regions to the next choice. */
export function pathOf(
  { regions }: Placement,
  head: number,
  chosen: { x: number; y: number },
  wafer: WaferSpec,
): TokenPath {
  const places: Place[] = regions.map((region) => ({ ...region, region }));
  const order = [...regions.keys(), ...(head === 0 ? [0] : [])];
  const visits: TokenPath['visits'] = [];
  let from = head;
  order.forEach((to, i) => {
    const [left, entered] = [regions[from], regions[to]];
    if (left.wafer !== entered.wafer) {
      const rows = i === 0 ? { y: chosen.y, height: 1 } : { y: left.y, height: left.height };
      const entry =
        i === 0 ? { y: entered.y, height: 1 } : { y: entered.y, height: entered.height };
      const column = { name: `to wafer ${entered.wafer}`, width: 1 };
      const exit = { x: -1, ...entry, width: 1, wafer: entered.wafer };
      const isForToken = i === 0;
      places.push({ ...column, wafer: left.wafer, x: wafer.width, ...rows, exit, isForToken });
      visits.push({ from, to: places.length - 1 });
      from = places.length - 1;
    }
    visits.push({ from, to });
    from = to;
  });
  return { places, visits };
}

/** Seconds and rates are no whole numbers: what they come to is taken as whole if it is this close. */
const NOISE = 2 ** -48;

/**
 * Cycles that a slice of `bits` in all takes from a wafer's edge to the next one's. A begun cycle counts
 * as a whole one, unless it is only begun because 5 us cannot be written exactly in binary.
 */
export function crossingCycles({ io, clockHz }: WaferSpec, bits: number): number {
  const cycles = (io.latencySeconds + bits / io.bitsPerSecond) * clockHz;
  const whole = Math.round(cycles);
  return Math.abs(cycles - whole) <= cycles * NOISE ? whole : Math.ceil(cycles);
}

/** The column of a port takes what arrives; the link does the rest. */
export function portCode(height: number, type: FloatType, length: number, width = 1): RegionCode {
  const buffers = [{ name: 'x', type, at: 0, length, preloaded: false }];
  const program: CoreProgram = {
    name: 'port',
    buffers,
    codeBytes: 0,
    prepare: [],
    main: [],
    around: new Map(),
  };
  return {
    width,
    height,
    labels: ['to the edge'],
    receive: { label: 0, type, length, at: () => 0 },
    codeClass: () => 0,
    codeKey: () => '',
    routeClass: () => 0,
    kinds: {
      rows: new Int32Array(height),
      columns: new Int32Array(width),
      rowKinds: 1,
      columnKinds: 1,
      apartRow: -1,
      apartColumn: -1,
    },
    write: () => program,
    routesAt: () => [],
  };
}
