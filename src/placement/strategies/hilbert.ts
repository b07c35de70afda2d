/**
 * Regions along a Hilbert curve over the shelves' cells, a cell being as wide as the narrowest region:
 * what is near in the token's path is near on the wafer. The curve for rectangles of any sides is the
 * generalized Hilbert curve ("gilbert") of J. Cerveny, https://github.com/jakubcerveny/gilbert.
 */
import { haveRoom, shelvesOf } from './shelves.js';
import type { Layout, Position, Run, Strategy, Task } from './shelves.js';

export const hilbert: Strategy = (task) => {
  const shelves = shelvesOf(task.runs);
  if (task.widths.length === 0) return { positions: [] };
  const cell = Math.min(...task.widths);
  const wide = Math.max(...task.runs.map((run) => run.x + run.width));
  const columns = Math.max(1, Math.floor(wide / cell));
  const curve = gilbert(columns, shelves.length).map(({ x, y }) => {
    const at = (x + 0.5) * (wide / columns);
    return { column: x, run: nearest(shelves[y], at) };
  });
  return alongCurve(task, curve);
};

interface CurveCell {
  column: number;
  run: Run;
}

/** Each region goes to the next run of the curve that leaves room for all that follow. */
function alongCurve(task: Task, curve: CurveCell[]): Layout | undefined {
  const free = new Map(task.runs.map((run) => [run, { ...run }]));
  const members = new Map<Run, { column: number; part: number }[]>();
  let at = 0;
  for (const [part, width] of task.widths.entries()) {
    const rest = task.widths.slice(part + 1);
    let tried = 0;
    for (; tried < curve.length; tried++) {
      const { run } = curve[(at + tried) % curve.length];
      const left = free.get(run)!;
      if (left.width < width) continue;
      left.width -= width;
      if (haveRoom(rest, [...free.values()])) break;
      left.width += width;
    }
    if (tried === curve.length) return undefined;
    const { run, column } = curve[(at + tried) % curve.length];
    members.set(run, [...(members.get(run) ?? []), { column, part }]);
    at = (at + tried + 1) % curve.length;
  }
  return { positions: sideBySide(task, members) };
}

/** Regions of a run from west to east in the order of the curve's columns. */
function sideBySide(
  { widths }: Task,
  members: Map<Run, { column: number; part: number }[]>,
): Position[] {
  const positions: Position[] = [];
  for (const [run, parts] of members) {
    let x = run.x;
    for (const { part } of parts.sort((a, b) => a.column - b.column)) {
      positions[part] = { x, y: run.y };
      x += widths[part];
    }
  }
  return positions;
}

function nearest(runs: Run[], x: number): Run {
  const away = (run: Run) => Math.max(run.x - x, x - run.x - run.width, 0);
  return runs.reduce((best, run) => (away(run) < away(best) ? run : best));
}

/** Cells of a rectangle in the order of the curve; neighbours touch (at a corner if sides are odd). */
export function gilbert(width: number, height: number): { x: number; y: number }[] {
  const cells: { x: number; y: number }[] = [];
  if (width >= height) walk(cells, 0, 0, width, 0, 0, height);
  else walk(cells, 0, 0, 0, height, width, 0);
  return cells;
}

/** From (x, y) a rectangle with the main side (ax, ay) and the other side (bx, by). */
function walk(
  cells: { x: number; y: number }[],
  x: number,
  y: number,
  ax: number,
  ay: number,
  bx: number,
  by: number,
): void {
  const long = Math.abs(ax + ay);
  const short = Math.abs(bx + by);
  const [dax, day, dbx, dby] = [Math.sign(ax), Math.sign(ay), Math.sign(bx), Math.sign(by)];
  if (short === 1 || long === 1) {
    const [sx, sy, n] = short === 1 ? [dax, day, long] : [dbx, dby, short];
    for (let i = 0; i < n; i++) cells.push({ x: x + i * sx, y: y + i * sy });
    return;
  }
  let [ax2, ay2, bx2, by2] = [ax, ay, bx, by].map((side) => Math.trunc(side / 2)) as [
    number,
    number,
    number,
    number,
  ];
  const half = Math.abs(ax2 + ay2);
  if (2 * long > 3 * short) {
    if (half % 2 === 1 && long > 2) [ax2, ay2] = [ax2 + dax, ay2 + day];
    walk(cells, x, y, ax2, ay2, bx, by);
    walk(cells, x + ax2, y + ay2, ax - ax2, ay - ay2, bx, by);
    return;
  }
  if (Math.abs(bx2 + by2) % 2 === 1 && short > 2) [bx2, by2] = [bx2 + dbx, by2 + dby];
  walk(cells, x, y, bx2, by2, ax2, ay2);
  walk(cells, x + bx2, y + by2, ax, ay, bx - bx2, by - by2);
  walk(
    cells,
    x + (ax - dax) + (bx2 - dbx),
    y + (ay - day) + (by2 - dby),
    -bx2,
    -by2,
    -(ax - ax2),
    -(ay - ay2),
  );
}
