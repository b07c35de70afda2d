/**
 * The fabric of the reference engine: queues with credits, links of one wavelet per cycle, and routers
 * that arbitrate between colours (rules: machine-model section 4a).
 */
import { PORTS, RAMP, neighbour, opposite } from '../../hardware/mesh.js';
import { settingsOf, type Route, type Setting } from '../../program/program.js';
import { dueAt, type Calendar } from './calendar.js';
import type { RunInput } from '../engine.js';

export const NEVER = Infinity;
const LONG_AGO = -Infinity;

/** A core's own queue for a colour is a sixth one, next to the five input queues of its router. */
export const CORE = PORTS;

export type Fabric = ReturnType<typeof createFabric>;

/** Receives every event: a wavelet leaves a router, a core sends one into its ramp, or takes one. */
export type EventNote = (
  kind: 'departs' | 'sends' | 'takes',
  core: number,
  color: number,
  t: number,
  port?: number,
  outputs?: number,
) => void;

/** Routers with the first routes of their roles, and no queues: they are made when first used. */
export function createFabric({ program, wafer }: RunInput, calendar: Calendar, note?: EventNote) {
  const cores = program.width * program.height;
  const colors = wafer.fabric.colors;
  const fabric = {
    ...wafer.fabric,
    linkHops: program.linkHops,
    calendar,
    note,
    beyond: new Int32Array(cores * 4),
    inputs: new Uint8Array(cores * colors),
    outputs: new Uint8Array(cores * colors),
    /** By core * colors + color, of routers that are switches: their settings, and where they stand. */
    switches: new Map<number, { settings: Setting[]; returns: boolean; at: number }>(),
    pointer: new Int32Array(cores),
    seen: new Float64Array(cores).fill(LONG_AGO),
    /** The queue of a core, port and colour, or -1; and the reverse. */
    queueOf: new Int32Array(cores * (PORTS + 1) * colors).fill(-1),
    keyOf: [] as number[],
    /** The slots of queue q are q * queueDepth and so on; where it is read and written next. */
    head: [] as number[],
    tail: [] as number[],
    /** A slot holds a wavelet eligible from `ready` on, or its sender may use it from `free` on. */
    ready: [] as number[],
    free: [] as number[],
    low: [] as number[],
    high: [] as number[],
    marked: [] as boolean[],
    /** The numbers of the wavelet put or taken last, and whether it is marked for switches. */
    wavelet: new Float64Array(2),
    isMarked: false,
    /** The last cycle in which a wavelet moved. */
    moved: -Infinity,
    linkWavelets: new Float64Array(cores * 4),
    sent: 0,
    delivered: 0,
    waveletHops: 0,
    routeHazards: 0,
  };
  for (let core = 0; core < cores; core++) {
    for (let port = 0; port < RAMP; port++)
      fabric.beyond[core * 4 + port] = neighbour(core, port, program.width, program.height);
    for (const route of program.roles[program.roleOf[core]].routes) {
      setRoute(fabric, core, route);
      setSwitch(fabric, core, route);
    }
  }
  return fabric;
}

function setSwitch(f: Fabric, core: number, route: Route): void {
  const settings = settingsOf(route);
  const place = core * f.colors + route.color;
  if (settings.length === 1) f.switches.delete(place);
  else f.switches.set(place, { settings, returns: route.returns ?? false, at: 0 });
}

/** A marked wavelet left: a switch stands at its next setting from the next cycle on. */
function advanceSwitch(f: Fabric, core: number, color: number): void {
  const known = f.switches.get(core * f.colors + color);
  if (known === undefined) return;
  const { settings, returns, at } = known;
  known.at = at + 1 < settings.length ? at + 1 : returns ? 0 : at;
  setRoute(f, core, { color, ...settings[known.at] });
}

export function setRoute(f: Fabric, core: number, { color, inputs, outputs }: Route): void {
  f.inputs[core * f.colors + color] = inputs;
  f.outputs[core * f.colors + color] = outputs;
}

/** The port that a colour comes from, or -1. */
export function inputPort(f: Fabric, core: number, color: number): number {
  return 31 - Math.clz32(f.inputs[core * f.colors + color]);
}

function keyAt(f: Fabric, core: number, port: number, color: number): number {
  return (core * (PORTS + 1) + port) * f.colors + color;
}

function queueAt(f: Fabric, core: number, port: number, color: number): number {
  const key = keyAt(f, core, port, color);
  if (f.queueOf[key] >= 0) return f.queueOf[key];
  f.queueOf[key] = f.keyOf.push(key) - 1;
  f.head.push(0);
  f.tail.push(0);
  for (let slot = 0; slot < f.queueDepth; slot++) {
    f.ready.push(NEVER);
    f.free.push(LONG_AGO);
    f.low.push(0);
    f.high.push(0);
    f.marked.push(false);
  }
  return f.queueOf[key];
}

/** Does an eligible wavelet stand at the head of this queue? */
export function hasWavelet(f: Fabric, core: number, port: number, color: number, t: number) {
  return usableFrom(f, core, port, color) <= t;
}

/** The cycle from which the head of this queue is eligible; NEVER if nothing is in it. */
export function usableFrom(f: Fabric, core: number, port: number, color: number): number {
  const queue = f.queueOf[keyAt(f, core, port, color)];
  return queue >= 0 ? f.ready[queue * f.queueDepth + f.head[queue]] : NEVER;
}

