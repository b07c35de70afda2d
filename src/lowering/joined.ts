/** Two programs at work on one wafer at the same time, as one program around both. */
import type { Program, Role } from '../program/program.js';
import type { Rectangle } from './hand-off.js';

/** A program, where it lies, and the cycles at which its cores start. */
export interface Placed {
  program: Program;
  box: Rectangle;
  startAt: Float64Array;
}

export interface Joined extends Placed {
  /** Cycles by which the second one's clock lags that of both. */
  later: number;
}

/**
 * Both programs as one, each on cores of its own, whose routers pass the wavelets of both; undefined if a
 * core would have to work for both. Hops of links are left to the caller.
 * @param later cycles by which the second one's clock lags
 */
export function joined(a: Placed, b: Placed, later: number): Joined | undefined {
  const box = around(a.box, b.box);
  const cores = box.width * box.height;
  const labels = [...a.program.labels, ...b.program.labels];
  const roles: Role[] = [];
  const roleOf = new Uint16Array(cores);
  const startAt = new Float64Array(cores);
  const known = new Map<number, number>();
  const idle: Role = { name: 'passage', routes: [], operations: [], buffers: [], codeBytes: 0 };
  const seconds = b.program.roles.map((role) => relabelled(role, a.program.labels.length));
  for (let core = 0; core < cores; core++) {
    const [inA, inB] = [coreIn(a.box, box, core), coreIn(b.box, box, core)];
    const [numberA, numberB] = [
      inA < 0 ? -1 : a.program.roleOf[inA],
      inB < 0 ? -1 : b.program.roleOf[inB],
    ];
    const pair = (numberA + 1) * (seconds.length + 1) + numberB + 1;
    let number = known.get(pair);
    if (number === undefined) {
      const [roleA, roleB] = [a.program.roles[numberA] ?? idle, seconds[numberB] ?? idle];
      if (roleA.operations.length > 0 && roleB.operations.length > 0) return undefined;
      number = roles.length;
      known.set(pair, number);
      const works = roleB.operations.length > 0 ? roleB : roleA;
      roles.push({ ...works, routes: [...roleA.routes, ...roleB.routes] });
    }
    if (number > 65535) throw new RangeError('more than 65536 roles');
    roleOf[core] = number;
    if ((seconds[numberB] ?? idle).operations.length > 0) startAt[core] = b.startAt[inB] + later;
    else if (inA >= 0) startAt[core] = a.startAt[inA];
  }
  const name = `${a.program.name} and ${b.program.name}`;
  const program: Program = { name, width: box.width, height: box.height, roles, roleOf, labels };
  return { program, box, startAt, later };
}

/**
 * How much later the cores of two programs are done if they run as one: the most of each, added up.
 * @param together ends of the cores of both
 * @param alone ends of each one's cores when it ran alone, by its own clock
 */
export function cyclesLater(
  { box, later }: Pick<Joined, 'box' | 'later'>,
  together: Float64Array,
  parts: Placed[],
  alone: Float64Array[],
): number {
  let sum = 0;
  for (const [i, part] of parts.entries()) {
    const { roles, roleOf } = part.program;
    const lag = i === 0 ? 0 : later;
    let most = 0;
    for (let core = 0; core < roleOf.length; core++) {
      if (roles[roleOf[core]].operations.length === 0) continue;
      const end = together[coreIn(box, part.box, core)] - lag;
      most = Math.max(most, end - alone[i][core]);
    }
    sum += most;
  }
  return sum;
}

function relabelled(role: Role, by: number): Role {
  return { ...role, operations: role.operations.map((op) => ({ ...op, label: op.label + by })) };
}

/** The smallest rectangle around two. */
export function around(a: Rectangle, b: Rectangle): Rectangle {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const width = Math.max(a.x + a.width, b.x + b.width) - x;
  return { x, y, width, height: Math.max(a.y + a.height, b.y + b.height) - y };
}

/** Number in rectangle `to` of a core of rectangle `from`; -1 if it is outside. */
export function coreIn(to: Rectangle, from: Rectangle, core: number): number {
  const x = from.x - to.x + (core % from.width);
  const y = from.y - to.y + Math.floor(core / from.width);
  return x < 0 || y < 0 || x >= to.width || y >= to.height ? -1 : y * to.width + x;
}
