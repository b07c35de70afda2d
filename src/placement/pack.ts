/** Packing a model's regions, of known sizes, onto one wafer after the other, each laid out alone. */
import { deadCores, detoursOf, repairOf, type DeadCores } from '../hardware/defects.js';
import { seededRandom } from '../numeric/random.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import { handOffCosts } from './hand-off-cost.js';
import { anneal } from './strategies/anneal.js';
import { greedy } from './strategies/greedy.js';
import { hilbert } from './strategies/hilbert.js';
import { optimal } from './strategies/optimal.js';
import { costOf, fill, haveRoom, rowMajor, snake, widestFirst } from './strategies/shelves.js';
import type { Position, Run, Strategy, Task } from './strategies/shelves.js';

export const STRATEGIES: Record<string, Strategy> = {
  'row-major': rowMajor,
  snake,
  hilbert,
  greedy,
  anneal,
  optimal,
};

/** The strategy of that name; throws RangeError if there is none. */
export function strategyOf(name: string): Strategy {
  const strategy = STRATEGIES[name];
  if (strategy) return strategy;
  const known = Object.keys(STRATEGIES).join(', ');
  throw new RangeError(`placement.strategy: expected one of ${known}, found '${name}'`);
}

/** Shelves of `rows` rows on wafer `index`, cut where a column has a dead core that has no spare. */
export function runsOf(wafer: WaferSpec, rows: number, index: number): Run[] {
  const shelves = Math.floor(wafer.height / rows);
  const whole = Array.from({ length: shelves }, (_, i): Run => {
    return { x: 0, y: i * rows, width: wafer.width };
  });
  const map = wafer.defects?.repair === 'avoid' ? deadCores(wafer, index) : undefined;
  if (map === undefined) return whole;
  let known = cutShelves.get(map);
  if (known === undefined) cutShelves.set(map, (known = new Map<number, Run[]>()));
  let runs = known.get(rows);
  if (runs === undefined) known.set(rows, (runs = between(map, whole, rows, wafer)));
  return runs;
}

/** Runs of wafers with dead cores by shelf height: the search for sizes asks for them again and again. */
const cutShelves = new WeakMap<DeadCores, Map<number, Run[]>>();

function between(map: DeadCores, shelves: Run[], rows: number, { width }: WaferSpec): Run[] {
  const above = deadAbove(map);
  return shelves.flatMap((shelf) => {
    const [first, past] = [shelf.y * map.columns, (shelf.y + rows) * map.columns];
    const blocked = Uint8Array.from({ length: width }, (_, x) =>
      above[past + x] > above[first + x] ? 1 : 0,
    );
    return freeStretches(shelf, blocked);
  });
}

const counted = new WeakMap<DeadCores, Uint32Array>();

/** Dead cores above each core in its column; one row more has those of whole columns. */
function deadAbove(map: DeadCores): Uint32Array {
  let above = counted.get(map);
  if (above !== undefined) return above;
  const { columns, dead } = map;
  above = new Uint32Array(dead.length + columns);
  for (let core = 0; core < dead.length; core++) above[core + columns] = above[core] + dead[core];
  counted.set(map, above);
  return above;
}

function freeStretches(shelf: Run, blocked: Uint8Array): Run[] {
  const free: Run[] = [];
  for (let x = 0; x < blocked.length; x++) {
    if (blocked[x]) continue;
    const first = x;
    while (x < blocked.length && !blocked[x]) x++;
    free.push({ x: first, y: shelf.y, width: x - first });
  }
  return free;
}

/**
 * How many of the regions, in their order, each wafer takes when its runs are filled one after the
 * other; undefined if they need more than `wafers` wafers of this kind.
 */
export function cut(
  widths: readonly number[],
  rows: number,
  wafer: WaferSpec,
  wafers: number,
): number[] | undefined {
  return cutWith(widths, wafers, (left, of) => fill(left, runsOf(wafer, rows, of)).length);
}

/**
 * The same where a wafer's regions may lie on any of its runs: as many, in their order, as first-fit finds room for,
 * the widest first. It needs no more wafers than filling does, and fewer where a wide region would leave most of a
 * run empty.
 */
export function cutAnywhere(
  widths: readonly number[],
  rows: number,
  wafer: WaferSpec,
  wafers: number,
): number[] | undefined {
  const room = wafers * wafer.width * Math.floor(wafer.height / rows);
  if (widths.reduce((sum, width) => sum + width, 0) > room) return undefined;
  return cutWith(widths, wafers, (left, of) => {
    const runs = runsOf(wafer, rows, of);
    let laid = fill(left, runs).length;
    while (laid < left.length && haveRoom(left.slice(0, laid + 1), runs)) laid++;
    return laid;
  });
}

/** @param most how many of the regions that are left a wafer takes, by its number */
function cutWith(
  widths: readonly number[],
  wafers: number,
  most: (left: readonly number[], of: number) => number,
): number[] | undefined {
  const counts: number[] = [];
  for (let done = 0; done < widths.length;) {
    if (counts.length === wafers) return undefined;
    const laid = most(widths.slice(done), counts.length);
    if (laid === 0) return undefined;
    counts.push(laid);
    done += laid;
  }
  return counts;
}

export type Cutting = typeof cut;

/** Each where those before it take more wafers than there are. */
export const CUTS: readonly Cutting[] = [cut, cutAnywhere];

/** How many of the regions, in their order, each wafer takes, however they are cut; undefined if these are too few. */
export function shareOut(...asked: Parameters<Cutting>): number[] | undefined {
  return cut(...asked) ?? cutAnywhere(...asked);
}

/** Regions to lay: their widths, and words of each row that each receives if not all as many. */
export type Laid = Pick<Task, 'widths' | 'words'>;

/** What a search may be given: its randomness, by default of a fixed seed, and a listener to its progress. */
export interface Search {
  /** Next number of a seeded generator, from 0 (included) to 1. */
  random?: (() => number) | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface Packing {
  positions: (Position & { wafer: number })[];
  /** Estimated cycles of all hand-offs and the path back, and what they cost at least, if proved. */
  handOffCycles: number;
  bound?: number;
}

/**
 * Lays regions of these widths on their wafers; one where a strategy finds no room is laid row-major, or where that
 * finds none, wherever there is.
 */
export function pack(
  model: ModelSpec,
  { widths, words }: Laid,
  rows: number,
  wafer: WaferSpec,
  counts: readonly number[],
  strategy: Strategy,
  search: Search = {},
): Packing {
  const packing: Packing = { positions: [], handOffCycles: 0 };
  const random = search.random ?? seededRandom(1);
  const bounds: (number | undefined)[] = [];
  for (const [index, count] of counts.entries()) {
    const first = packing.positions.length;
    const of = { index, wafers: counts.length };
    const repair = repairOf(wafer, index);
    const detours = repair && detoursOf(repair, wafer);
    const task: Task = {
      widths: widths.slice(first, first + count),
      words: words?.slice(first, first + count),
      runs: runsOf(wafer, rows, index),
      ...handOffCosts(model, wafer, rows, of, detours),
      random,
      onProgress: search.onProgress,
    };
    const { positions, bound } =
      strategy(task) ?? rowMajor(task) ?? greedy(task) ?? widestFirst(task)!;
    for (const { x, y } of positions) packing.positions.push({ wafer: index, x, y });
    packing.handOffCycles += costOf(task, positions);
    bounds.push(bound);
  }
  const proved = bounds.every((bound) => bound !== undefined);
  return proved ? { ...packing, bound: bounds.reduce((a, b) => a + b, 0) } : packing;
}
