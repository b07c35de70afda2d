/**
 * Is a program free of what can be seen to be wrong with it? A quick look at its roles and at the rim
 * of its rectangle; whatever it does not like is left to the reference, which says what it is.
 */
import { EAST, NORTH, SOUTH, WEST } from '../../hardware/mesh.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { isFabric, sramBytesOf } from '../../program/program.js';
import type { Operation, Program, Role, Route } from '../../program/program.js';
import { firstUnwritten } from '../checks.js';
import { readsOnlyWritten } from './written.js';

/** Colours that fit a machine word. */
const COLORS = 32;

/** Stages of a pipeline that do. */
const STAGES = 32;

export function isSound(program: Program, wafer: WaferSpec): boolean {
  const { f16, f32 } = wafer.costs.latency;
  if (!(Math.max(f16, f32) <= STAGES && Math.min(f16, f32) >= 1)) return false;
  return program.roles.every((role) => isSoundRole(role, wafer)) && staysInside(program);
}

function isSoundRole(role: Role, wafer: WaferSpec): boolean {
  const colors = Math.min(COLORS, wafer.fabric.colors);
  const known = (color: number) => color < colors;
  return (
    sramBytesOf(role) <= wafer.core.sramBytes &&
    (readsOnlyWritten(role) || firstUnwritten(role) === undefined) &&
    routesOf(role).every(
      ({ color, inputs }) => color >= 0 && known(color) && (inputs & (inputs - 1)) === 0,
    ) &&
    role.operations.every((op) => knowsColors(op, known))
  );
}

function knowsColors(op: Operation, known: (color: number) => boolean): boolean {
  if (op.kind === 'traffic') return known(op.color) && known(op.receive);
  if (op.kind !== 'vector') return true;
  return [op.dst, op.a, op.b, op.c].every((x) => !isFabric(x) || (x.color >= 0 && known(x.color)));
}

/** A role's first routes and those it changes to. */
function routesOf(role: Role): Route[] {
  return [...role.routes, ...role.operations.filter((op) => op.kind === 'route')];
}

function staysInside({ roles, roleOf, width, height }: Program): boolean {
  const links = roles.map((role) => routesOf(role).reduce((mask, r) => mask | r.outputs, 0));
  for (let x = 0; x < width; x++) {
    if ((links[roleOf[x]] >> NORTH) & 1) return false;
    if ((links[roleOf[(height - 1) * width + x]] >> SOUTH) & 1) return false;
  }
  for (let y = 0; y < height; y++) {
    if ((links[roleOf[y * width]] >> WEST) & 1) return false;
    if ((links[roleOf[y * width + width - 1]] >> EAST) & 1) return false;
  }
  return true;
}
