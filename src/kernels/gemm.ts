/**
 * Products of matrices C = A B on a square of cores, each with a tile of all three: MeshGEMM (WaferLLM, OSDI
 * 2025), Cannon's algorithm on the plain ring, and SUMMA (van de Geijn and Watts, 1997). In as many steps as the
 * square has rows, tiles of A move along the rows and tiles of B along the columns, and each core adds the
 * product of those that it has to its tile of C.
 *
 * The shifting forms first turn the rows of A: row y by its position in the ring. B comes turned alike, column by
 * column (`firstTileOfB`), as in the published program, which also shifts once more after the last product.
 * SUMMA needs no turning: in step k column k sends its tile of A along the rows and row k its tile of B along
 * the columns.
 */
import { align, meshRoutes, shiftAndMultiply, type Mesh, type Tile } from './mesh-shifts.js';
import { ringOf } from './ring.js';
import { PORT, type Axis } from './collectives.js';
import type { Side } from './line.js';
import { addBuffer, append, appendOnce, assemble, matmul, route } from '../program/builder.js';
import { exchange } from '../program/exchange.js';
import type { CoreCode, FloatType, WaferSpec, Written } from '../program/builder.js';
import type { Passed, Program, Route } from '../program/program.js';

export const GEMM_ALGORITHMS = ['mesh', 'cannon', 'summa'] as const;

export interface GemmOptions {
  algorithm: (typeof GEMM_ALGORITHMS)[number];
  /** A has m rows and k columns, B k rows and n columns. */
  m: number;
  k: number;
  n: number;
  /** Cores along each side. */
  side: number;
  dtype: FloatType;
  /** How often the product of a step is done: 0 to time communication alone, 1 for the right result. */
  localRepeats: number;
}

const LABELS = ['align', 'clear', 'steps'];

/** Sizes of a core's tiles, and where they lie. */
interface Tiles {
  rows: number;
  inner: number;
  columns: number;
  a: Tile;
  b: Tile;
  c: number;
}

/**
 * The program; per core buffers `a` (its tile by columns: ceil(k/side) columns of ceil(m/side)), `b` (by rows:
 * ceil(k/side) rows of ceil(n/side)) and `c` (by columns). Tiles are padded up; the padding must hold zeros.
 */
export function gemm(o: GemmOptions, wafer: WaferSpec): Program {
  return o.algorithm === 'summa' ? summa(o, wafer) : shifting(o, wafer);
}

/** The row of tiles of B from which the core at (x, y) has its first one. */
export function firstTileOfB({ algorithm, side }: GemmOptions, x: number, y: number): number {
  if (algorithm === 'summa') return y;
  const { order, position } = ringOf(side, formOf(algorithm));
  return order[(position[x] + position[y]) % side];
}

function formOf(algorithm: 'mesh' | 'cannon') {
  return algorithm === 'mesh' ? 'interleaved' : 'plain';
}

function tilesOf(core: CoreCode, { m, k, n, side, dtype }: GemmOptions): Tiles {
  const [rows, inner, columns] = [m, k, n].map((size) => Math.ceil(size / side));
  const [ofA, ofB] = [rows * inner, inner * columns];
  const a = addBuffer(core, 'a', dtype, ofA, true);
  const b = addBuffer(core, 'b', dtype, ofB, true);
  const c = addBuffer(core, 'c', dtype, rows * columns);
  const spareA = addBuffer(core, 'spareA', dtype, ofA);
  const spareB = addBuffer(core, 'spareB', dtype, ofB);
  const tile = (length: number, now: number, next: number) => ({ length, now, next });
  return { rows, inner, columns, a: tile(ofA, a, spareA), b: tile(ofB, b, spareB), c };
}

function clear(core: CoreCode, { rows: length, columns, ...at }: Tiles, o: GemmOptions): void {
  core.label = LABELS.indexOf('clear');
  const [a, b] = [at.a.now, at.b.now];
  matmul(core, { type: o.dtype, length, inner: 0, columns, a, b, c: at.c, clears: true });
}

/** Adds the product of the tiles at `a` and `b` to the core's tile of C. */
function addProduct(core: CoreCode, tiles: Tiles, a: number, b: number, o: GemmOptions): void {
  const { rows: length, inner, columns, c } = tiles;
  const repeat = o.localRepeats;
  matmul(core, { type: o.dtype, length, inner, columns, a, b, c, repeat });
}

