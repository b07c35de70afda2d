/** Several stages at work on one wafer at the same time, as one program around all of them. */
import {
  isFabric,
  sramBytesOf,
  type Buffer,
  type Destination,
  type Operation,
  type Program,
  type Role,
  type Route,
  type Source,
} from '../program/program.js';
import type { Rectangle } from './hand-off.js';

/** A program, where it lies, and the cycles at which its cores start. */
export interface Part {
  program: Program;
  box: Rectangle;
  /** By the part's own clock, which lags that of all parts by `later` cycles. */
  startAt: Int32Array | Float64Array;
  later: number;
  /** The colours that it has there, by those in its program; others stay. */
  colors: ReadonlyMap<number, number>;
}

export interface Joined {
  program: Program;
  box: Rectangle;
  startAt: Float64Array;
  /** Cores that work for several parts. */
  shared: Map<number, SharedCore>;
}

/** The parts that a core works for, in order, and for all but the last the label with which their work ends. */
export interface SharedCore {
  parts: number[];
  labels: number[];
}

/** Cores at most that work for several parts: each of them has a role of its own. */
const MOST_SHARED = 4096;

/**
 * All parts as one program. Routers pass the wavelets of all parts; a core that works for several does so
 * in the order of the parts, as soon as it is done with the one before. Hops of links are left to the
 * caller. Undefined if too many cores work for several parts.
 */
export function joined(parts: Part[]): Joined | undefined {
  const box = parts.map((part) => part.box).reduce(around);
  const cores = box.width * box.height;
  const sets = new RoleSets(parts);
  const setOf = new Uint32Array(cores);
  const startAt = new Float64Array(cores);
  parts.forEach(({ program, box: own, startAt: starts, later }, p) => {
    program.roleOf.forEach((role, core) => {
      const at = coreIn(box, own, core);
      if (program.roles[role].operations.length > 0 && sets.workersOf(setOf[at]) === 0)
        startAt[at] = starts[core] + later;
      setOf[at] = sets.with(setOf[at], p, role);
    });
  });
  const labels = parts.flatMap(({ program }) => program.labels);
  const shared: Joined['shared'] = new Map();
  const roles: Role[] = [];
  const numbers = new Map<number, number>();
  const roleOf = new Uint32Array(cores);
  for (let at = 0; at < cores; at++) {
    const set = setOf[at];
    const isShared = sets.workersOf(set) > 1;
    let number = isShared ? undefined : numbers.get(set);
    if (number === undefined) {
      number = roles.length;
      const ends = isShared ? sets.sharedCore(set, labels) : undefined;
      if (ends) shared.set(at, ends);
      else numbers.set(set, number);
      if (shared.size > MOST_SHARED) return undefined;
      roles.push(sets.roleOf(set, ends));
    }
    roleOf[at] = number;
  }
  const name = parts.map(({ program }) => program.name).join(' and ');
  const program: Program = { name, width: box.width, height: box.height, roles, roleOf, labels };
  return { program, box, startAt, shared };
}

/** Sets of roles of one core, one of each part at most, numbered; 0 is the empty one. */
class RoleSets {
  private readonly sets: { part: number; role: Role }[][] = [[]];
  private readonly workers: number[] = [0];
  private readonly next = new Map<number, number>();
  private readonly parts: Part[];
  /** By part: the first numbers of its roles and of its labels among those of all parts. */
  private readonly firstRole: number[] = [];
  private readonly firstLabel: number[] = [];
  private readonly radix: number;
  private readonly lists: Map<Operation[], Operation[]>[] = [];

  constructor(parts: Part[]) {
    this.parts = parts;
    let [role, label] = [0, 0];
    for (const { program } of parts) {
      this.firstRole.push(role);
      this.firstLabel.push(label);
      role += program.roles.length;
      label += program.labels.length;
    }
    this.radix = role;
  }

