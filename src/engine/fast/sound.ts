/**
 * Is a program free of errors that show before it runs? A quick look at its roles and at the rim of its
 * rectangle; a program that does not pass is left to the reference, which reports what is wrong.
 */
import { EAST, NORTH, SOUTH, WEST } from '../../hardware/mesh.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { readsOnlyWritten } from '../../program/reads-written.js';
import { cellsOf, colorsOf, outputsOf, sramBytesOf } from '../../program/program.js';
import type { MemoryOperation, Operation, Program, Role } from '../../program/program.js';
import type { Route, Setting } from '../../program/program.js';
import { areKept } from './operations.js';
import { checkForm, checkSwitches, firstUnwritten } from '../checks.js';

/** Colours that fit a machine word. */
const COLORS = 32;

/** Stages of a pipeline that fit one. */
const STAGES = 32;

export function isSound(program: Program, wafer: WaferSpec): boolean {
  const { f16, f32 } = wafer.costs.latency;
  if (!(Math.max(f16, f32) <= STAGES && Math.min(f16, f32) >= 1)) return false;
  const { sramBytes } = wafer.core;
  const colors = Math.min(COLORS, wafer.fabric.colors);
  const before = soundPrograms.get(program);
  if (before?.sramBytes === sramBytes && before.colors === colors) return true;
  const isSoundOne = isSoundWithin(program, wafer, colors);
  if (isSoundOne && areKept(program)) soundPrograms.set(program, { sramBytes, colors });
  return isSoundOne;
}

/** With what programs are sound: costs, which differ from wafer to wafer, have no part in it. */
const soundPrograms = new WeakMap<Program, Limits>();

function isSoundWithin(program: Program, wafer: WaferSpec, colors: number): boolean {
  const bodies = bodiesOf(program);
  const room = new Uint8Array(bodies.reduce((most, role) => Math.max(most, cellsOf(role)), 0));
  const seen: Seen = { room, sound: new Set() };
  const isKept = areKept(program);
  for (let i = 0; i < bodies.length; i++)
    if (!isSoundBody(bodies[i], wafer, colors, isKept, seen)) return false;
  return haveSoundRoutes(program, colors) && staysInside(program);
}

/** Many roles have one list of routes, and differ in operations. */
function haveSoundRoutes({ roles }: Program, colors: number): boolean {
  const seen = new Set<Route[]>();
  for (let i = 0; i < roles.length; i++) {
    const { routes } = roles[i];
    if (seen.has(routes)) continue;
    if (!hasSoundRoutes(roles[i], colors)) return false;
    // What marks wavelets for a switch may differ.
    if (!hasSwitch(routes)) seen.add(routes);
  }
  return true;
}

function hasSwitch(routes: readonly Route[]): boolean {
  for (let i = 0; i < routes.length; i++) if (routes[i].positions !== undefined) return true;
  return false;
}

function hasSoundRoutes(role: Role, colors: number): boolean {
  const { routes } = role;
  for (let i = 0; i < routes.length; i++) if (!isSoundRoute(routes[i], colors)) return false;
  if (!hasSwitch(routes)) return true;
  const more = routes.flatMap(({ positions }) => positions ?? []);
  return more.every(isSoundSetting) && checkSwitches(role).length === 0;
}

/** One role for each list of operations, buffers and code: most roles differ in routes only. */
function bodiesOf({ roles }: Program): Role[] {
  const seen = new Map<Operation[], Role[]>();
  const bodies: Role[] = [];
  for (let i = 0; i < roles.length; i++) {
    const role = roles[i];
    const same = seen.get(role.operations);
    if (same === undefined) seen.set(role.operations, [role]);
    else if (same.some((one) => isSameBody(one, role))) continue;
    else same.push(role);
    bodies.push(role);
  }
  return bodies;
}

