/** Classes of a program's roles: those that have the same list of operations, and the same routes of some colours. */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Program, Route } from '../../program/program.js';
import { OP, OP_WORDS, ROUTE } from '../fast/machine-code.js';
import type { Operations } from '../fast/operations.js';
import { emptySet, withRoute } from './shapes.js';
import type { LineTable, RouteSet } from './table.js';

export interface Classes {
  /** By role. */
  classOf: Int32Array;
  /** By class: the list of operations of its cores, and the routes of its routers. */
  classList: number[];
  classSet: RouteSet[];
  /** By class: bits of the mask's colours that its routers have; by class * 4 + port of those that they send there. */
  classColors: Int32Array;
  classSends: Int32Array;
}

/** The classes for each of some masks. */
export function classesOf(
  table: LineTable,
  { roles }: Program,
  ops: Operations,
  wafer: WaferSpec,
  masks: readonly number[],
): Classes[] {
  const { of, all } = routesOfRoles(roles);
  const sets = setsOf(table, wafer, masks, all);
  const lists = colorsOfLists(ops);
  return masks.map((mask, m) => {
    const classes = classesBy(of, sets[m], ops);
    return { ...classes, ...colorsOfClasses(classes, lists, mask) };
  });
}

/** By list: bits of the colours that its operations send on or route, and by list * 4 + port those they route there. */
interface ListColors {
  listColors: Int32Array;
  listSends: Int32Array;
}

function colorsOfLists({ first, rows: { records }, rowOf }: Operations): ListColors {
  const lists = first.length - 1;
  const listColors = new Int32Array(lists);
  const listSends = new Int32Array(lists * 4);
  for (let list = 0; list < lists; list++)
    for (let op = first[list]; op < first[list + 1]; op++) {
      const at = rowOf[op] * OP_WORDS;
      const destination = records[at + OP.destination];
      if (destination >= 0) listColors[list] |= 1 << destination;
      if (records[at + OP.kind] !== ROUTE) continue;
      const color = 1 << records[at + OP.more];
      listColors[list] |= color;
      for (let port = 0; port < 4; port++)
        if (((records[at + OP.more + 2] >> port) & 1) === 1) listSends[list * 4 + port] |= color;
    }
  return { listColors, listSends };
}

/** By role which routes it has: many have the same ones. */
function routesOfRoles(roles: Program['roles']): { of: Int32Array; all: (readonly Route[])[] } {
  const of = new Int32Array(roles.length);
  const all: (readonly Route[])[] = [];
  const numbers = new Map<readonly Route[], number>();
  for (let role = 0; role < of.length; role++) {
    const { routes } = roles[role];
    let number = numbers.get(routes);
    if (number === undefined) numbers.set(routes, (number = all.push(routes) - 1));
    of[role] = number;
  }
  return { of, all };
}

/** By mask, what some routes are for its colours. */
function setsOf(
  table: LineTable,
  wafer: WaferSpec,
  masks: readonly number[],
  all: (readonly Route[])[],
): RouteSet[][] {
  const empty = emptySet(table, wafer.fabric);
  const sets = masks.map(() => Array.from(all, () => empty));
  for (let i = 0; i < all.length; i++) addRoutes(table, sets, masks, all[i], i);
  return sets;
}

/** The classes of one mask, in the order of their first roles. */
function classesBy(
  routesOf: Int32Array,
  sets: RouteSet[],
  { listOf, first }: Operations,
): Pick<Classes, 'classOf' | 'classList' | 'classSet'> {
  const classOf = new Int32Array(routesOf.length);
  const [classList, classSet] = [[] as number[], [] as RouteSet[]];
  const numbers = new Map<number, number>();
  const lists = first.length - 1;
  for (let role = 0; role < classOf.length; role++) {
    const set = sets[routesOf[role]];
    const key = set.number * lists + listOf[role];
    let number = numbers.get(key);
    if (number === undefined) {
      numbers.set(key, (number = classSet.push(set) - 1));
      classList.push(listOf[role]);
    }
    classOf[role] = number;
  }
  return { classOf, classList, classSet };
}

function colorsOfClasses(
  { classList, classSet }: Pick<Classes, 'classList' | 'classSet'>,
  { listColors, listSends }: ListColors,
  mask: number,
): Pick<Classes, 'classColors' | 'classSends'> {
  const classColors = new Int32Array(classSet.length);
  const classSends = new Int32Array(classSet.length * 4);
  for (let i = 0; i < classSet.length; i++) {
    const list = classList[i];
    classColors[i] = (classSet[i].colors | listColors[list]) & mask;
    for (let port = 0; port < 4; port++)
      classSends[i * 4 + port] = (classSet[i].sends[port] | listSends[list * 4 + port]) & mask;
  }
  return { classColors, classSends };
}

/**
 * Adds to the `i`-th set of each mask the routes of its colours; those of phases that are simulated as one have colours
 * that others of their families have alone.
 */
function addRoutes(
  table: LineTable,
  sets: RouteSet[][],
  masks: readonly number[],
  routes: readonly Route[],
  i: number,
): void {
  for (let r = 0; r < routes.length; r++) {
    const bit = 1 << routes[r].color;
    for (let m = 0; m < sets.length; m++)
      if ((masks[m] & bit) !== 0) sets[m][i] = withRoute(table, sets[m][i], routes[r]);
  }
}