  /** Number of the set with one more role of part `p`. */
  with(set: number, p: number, number: number): number {
    const step = set * this.radix + this.firstRole[p] + number;
    let next = this.next.get(step);
    if (next === undefined) {
      next = this.sets.length;
      const role = this.parts[p].program.roles[number];
      this.sets.push([...this.sets[set], { part: p, role }]);
      this.workers.push(this.workers[set] + (role.operations.length > 0 ? 1 : 0));
      this.next.set(step, next);
    }
    return next;
  }

  /** How many of the roles have operations. */
  workersOf(set: number): number {
    return this.workers[set];
  }

  /** The parts that a core with this set works for, with new labels, which are added to `labels`. */
  sharedCore(set: number, labels: string[]): SharedCore {
    const working = this.sets[set].filter(({ role }) => role.operations.length > 0);
    const own = working.slice(0, -1).map(({ part, role }) => {
      const { program } = this.parts[part];
      return labels.push(program.labels[role.operations.at(-1)!.label]) - 1;
    });
    return { parts: working.map(({ part }) => part), labels: own };
  }

  /** A part's operations with its labels and colours; roles that differ in routes only have one list. */
  private operationsOf(part: number, { operations }: Role, to: (color: number) => number) {
    const lists = (this.lists[part] ??= new Map());
    let list = lists.get(operations);
    if (list === undefined) {
      list = operations.map((op) => moved(op, this.firstLabel[part], to));
      lists.set(operations, list);
    }
    return list;
  }

  /** One role for all of a set's. */
  roleOf(set: number, shared: SharedCore | undefined): Role {
    const routes: Route[] = [];
    let operations: Operation[] = [];
    let largest: Role = { name: 'passage', routes: [], operations: [], buffers: [], codeBytes: 0 };
    for (const { part, role } of this.sets[set]) {
      const { colors } = this.parts[part];
      const to = (color: number) => colors.get(color) ?? color;
      for (const route of role.routes) addRoute(routes, { ...route, color: to(route.color) });
      if (role.operations.length === 0) continue;
      const own = this.operationsOf(part, role, to);
      const end = shared?.labels[shared.parts.indexOf(part)];
      if (shared === undefined) operations = own;
      else {
        operations = operations.concat(own);
        if (end !== undefined) operations.push({ ...operations.pop()!, label: end });
      }
      if (sramBytesOf(role) > sramBytesOf(largest)) largest = role;
    }
    if (this.workers[set] < 2) return { ...largest, routes, operations };
    // What one part has written is there for the next. Tokens of a round are sent from cells of their own.
    const others = this.sets[set].flatMap(({ role }) => role.buffers);
    const buffers = largest.buffers.concat(others.filter((one) => !isWithin(one, largest.buffers)));
    const written = buffers.map((buffer) => ({ ...buffer, preloaded: true }));
    return { ...largest, buffers: written, routes, operations };
  }
}

function isWithin({ at, length }: Buffer, buffers: readonly Buffer[]): boolean {
  return buffers.some((one) => one.at <= at && at + length <= one.at + one.length);
}

/** Parts on one region have the same routes there. */
function addRoute(routes: Route[], route: Route): void {
  const same = routes.find(({ color }) => color === route.color);
  if (same === undefined) routes.push(route);
  else if (same.inputs !== route.inputs || same.outputs !== route.outputs)
    throw new TypeError(`two routes of colour ${route.color} at one router`);
}

/** An operation with labels further on, and with other colours. */
function moved(op: Operation, by: number, to: (color: number) => number): Operation {
  const label = op.label + by;
  if (op.kind === 'route') return { ...op, label, color: to(op.color) };
  if (op.kind !== 'vector') return { ...op, label };
  const recoloured = <T extends Source | Destination>(operand: T): T =>
    isFabric(operand) ? { ...operand, color: to(operand.color) } : operand;
  const { dst, a, b, c } = op;
  return {
    ...op,
    label,
    dst: recoloured(dst),
    a: recoloured(a),
    ...(b && { b: recoloured(b) }),
    ...(c && { c: recoloured(c) }),
  };
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
