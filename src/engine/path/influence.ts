/**
 * What of a line can have an effect on one of its routers: colours at routers, connected by routes and by what cores
 * take and send. Colours of a router that may leave by one output turn by its pointer, which each of its colours moves.
 */
import { LINKS, neighbour } from '../../hardware/mesh.js';
import { OP, OP_WORDS, ROUTE } from '../fast/machine-code.js';
import type { LineRole, Shape } from '../lines/table.js';

/** What connects colours at a router with a role. */
interface Ties {
  /** Bits of the colours that its core takes, sends or sets routes of, in one order. */
  core: number;
  /** Bits of all its colours if some of them may leave by one output, or 0. */
  turns: number;
  /** By colour: the ports of its routes, in any setting. */
  ports: Uint8Array;
}

const COLORS = 32;
const known = new WeakMap<LineRole, Ties>();

function tiesOf(role: LineRole): Ties {
  let ties = known.get(role);
  if (ties === undefined) known.set(role, (ties = findTies(role)));
  return ties;
}

function findTies({ part, set, colors }: LineRole): Ties {
  const inputs = new Uint8Array(COLORS);
  const outputs = new Uint8Array(COLORS);
  for (const route of set.routes) {
    inputs[route.color] |= route.inputs;
    outputs[route.color] |= route.outputs;
    for (const setting of route.positions ?? []) {
      inputs[route.color] |= setting.inputs;
      outputs[route.color] |= setting.outputs;
    }
  }
  let core = 0;
  const { records } = part ?? NO_PART;
  for (let at = 0; at < records.length; at += OP_WORDS) {
    if (records[at + OP.kind] === ROUTE) {
      const color = records[at + OP.more];
      core |= 1 << color;
      inputs[color] |= records[at + OP.more + 1];
      outputs[color] |= records[at + OP.more + 2];
      continue;
    }
    if (records[at + OP.source] >= 0) core |= 1 << records[at + OP.source];
    if (records[at + OP.destination] >= 0) core |= 1 << records[at + OP.destination];
  }
  let [taken, turns] = [0, 0];
  const ports = inputs;
  for (let color = 0; color < COLORS; color++) {
    if ((taken & outputs[color]) !== 0) turns = colors;
    taken |= outputs[color];
    ports[color] |= outputs[color];
  }
  return { core, turns, ports };
}

/** Bits of the colours that the core of a role takes, sends or sets routes of. */
export function colorsOfCore(role: LineRole): number {
  return tiesOf(role).core;
}

const NO_PART = { records: new Int32Array(0) };

export interface Influences {
  /** Routers in rising order; by router of the line bits of the colours that can have an effect, none elsewhere. */
  routers: Int32Array;
  colors: Int32Array;
  /** Those of them that a path can come by: not those that only turn by a router's pointer. */
  onPath: Int32Array;
}

/** What of a line can have an effect on what a router's core does. */
export function influencesOn(shape: Shape, router: number): Influences {
  const { places, roles, allRoles } = shape;
  const search: Search = {
    ...{ shape, open: [router], routers: [] },
    colors: new Int32Array(places.length),
    added: new Int32Array(places.length),
  };
  const { colors, added, open, routers } = search;
  added[router] = tiesOf(allRoles[roles[router]]).core;
  follow(search, false);
  const onPath = colors.slice();
  for (let i = 0; i < routers.length; i++) {
    const at = routers[i];
    const { turns } = tiesOf(allRoles[roles[at]]);
    if ((turns & ~colors[at]) !== 0) open.push(at);
  }
  for (const at of open) added[at] = tiesOf(allRoles[roles[at]]).turns & ~colors[at];
  const isSame = open.length === 0;
  follow(search, true);
  return { routers: Int32Array.from(routers).sort(), colors, onPath: isSame ? colors : onPath };
}

/** A search for what is connected. */
interface Search {
  shape: Shape;
  /** Routers that were reached; by router bits of the colours that were. */
  routers: number[];
  colors: Int32Array;
  /** Routers that are to be gone on from, and by router bits of the colours that are new there. */
  open: number[];
  added: Int32Array;
}

function follow({ shape, routers, colors, open, added }: Search, byTurns: boolean): void {
  const { width, height, places, roles, allRoles, image } = shape;
  const { coreAt } = image.tables;
  while (open.length > 0) {
    const at = open.pop()!;
    const { core, turns, ports } = tiesOf(allRoles[roles[at]]);
    let news = byTurns ? added[at] | turns : added[at];
    if ((news & core) !== 0) news |= core;
    news &= ~colors[at];
    added[at] = 0;
    if (colors[at] === 0) routers.push(at);
    colors[at] |= news;
    for (let port = 0; port < LINKS; port++) {
      let over = 0;
      for (let rest = news; rest !== 0; rest &= rest - 1) {
        const bit = rest & -rest;
        if (((ports[31 - Math.clz32(bit)] >> port) & 1) === 1) over |= bit;
      }
      if (over === 0) continue;
      const place = neighbour(places[at], port, width, height);
      const to = place < 0 ? -1 : coreAt[place];
      if (to < 0 || (over & ~colors[to]) === 0) continue;
      if (added[to] === 0) open.push(to);
      added[to] |= over & ~colors[to];
    }
  }
}
