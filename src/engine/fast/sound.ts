/**
 * Is a program free of what can be seen to be wrong with it? A quick look at its roles and at the rim
 * of its rectangle; whatever it does not like is left to the reference, which says what it is.
 */
import { EAST, NORTH, SOUTH, WEST } from '../../hardware/mesh.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { sramBytesOf, type Program, type Role, type Route } from '../../program/program.js';
import { timeOf } from '../../program/timing.js';
import { firstUnwritten } from '../checks.js';
import { readsOnlyWritten } from './written.js';

/** Colours that fit a machine word, and the stages of a pipeline that do. */
const BITS = 32;

export function isSound(program: Program, wafer: WaferSpec): boolean {
  return program.roles.every((role) => isSoundRole(role, wafer)) && staysInside(program);
}

function isSoundRole(role: Role, wafer: WaferSpec): boolean {
  const colors = Math.min(BITS, wafer.fabric.colors);
  const known = (color: number) => color < colors;
  return (
    sramBytesOf(role) <= wafer.core.sramBytes &&
    (readsOnlyWritten(role) || firstUnwritten(role) === undefined) &&
    routesOf(role).every(({ color, inputs }) => color >= 0 && known(color) && (inputs & (inputs - 1)) === 0) &&
    role.operations.every((op) => {
      const { source, destination, latency } = timeOf(op, wafer.costs);
      return known(source) && known(destination) && latency <= BITS && latency >= 0;
    })
  );
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
