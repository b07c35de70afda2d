/**
 * Broadcast: core 0 sends its vector east along the first row, and from each core of it south. Every
 * router passes it on and hands a copy to its core, which costs nothing (multicast).
 */
import { EAST, NORTH, RAMP, SOUTH, WEST, route, send, store } from '../program/builder.js';
import type { CoreCode, Stretch, WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { areaKernel, type AreaOptions } from './collectives.js';

/** A rectangle of cores; core 0's buffer `vector` is in every core's `vector` at the end. */
export function broadcast(o: AreaOptions, wafer: WaferSpec): Program {
  const write = (core: CoreCode, vector: Stretch, x: number, y: number) => {
    broadcastFromCorner(core, vector, x, y, o, 0);
  };
  const isRoot = (x: number, y: number) => x === 0 && y === 0;
  const keyAt = (x: number, y: number) => broadcastKey(x, y, o);
  return areaKernel('broadcast', o, wafer, ['broadcast'], keyAt, write, isRoot);
}

/** Equal for cores that do the same in a broadcast from core 0. */
export function broadcastKey(x: number, y: number, area: AreaOptions): string {
  const place = x === 0 && y === 0 ? 'root' : y === 0 ? 'first row' : 'below';
  const ends = y === 0 && x === area.width - 1 ? ' east end' : '';
  return `${place}${ends}${y === area.height - 1 ? ' south end' : ''}`;
}

/** Appends a broadcast of core 0's vector on one colour. */
export function broadcastFromCorner(
  core: CoreCode,
  vector: Stretch,
  x: number,
  y: number,
  { width, height }: AreaOptions,
  color: number,
): void {
  const isRoot = x === 0 && y === 0;
  const on = [...(y === 0 && x < width - 1 ? [EAST] : []), ...(y < height - 1 ? [SOUTH] : [])];
  if (isRoot && on.length === 0) return;
  const from = isRoot ? RAMP : y === 0 ? WEST : NORTH;
  core.routes.push(route(color, from, ...on, ...(isRoot ? [] : [RAMP])));
  if (isRoot) send(core, vector, color);
  else store(core, vector, color);
}
