/** A part of a line as a program for the machine: what has an effect on one of its routers (influence.ts), alone. */
import { LINKS } from '../../hardware/mesh.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { NUDGE_WORDS } from '../fast/machine-code.js';
import { columnOf, type Image } from '../fast/tables.js';
import type { LineResult } from '../lines/result.js';
import { imageOfLine } from '../lines/shapes.js';
import { pointersOf } from '../lines/simulate.js';
import type { LineRole, Shape } from '../lines/table.js';
import { colorsOfCore, type Influences } from './influence.js';

export interface LinePart {
  image: Image;
  /** By its own numbers: routers of the line, and bits of the colours that a path can come by. */
  routers: Int32Array;
  onPath: Int32Array;
  /** By its own numbers: when cores start, and pointers at first; and nudges as a line has them. */
  starts: Float64Array;
  pointers: Int32Array;
  nudges: Int32Array;
}

/** A part of a line, with a result of that. */
export function partOfLine(
  shape: Shape,
  result: LineResult,
  { routers, colors, onPath }: Influences,
  fabric: WaferSpec['fabric'],
): LinePart {
  /** By router of the line: one more than its number in the part, or 0. */
  const ownAt = new Int32Array(colors.length);
  let isAll = routers.length === colors.length;
  for (let own = 0; own < routers.length; own++) {
    const router = routers[own];
    ownAt[router] = own + 1;
    if (colors[router] !== shape.colors[router]) isAll = false;
  }
  const starts = new Float64Array(routers.length);
  for (let i = 0; i < shape.actors.length; i++) {
    const own = ownAt[shape.actors[i]];
    if (own > 0) starts[own - 1] = result.starts[i];
  }
  return {
    image: isAll ? shape.image : imageOfPart(shape, routers, colors, fabric),
    ...{ routers, starts },
    onPath: columnOf(onPath, routers),
    pointers: columnOf(pointersOf(shape, result), routers),
    nudges: nudgesOf(result, ownAt),
  };
}

function nudgesOf({ nudges }: LineResult, ownAt: Int32Array): Int32Array {
  const own: number[] = [];
  for (let at = 0; at < nudges.length; at += NUDGE_WORDS) {
    if (ownAt[nudges[at]] > 0) own.push(ownAt[nudges[at]] - 1, nudges[at + 1], nudges[at + 2]);
  }
  return Int32Array.from(own);
}

function imageOfPart(
  { width, height, places, roles, hops, allRoles }: Shape,
  routers: Int32Array,
  colors: Int32Array,
  fabric: WaferSpec['fabric'],
): Image {
  const distinct: LineRole[] = [];
  /** Numbers of roles by the line's own, and by bits of colours. */
  const numbers = new Map<number, Map<number, number>>();
  const own = new Int32Array(routers.length);
  const ownHops = new Uint16Array(hops.length === 0 ? 0 : routers.length * LINKS);
  for (let i = 0; i < routers.length; i++) {
    const [role, some] = [roles[routers[i]], colors[routers[i]]];
    let byColors = numbers.get(role);
    if (byColors === undefined) numbers.set(role, (byColors = new Map<number, number>()));
    let number = byColors.get(some);
    if (number === undefined) {
      number = distinct.push(roleWith(allRoles[role], some)) - 1;
      byColors.set(some, number);
    }
    own[i] = number;
    if (hops.length > 0)
      for (let port = 0; port < LINKS; port++)
        ownHops[i * LINKS + port] = hops[routers[i] * LINKS + port];
  }
  const found = { width, height, places: columnOf(places, routers), hops: ownHops };
  return imageOfLine(found, { distinct, own }, fabric);
}

/** A role with some of its colours: with its core's part too, if that uses one of them. */
function roleWith(role: LineRole, colors: number): LineRole {
  const { part, set } = role;
  const routes = set.routes.filter(({ color }) => ((colors >> color) & 1) === 1);
  const isUsed = (colorsOfCore(role) & colors) !== 0;
  return { ...role, part: isUsed ? part : undefined, set: { ...set, routes } };
}
