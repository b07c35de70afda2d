/**
 * Dead cores and links of a wafer, and how the wafer does without them. The vendor builds spare cores
 * and links in, so that programs see a whole rectangle (S. Lie, Hot Chips 31, 2019); how rows are led
 * round a dead core is not public. Two assumptions stand for it:
 *
 * - `spares`: every row has spare columns at its east end. Logical core x of a row is the row's x-th
 *   live core, so that whatever lies east of a dead core moves on by one. A link between neighbours
 *   of a row has a hop more for each dead core between them, one between rows for each column by which
 *   their shifts differ. Longer links have no more queues than others, so they stream more slowly.
 * - `avoid`: there are no spares; a dead core gets no work, but its router still passes wavelets.
 */
import { STEP_X, STEP_Y } from './mesh.js';
import { seededRandom } from '../numeric/random.js';

export interface Defects {
  repair: 'spares' | 'avoid';
  /** Share of dead cores, 0 to 1; which ones is drawn from `seed`, anew for every wafer. */
  rate: number;
  seed: number;
  /** Further dead cores, the same on all wafers: `12,7 30,1`, x,y apart by blanks. */
  cores?: string;
  /** Dead links, `12,7,east` or `12,7,south`; with spares, the core that one starts at is retired. */
  links?: string;
  /** Columns beyond the wafer's width that stand in for dead cores; none with `avoid`. */
  spareColumns: number;
}

interface Wafer {
  width: number;
  height: number;
  defects?: Defects;
}

/** Dead cores of one wafer on its physical grid: 1 at y * columns + x for each of them. */
export interface DeadCores {
  columns: number;
  dead: Uint8Array;
  count: number;
}

const maps = new WeakMap<Defects, Map<number, DeadCores>>();

/** The dead cores of wafer `index`, or undefined if all are alive; drawn once for each wafer. */
export function deadCores(wafer: Wafer, index: number): DeadCores | undefined {
  const { defects } = wafer;
  if (defects === undefined) return undefined;
  let drawn = maps.get(defects);
  if (drawn === undefined) maps.set(defects, (drawn = new Map<number, DeadCores>()));
  let map = drawn.get(index);
  if (map === undefined) drawn.set(index, (map = draw(wafer, defects, index)));
  return map;
}

function draw({ width, height }: Wafer, defects: Defects, index: number): DeadCores {
  const columns = width + (defects.repair === 'spares' ? defects.spareColumns : 0);
  const dead = new Uint8Array(columns * height);
  const random = seededRandom(defects.seed + index);
  if (defects.rate > 0)
    for (let core = 0; core < dead.length; core++) if (random() < defects.rate) dead[core] = 1;
  for (const { x, y } of placesOf(`${defects.cores ?? ''} ${defects.links ?? ''}`))
    if (x < columns && y < height) dead[y * columns + x] = 1;
  return { columns, dead, count: dead.reduce((sum, one) => sum + one, 0) };
}

/** Reads `12,7 30,1,east`; what follows the coordinates is the reader's to know. */
export function placesOf(text: string): { x: number; y: number }[] {
  return [...text.matchAll(/(\d+),(\d+)/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) }));
}

/** The logical rectangle of a wafer whose rows have moved on to spares. */
export interface Repair {
  /** Physical column of logical core y * width + x. */
  column: Uint16Array;
  /** Rows that have more dead cores than spares, from the north; the rectangle lacks cores there. */
  brokenRows: number[];
}

/** Leads every row of wafer `index` round its dead cores; undefined without spares. */
export function repairOf(wafer: Wafer, index: number): Repair | undefined {
  const map = deadCores(wafer, index);
  if (map === undefined || wafer.defects!.repair !== 'spares') return undefined;
  const { width, height } = wafer;
  const column = new Uint16Array(width * height);
  const brokenRows: number[] = [];
  for (let y = 0; y < height; y++) {
    let x = 0;
    for (let at = 0; at < map.columns && x < width; at++)
      if (!map.dead[y * map.columns + at]) column[y * width + x++] = at;
    if (x < width) brokenRows.push(y);
  }
  return { column, brokenRows };
}

/** Hops that paths along logical rows and columns take beyond the logical ones, of one wafer. */
export interface Detours {
  row: (y: number, x0: number, x1: number) => number;
  column: (x: number, y0: number, y1: number) => number;
}

/** Detours of a repaired wafer; `upTo` sums the longer links of each column from the north. */
export function detoursOf({ column }: Repair, { width, height }: Wafer): Detours {
  const upTo = new Uint32Array(width * height);
  for (let i = width; i < upTo.length; i++)
    upTo[i] = upTo[i - width] + Math.abs(column[i] - column[i - width]);
  return {
    row: (y, x0, x1) =>
      Math.abs(column[y * width + x1] - column[y * width + x0]) - Math.abs(x1 - x0),
    column: (x, y0, y1) => Math.abs(upTo[y1 * width + x] - upTo[y0 * width + x]),
  };
}

/** Hops of each link of a rectangle of logical cores, by core * 4 + port; columns beyond the wafer are ports. */
export function linkHopsOf(
  { column }: Repair,
  wafer: Wafer,
  box: { x0: number; y0: number; width: number; height: number },
): Uint16Array {
  const hops = new Uint16Array(box.width * box.height * 4).fill(1);
  const at = (x: number, y: number) => column[y * wafer.width + x];
  const inside = (x: number, y: number) => x >= 0 && y >= 0 && x < wafer.width && y < wafer.height;
  for (let y = 0; y < box.height; y++)
    for (let x = 0; x < box.width; x++)
      for (let port = 0; port < 4; port++) {
        const [x0, y0] = [box.x0 + x, box.y0 + y];
        const [x1, y1] = [x0 + STEP_X[port as 0], y0 + STEP_Y[port as 0]];
        if (!inside(x0, y0) || !inside(x1, y1)) continue;
        const apart = Math.abs(at(x1, y1) - at(x0, y0));
        hops[(y * box.width + x) * 4 + port] = y1 === y0 ? apart : 1 + apart;
      }
  return hops;
}