/** Of one list of operations. */
function isSameBody(a: Role, b: Role): boolean {
  return a.buffers === b.buffers && a.codeBytes === b.codeBytes;
}

/** By operations: with what they are sound. Several programs may have a list. */
const sound = new WeakMap<Operation[], Pick<Role, 'buffers' | 'codeBytes'> & Limits>();

interface Limits {
  sramBytes: number;
  colors: number;
}

function isSoundBody(
  role: Role,
  wafer: WaferSpec,
  colors: number,
  isKept: boolean,
  seen: Seen,
): boolean {
  const { operations, buffers, codeBytes } = role;
  const { sramBytes } = wafer.core;
  const known = isKept ? sound.get(operations) : undefined;
  if (
    known?.buffers === buffers &&
    known.codeBytes === codeBytes &&
    known.sramBytes === sramBytes &&
    known.colors === colors
  )
    return true;
  const isSoundOne =
    sramBytesOf(role) <= sramBytes &&
    (readsOnlyWritten(role, seen.room) || firstUnwritten(role) === undefined) &&
    areSound(operations, colors, seen);
  if (isSoundOne && isKept) sound.set(operations, { buffers, codeBytes, sramBytes, colors });
  return isSoundOne;
}

/** What is known of a program's operations, of which many roles have the same; and room for a core's cells. */
interface Seen {
  room: Uint8Array;
  sound: Set<Operation>;
}

function areSound(operations: Operation[], colors: number, { sound }: Seen): boolean {
  for (let i = 0; i < operations.length; i++) {
    if (sound.has(operations[i])) continue;
    if (!isSoundOperation(operations[i], colors)) return false;
    sound.add(operations[i]);
  }
  return true;
}

function isSoundOperation(op: Operation, colors: number): boolean {
  if (checkForm(op).length > 0) return false;
  if (!colorsOf(op).every((color) => color >= 0 && color < colors)) return false;
  switch (op.kind) {
    // Wavelets of one operation are counted in 32 bits.
    case 'vector':
      return op.length < 2 ** 31;
    case 'traffic':
      return op.expect < 2 ** 31;
    case 'route':
      return isSoundRoute(op, colors);
    default:
      op satisfies MemoryOperation;
      return true;
  }
}

function isSoundRoute(route: Route, colors: number): boolean {
  return route.color >= 0 && route.color < colors && isSoundSetting(route);
}

function isSoundSetting({ inputs }: Setting): boolean {
  return (inputs & (inputs - 1)) === 0;
}

/** Bits of the ports over which each role sends, now or after a change of route. */
export function sendsTo(roles: Role[]): number[] {
  const changes = new Map<Operation[], number>();
  return roles.map((role) => sentTo(role, changes));
}

/** @param changes by operations what they change routes to, so far */
function sentTo({ routes, operations }: Role, changes: Map<Operation[], number>): number {
  let mask = changes.get(operations);
  if (mask === undefined) {
    mask = 0;
    for (let i = 0; i < operations.length; i++) {
      const op = operations[i];
      if (op.kind === 'route') mask |= op.outputs;
    }
    changes.set(operations, mask);
  }
  for (let i = 0; i < routes.length; i++) mask |= outputsOf(routes[i]);
  return mask;
}

/** Does no core at the rim send over it? Few roles are there. */
function staysInside({ roles, roleOf, width, height }: Program): boolean {
  const changes = new Map<Operation[], number>();
  const links = new Int8Array(roles.length).fill(-1);
  const sends = (core: number, port: number) => {
    const role = roleOf[core];
    if (links[role] < 0) links[role] = sentTo(roles[role], changes);
    return ((links[role] >> port) & 1) === 1;
  };
  for (let x = 0; x < width; x++)
    if (sends(x, NORTH) || sends((height - 1) * width + x, SOUTH)) return false;
  for (let y = 0; y < height; y++)
    if (sends(y * width, WEST) || sends(y * width + width - 1, EAST)) return false;
  return true;
}