/** Has the sender into this queue a slot for the next wavelet? */
export function hasSlot(f: Fabric, core: number, port: number, color: number, t: number) {
  const queue = queueAt(f, core, port, color);
  return f.free[queue * f.queueDepth + f.tail[queue]] <= t;
}

/** Wavelets that hold a slot of this queue, those still on their way to it included. */
export function slotsTaken(f: Fabric, core: number, port: number, color: number): number {
  const queue = queueAt(f, core, port, color);
  const slots = f.free.slice(queue * f.queueDepth, (queue + 1) * f.queueDepth);
  return slots.filter((free) => free === NEVER).length;
}

/** Cores and colours of wavelets that wait in a router or at its core. */
export function waitingWavelets(f: Fabric): { core: number; color: number }[] {
  return f.keyOf
    .filter((_, queue) => f.ready[queue * f.queueDepth + f.head[queue]] !== NEVER)
    .map((key) => ({
      core: Math.floor(key / (f.colors * (PORTS + 1))),
      color: key % f.colors,
    }));
}

/** Cycles of the link by which a core is reached on a port. */
function cyclesInto({ hopCycles, linkHops }: Fabric, core: number, port: number): number {
  return hopCycles * (linkHops ? linkHops[core * 4 + port] : 1);
}

/** Takes the head of a queue into `wavelet`. Its slot is the sender's again one link or ramp later. */
export function take(f: Fabric, core: number, port: number, color: number, t: number): void {
  const queue = queueAt(f, core, port, color);
  const slot = queue * f.queueDepth + f.head[queue];
  const back = t + (port < RAMP ? cyclesInto(f, core, port) : f.rampCycles);
  if (port === CORE) f.note?.('takes', core, color, t);
  f.head[queue] = (f.head[queue] + 1) % f.queueDepth;
  f.ready[slot] = NEVER;
  f.free[slot] = back;
  f.wavelet[0] = f.low[slot];
  f.wavelet[1] = f.high[slot];
  f.isMarked = f.marked[slot];
  f.moved = t;
  const due = dueAt(f.calendar, back);
  if (port === RAMP) due.cores.push(core);
  else due.routers.push(port === CORE ? core : f.beyond[core * 4 + port]);
}

/** Puts `wavelet` into a queue with a free slot; it is eligible one link or ramp later. */
export function put(f: Fabric, core: number, port: number, color: number, t: number): void {
  const queue = queueAt(f, core, port, color);
  const slot = queue * f.queueDepth + f.tail[queue];
  const at = t + (port < RAMP ? cyclesInto(f, core, port) : f.rampCycles);
  const waits = f.switches.has(core * f.colors + color);
  if (port !== CORE && !waits && meetsAnother(f, core, color, at)) f.routeHazards++;
  f.tail[queue] = (f.tail[queue] + 1) % f.queueDepth;
  f.ready[slot] = at;
  f.free[slot] = NEVER;
  f.low[slot] = f.wavelet[0];
  f.high[slot] = f.wavelet[1];
  f.marked[slot] = f.isMarked;
  f.moved = t;
  const due = dueAt(f.calendar, at);
  if (port === CORE) due.cores.push(core);
  else due.routers.push(core);
}

/** Does a wavelet of this colour already on its way become eligible at this router in cycle `at`? */
function meetsAnother(f: Fabric, core: number, color: number, at: number): boolean {
  for (let port = 0; port < PORTS; port++) {
    const queue = f.queueOf[keyAt(f, core, port, color)];
    if (queue < 0) continue;
    for (let slot = 0; slot < f.queueDepth; slot++)
      if (f.ready[queue * f.queueDepth + slot] === at) return true;
  }
  return false;
}

/** One cycle of a router: colours in turn get all their outputs or none. */
export function visitRouter(f: Fabric, router: number, t: number): void {
  if (f.seen[router] === t) return;
  f.seen[router] = t;
  let granted = 0;
  let first = -1;
  for (let i = 0; i < f.colors; i++) {
    const color = (f.pointer[router] + i) % f.colors;
    const port = inputPort(f, router, color);
    if (port < 0 || !hasWavelet(f, router, port, color, t)) continue;
    const outputs = f.outputs[router * f.colors + color];
    if (outputs === 0 || (outputs & granted) !== 0) continue;
    if (!allHaveSlots(f, router, outputs, color, t)) continue;
    take(f, router, port, color, t);
    forward(f, router, outputs, color, t);
    f.note?.('departs', router, color, t, port, outputs);
    if (f.isMarked) advanceSwitch(f, router, color);
    granted |= outputs;
    if (first < 0) first = color;
  }
  if (first < 0) return;
  f.pointer[router] = (first + 1) % f.colors;
  dueAt(f.calendar, t + 1).routers.push(router);
}

function allHaveSlots(f: Fabric, router: number, outputs: number, color: number, t: number) {
  for (let port = 0; port < RAMP; port++) {
    if ((outputs & (1 << port)) === 0) continue;
    if (!hasSlot(f, f.beyond[router * 4 + port], opposite(port), color, t)) return false;
  }
  return (outputs & (1 << RAMP)) === 0 || hasSlot(f, router, CORE, color, t);
}

function forward(f: Fabric, router: number, outputs: number, color: number, t: number): void {
  for (let port = 0; port < RAMP; port++) {
    if ((outputs & (1 << port)) === 0) continue;
    put(f, f.beyond[router * 4 + port], opposite(port), color, t);
    f.linkWavelets[router * 4 + port]++;
    f.waveletHops++;
  }
  if ((outputs & (1 << RAMP)) === 0) return;
  put(f, router, CORE, color, t);
  f.delivered++;
}
