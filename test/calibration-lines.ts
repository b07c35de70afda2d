/**
 * A published WaferLLM layer in a second instead of a minute. Its cores' times separate: a core (x,
 * y) is at a(y) + b(x), since every reduction along y adds the same to all columns and every one
 * along x the same to all rows. So one column and one row, all-reduce by all-reduce, give them all.
 * The test that uses this holds it against whole layers.
 */
import { fast } from '../src/engine/fast/fast.js';
import type { WaferSpec } from '../src/hardware/wafer.js';
import type { Operation, Program, Role } from '../src/program/program.js';
import { isFabric } from '../src/program/program.js';
import { widthOf } from '../src/mapping/waferllm-shape.js';
import { timeOf } from '../src/program/timing.js';
import { lowerWaferllmLayer } from '../src/lowering/waferllm.js';
import type { WaferllmOptions } from '../src/mapping/waferllm-shape.js';

const AXES = ['y', 'y', 'x', 'y', 'y', 'y', 'x', 'y', 'y', 'x'] as const;

/** Axes of a layer's all-reduces; with norms of heads there is one more. */
function axesOf({ qkNorm }: WaferllmOptions): readonly ('x' | 'y')[] {
  return qkNorm ? [...AXES.slice(0, 2), 'x', ...AXES.slice(2)] : AXES;
}

/** Cycles of a layer that is not exact: all cores do the same between two all-reduces. */
export function cyclesByLines(o: WaferllmOptions, wafer: WaferSpec): number {
  const axes = axesOf(o);
  const program = lowerWaferllmLayer(o, wafer);
  const { local, reductions } = split(roleAt(program, 0), wafer);
  if (reductions.length !== axes.length) throw new Error(`${reductions.length} all-reduces`);
  const ends: Record<'x' | 'y', Float64Array> = {
    x: new Float64Array(widthOf(o)),
    y: new Float64Array(o.P),
  };
  ends.y.fill(wafer.costs.programStart);
  axes.forEach((axis, i) => {
    const starts = ends[axis].map((end) => end + local[i]);
    const line = lineOf(program, axis, i, wafer);
    ends[axis] = fast({ program: line, wafer: started(wafer), startAt: starts }).end;
  });
  return Math.max(...ends.x) + Math.max(...ends.y) + local[axes.length];
}

function started(wafer: WaferSpec): WaferSpec {
  return { ...wafer, costs: { ...wafer.costs, programStart: 0 } };
}

function roleAt(program: Program, core: number): Role {
  return program.roles[program.roleOf[core]];
}

function streams(op: Operation): boolean {
  return op.kind === 'vector' && [op.dst, op.a, op.b, op.c].some(isFabric);
}

/** Cycles before, between and after the all-reduces of a core, and their operations. */
function split(role: Role, wafer: WaferSpec): { local: number[]; reductions: Operation[][] } {
  const local = [0];
  const reductions: Operation[][] = [];
  role.operations.forEach((op, i) => {
    const { setup, cycles } = timeOf(op, wafer.costs);
    if (!streams(op)) local[reductions.length] += setup + cycles;
    else if (i > 0 && streams(role.operations[i - 1])) reductions[reductions.length - 1].push(op);
    else {
      reductions.push([op]);
      local.push(0);
    }
  });
  return { local, reductions };
}

/** The i-th all-reduce alone, on column 0 or row 0; what it reads was written before it. */
function lineOf(program: Program, axis: 'x' | 'y', i: number, wafer: WaferSpec): Program {
  const cores = Array.from({ length: program[axis === 'x' ? 'width' : 'height'] }, (_, at) =>
    roleAt(program, axis === 'x' ? at : at * program.width),
  );
  const [width, height] = axis === 'x' ? [cores.length, 1] : [1, cores.length];
  return {
    ...program,
    width,
    height,
    roles: cores.map((role) => ({
      ...role,
      routes: routesBefore(role, i),
      buffers: role.buffers.map((buffer) => ({ ...buffer, preloaded: true })),
      operations: split(role, wafer).reductions[i],
    })),
    roleOf: Uint16Array.from(cores, (_, at) => at),
  };
}

/** The routes of a role as its i-th all-reduce finds them. */
function routesBefore(role: Role, i: number): Role['routes'] {
  const routes = new Map(role.routes.map((route) => [route.color, route]));
  let reductions = 0;
  role.operations.some((op, at) => {
    if (op.kind === 'route') routes.set(op.color, op);
    if (streams(op) && !(at > 0 && streams(role.operations[at - 1]))) reductions++;
    return reductions > i;
  });
  return [...routes.values()].filter(({ inputs }) => inputs !== 0);
}
