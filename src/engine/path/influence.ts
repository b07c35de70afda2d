/**
 * What of a line can have an effect on one of its routers: colours at routers, connected by routes and by what cores
 * take and send. Colours of a router that may leave by one output turn by its pointer, which each of its colours moves.
 */
import { LINKS, neighbour } from '../../hardware/mesh.js';
import { OP, OP_WORDS, ROUTE } from '../fast/machine-code.js';
import type { LineRole, LineTable, Shape } from '../lines/table.js';

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

/** By router of a line: bits of the colours there that can have an effect on what a core does. */
export function influencesOn(
  { allRoles }: LineTable,
  { width, height, places, roles, image }: Shape,
  router: number,
): Int32Array {
  const { coreAt } = image.tables;
  const reached = new Int32Array(places.length);
  const open = [router];
  /** Of the routers that are open: bits of the colours that are new. */
  const added = new Int32Array(places.length);
  added[router] = tiesOf(allRoles[roles[router]]).core;
  while (open.length > 0) {
    const at = open.pop()!;
    const { core, turns, ports } = tiesOf(allRoles[roles[at]]);
    let colors = added[at] | turns;
    if ((colors & core) !== 0) colors |= core;
    colors &= ~reached[at];
    added[at] = 0;
    reached[at] |= colors;
    for (let port = 0; port < LINKS; port++) {
      let over = 0;
      for (let rest = colors; rest !== 0; rest &= rest - 1) {
        const bit = rest & -rest;
        if (((ports[31 - Math.clz32(bit)] >> port) & 1) === 1) over |= bit;
      }
      if (over === 0) continue;
      const place = neighbour(places[at], port, width, height);
      const to = place < 0 ? -1 : coreAt[place];
      if (to < 0 || (over & ~reached[to]) === 0) continue;
      if (added[to] === 0) open.push(to);
      added[to] |= over & ~reached[to];
    }
  }
  return reached;
}