function shifting(o: GemmOptions, wafer: WaferSpec): Program {
  const { side, dtype: type } = o;
  const { setup } = wafer.costs.transfer;
  const ring = ringOf(side, formOf(o.algorithm as 'mesh' | 'cannon'));
  const name = `gemm ${o.algorithm}`;
  const { program, station } = assemble(name, side, side, LABELS, wafer.core.codeBytes.stack);
  const keys = ring.forward.map((at, i) => JSON.stringify([at, ring.reverse[i]]));
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const write = (core: CoreCode) => writeShifts(core, { ring, x, y, type, color: 0, setup }, o);
      const key = `${keys[x]} ${keys[y]} ${ring.position[y]}`;
      station(y * side + x, `core (${x}, ${y})`, write, key);
    }
  return program;
}

function writeShifts(core: CoreCode, mesh: Mesh, o: GemmOptions): void {
  core.routes = meshRoutes(mesh, ['x']);
  const tiles = tilesOf(core, o);
  core.label = LABELS.indexOf('align');
  align(core, mesh, 'x', tiles.a);
  clear(core, tiles, o);
  core.label = LABELS.indexOf('steps');
  shiftAndMultiply(core, mesh, tiles.a, tiles.b, (a, b) => addProduct(core, tiles, a, b, o));
}

/** Two colours for each axis, by turns: a router has the next root's route before this one's is over. */
const ROOTS = 2;

function summa(o: GemmOptions, wafer: WaferSpec): Program {
  const { side } = o;
  const { setup } = wafer.costs.transfer;
  const { program, station } = assemble(
    'gemm summa',
    side,
    side,
    LABELS,
    wafer.core.codeBytes.stack,
  );
  // What cores do in a step depends on whether they are its roots alone.
  const known: Written = new Map();
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      station(y * side + x, `core (${x}, ${y})`, (core) =>
        writeSumma(core, [x, y], o, setup, known),
      );
  return program;
}

function writeSumma(
  core: CoreCode,
  place: [x: number, y: number],
  o: GemmOptions,
  setup: number,
  known: Written,
): void {
  const { side } = o;
  const tiles = tilesOf(core, o);
  const { a, b } = tiles;
  clear(core, tiles, o);
  core.label = LABELS.indexOf('steps');
  const lines = [
    { axis: 'x' as const, at: place[0], color: 0, tile: a },
    { axis: 'y' as const, at: place[1], color: ROOTS, tile: b },
  ];
  const now = new Map<number, Route>();
  for (let root = 0; root < side; root++) {
    const sends: Passed[] = [];
    const takes: Passed[] = [];
    const used = lines.map(({ axis, at, color, tile }) => {
      const wanted = multicast(axis, at, root, side, color + (root % ROOTS));
      if (side === 1) return tile.now;
      if (root < ROOTS) core.routes.push(wanted);
      else if (changes(now.get(wanted.color)!, wanted)) append(core, { kind: 'route', ...wanted });
      now.set(wanted.color, wanted);
      const from = at === root ? tile.now : tile.next;
      (at === root ? sends : takes).push({ color: wanted.color, at: from, length: tile.length });
      return from;
    });
    const roots = lines.map(({ at }) => at === root);
    appendOnce(core, known, `${root % ROOTS} ${roots.join()}`, () => {
      if (side > 1) exchange(core, o.dtype, { sends, takes, setup });
      addProduct(core, tiles, used[0], used[1], o);
    });
  }
}

function changes(before: Route, { inputs, outputs }: Route): boolean {
  return before.inputs !== inputs || before.outputs !== outputs;
}

/** The route at core `at` of a line of what core `root` sends to all others. */
function multicast(axis: Axis, at: number, root: number, length: number, color: number): Route {
  const port = PORT[axis];
  const to: Side[] = at === root ? [] : ['core'];
  if (at <= root && at > 0) to.push('back');
  if (at >= root && at < length - 1) to.push('ahead');
  const from = at === root ? 'core' : at < root ? 'ahead' : 'back';
  return route(color, port[from], ...to.map((side) => port[side]));
}
