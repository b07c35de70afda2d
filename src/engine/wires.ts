/**
 * What the streams of a timeless program (numbers.ts) are, laid out before it is computed: all that a core sends on
 * a colour is a wire, and each colour that a core takes comes from one wire.
 */
import { neighbour, opposite, RAMP } from '../hardware/mesh.js';
import { elementsPerWavelet } from '../numeric/types.js';
import { waveletsOf } from '../program/exchange.js';
import { colorsOf, isFabric, takeColors } from '../program/program.js';
import type { Operation, Program, Role, VectorOp } from '../program/program.js';

/**
 * All that is sent, by the core and the colour that it is sent on: a wire. What a core takes of a colour are a
 * wire's wavelets in order.
 */
export interface Wires extends Layout {
  /** By core * colours + colour: wavelets taken so far. */
  heard: Int32Array;
  /** By wire: how many were sent. */
  sent: Int32Array;
  numbers: Float64Array;
}

/** What a program's wires are, whatever is sent on them. */
interface Layout {
  /** By core * colours + colour: the wire that it sends on, and the one that it takes from; -1 without one. */
  sends: Int32Array;
  takes: Int32Array;
  colors: number;
  /** By wire: where its wavelets begin, two numbers each. */
  begin: Float64Array;
  /** Two numbers for each wavelet of all wires. */
  room: number;
}

/** Layers of one kind have one program. */
const known = new WeakMap<Program, Layout>();

export function layWires(program: Program): Wires {
  let layout = known.get(program);
  if (layout === undefined) known.set(program, (layout = layoutOf(program)));
  return {
    ...layout,
    heard: new Int32Array(layout.sends.length),
    sent: new Int32Array(layout.begin.length),
    numbers: new Float64Array(layout.room),
  };
}

function layoutOf(program: Program): Layout {
  const { roles, roleOf } = program;
  const used = roles.flatMap(({ routes, operations }) => [
    ...routes.map(({ color }) => color),
    ...operations.flatMap(colorsOf),
  ]);
  const colors = used.reduce((most, color) => Math.max(most, color), -1) + 1;
  const sent = roles.map((role) => sentBy(role, colors));
  const sends = new Int32Array(roleOf.length * colors).fill(-1);
  const begin: number[] = [];
  let room = 0;
  for (let core = 0; core < roleOf.length; core++)
    for (let color = 0; color < colors; color++) {
      const wavelets = sent[roleOf[core]][color];
      if (wavelets === 0) continue;
      sends[core * colors + color] = begin.push(room) - 1;
      room += 2 * wavelets;
    }
  return {
    sends,
    takes: takesOf(program, sends, colors),
    colors,
    begin: Float64Array.from(begin),
    room,
  };
}

/** Wavelets that a core of a role sends, by colour. */
function sentBy({ operations }: Role, colors: number): Float64Array {
  const sent = new Float64Array(colors);
  for (const op of operations)
    if (op.kind === 'vector' && isFabric(op.dst)) sent[op.dst.color] += streamLength(op);
    else if (op.kind === 'traffic')
      for (const vector of op.exchange!.sends)
        sent[vector.color] += waveletsOf(op.exchange!.type, vector);
  return sent;
}

export function streamLength({ length, type }: VectorOp): number {
  return Math.ceil(length / elementsPerWavelet(type));
}

/** By core * colours + colour: the wire of the core from which a colour comes to this one, or -1. */
function takesOf(program: Program, sends: Int32Array, colors: number): Int32Array {
  const { roles, roleOf } = program;
  const wanted = roles.map(({ operations }) => new Set(operations.flatMap(colorsTaken)));
  const routes = roles.map(
    (role) => new Map(role.routes.map((route) => [route.color, route] as const)),
  );
  const takes = new Int32Array(sends.length).fill(-1);
  for (let core = 0; core < roleOf.length; core++)
    for (const color of wanted[roleOf[core]]) {
      const from = senderTo(program, routes, core, color);
      if (from >= 0) takes[core * colors + color] = sends[from * colors + color];
    }
  return takes;
}

export function colorsTaken(op: Operation): number[] {
  if (op.kind === 'vector')
    return [op.a, op.b, op.c].filter(isFabric).map((operand) => operand.color);
  return op.kind === 'traffic' ? takeColors(op) : [];
}

/** Goes back along the routes to the core whose ramp a colour enters by; -1 if they do not begin at any. */
function senderTo(
  { width, height, roleOf }: Program,
  routes: Map<number, { inputs: number; outputs: number }>[],
  core: number,
  color: number,
): number {
  let at = core;
  let into = RAMP;
  for (let hops = 0; hops <= roleOf.length; hops++) {
    const route = routes[roleOf[at]].get(color);
    if (route === undefined || (route.outputs & (1 << into)) === 0) return -1;
    if (route.inputs === 1 << RAMP) return at;
    const port = 31 - Math.clz32(route.inputs);
    const before = port < 0 ? -1 : neighbour(at, port, width, height);
    if (before < 0) return -1;
    at = before;
    into = opposite(port);
  }
  return -1;
}
