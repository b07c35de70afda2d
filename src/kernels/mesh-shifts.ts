/**
 * Tiles of matrices that move over a square of cores by cyclic shifts (MeshGEMM and Cannon's algorithm): each row
 * and each column is a ring (ring.ts). A tile has two buffers: what arrives goes to the one that is not in use.
 */
import { CHANNELS_OF_RING, type Ring, type RingStation } from './ring.js';
import { PORT, type Axis } from './collectives.js';
import { appendOnce, route } from '../program/builder.js';
import { exchange } from '../program/exchange.js';
import type { Code, FloatType, Written } from '../program/builder.js';
import type { Passed, Route } from '../program/program.js';

/** Where a core stands on the square, and how its tiles move. */
export interface Mesh {
  ring: Ring;
  x: number;
  y: number;
  type: FloatType;
  /** First of the colours. */
  color: number;
  /** Cycles of setting a transfer up (`costs.transfer.setup`). */
  setup: number;
}

/** A tile of `length` elements: the cell where it lies, and where the next one goes. */
export interface Tile {
  length: number;
  now: number;
  next: number;
}

/** Colours of the shifts: of both axes forward, then of both in reverse. */
const FORWARD: Record<Axis, number> = { x: 0, y: CHANNELS_OF_RING };
const REVERSE: Record<Axis, number> = { x: 2 * CHANNELS_OF_RING, y: 3 * CHANNELS_OF_RING };
export const COLORS_OF_MESH = 4 * CHANNELS_OF_RING;

/** A core's part in the shifts along an axis, forward or in reverse. */
interface Shift {
  station: RingStation;
  color: number;
}

function shiftOf({ ring, x, y, color }: Mesh, axis: Axis, isForward: boolean): Shift {
  const stations = isForward ? ring.forward : ring.reverse;
  const first = color + (isForward ? FORWARD : REVERSE)[axis];
  return { station: stations[axis === 'x' ? x : y], color: first };
}

/** The routes of shifts forward along both axes, and in reverse along some. */
export function meshRoutes(mesh: Mesh, turned: Axis[]): Route[] {
  const along = (axis: Axis, isForward: boolean) => {
    const { station, color } = shiftOf(mesh, axis, isForward);
    const port = PORT[axis];
    return station.routes.map(({ channel, from, to }) =>
      route(color + channel, port[from], port[to]),
    );
  };
  return [
    ...along('x', true),
    ...along('y', true),
    ...turned.flatMap((axis) => along(axis, false)),
  ];
}

function transfer({ station, color }: Shift, tile: Tile): { send: Passed; take: Passed } {
  const { length, now, next } = tile;
  return {
    send: { color: color + station.sendsOn, at: now, length },
    take: { color: color + station.takesFrom, at: next, length },
  };
}

function swap(tile: Tile): void {
  [tile.now, tile.next] = [tile.next, tile.now];
}

/**
 * Turns the tiles of each row (or column) by its position in the ring, the shorter way round. All take as many
 * steps: those that need fewer shift in vain.
 */
export function align(code: Code, mesh: Mesh, axis: Axis, tile: Tile): void {
  const { ring, x, y, type, setup } = mesh;
  const side = ring.order.length;
  const turns = ring.position[axis === 'x' ? y : x];
  const needed = Math.min(turns, side - turns);
  const shift = shiftOf(mesh, axis, turns === needed);
  const known: Written = new Map();
  for (let i = 0; i < Math.floor(side / 2); i++) {
    appendOnce(code, known, tile.now, () => {
      const { send, take } = transfer(shift, tile);
      exchange(code, type, { sends: [send], takes: [take], setup });
    });
    if (i < needed) swap(tile);
  }
}

/** Moves a tile one place forward along an axis. */
export function shift(code: Code, mesh: Mesh, axis: Axis, tile: Tile): void {
  const { type, setup, ring } = mesh;
  if (ring.order.length === 1) return;
  const { send, take } = transfer(shiftOf(mesh, axis, true), tile);
  exchange(code, type, { sends: [send], takes: [take], setup });
  swap(tile);
}

/**
 * As many steps as the square has rows: in each, `a` moves along the rows and `b` along the columns, and
 * `product` is done with the tiles that were there. Afterwards every tile is where it was at first. `product`
 * appends the same operations whenever the tiles lie in the same cells.
 */
export function shiftAndMultiply(
  code: Code,
  mesh: Mesh,
  a: Tile,
  b: Tile,
  product: (a: number, b: number) => void,
): void {
  const { ring, type, setup } = mesh;
  const side = ring.order.length;
  const [row, column] = [shiftOf(mesh, 'x', true), shiftOf(mesh, 'y', true)];
  const known: Written = new Map();
  for (let step = 0; step < side; step++) {
    appendOnce(code, known, `${a.now} ${b.now}`, () => {
      const moves = [transfer(row, a), transfer(column, b)];
      const sends = moves.map(({ send }) => send);
      const takes = moves.map(({ take }) => take);
      if (side > 1) exchange(code, type, { sends, takes, setup });
      product(a.now, b.now);
    });
    if (side === 1) continue;
    swap(a);
    swap(b);
  }
}
