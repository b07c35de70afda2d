/**
 * The critical path of a program, backwards: each event has as its predecessor the last condition that it needed. Of
 * conditions that came in one cycle it is that of the data, then that of the core, then a credit; of credits that of
 * the core with the lowest y, x and colour. A wavelet that all conditions held for and that did not leave had lost to
 * another one (rules: machine-model section 4a).
 */
import { EVENT } from '../fast/machine-code.js';
import { neighbour, opposite, PORTS, RAMP } from '../../hardware/mesh.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Operation, Program } from '../../program/program.js';
import type { EventLog } from './log.js';
import { colorAt, indexAt, lastOf, placeAt, standsOf, timesOf } from './times.js';
import type { OpTimes, Passings } from './times.js';

/** What a cycle of a path is spent on. */
export type StepKind = 'compute' | 'setup' | 'flight' | 'arbitration' | 'credit';

export interface Step {
  kind: StepKind;
  label: number;
  /** Of a flight, where it begins; of a credit, where it comes from. */
  core: number;
  from: number;
  to: number;
}

/** What was run: a rectangle of cores, their operations, and when these began. */
export interface Scene extends Pick<Program, 'width' | 'height'> {
  /** Hops of links by core * 4 + port; none if all have one. */
  linkHops?: ArrayLike<number> | undefined;
  wafer: Pick<WaferSpec, 'fabric' | 'costs'>;
  log: EventLog;
  /** The operations of a core, and the cycle in which the first of them begins. */
  codeOf: (core: number) => { operations: readonly Operation[]; begin: number };
}

/** Steps, the latest first, back to the cycle in which a core began with its first operation. */
export interface Walked {
  steps: Step[];
  core: number;
  at: number;
  /** Events that were noted of a program that was simulated as a whole. */
  events: number;
}

/**
 * An event: an operation's end or begin, a wavelet (by its number) taken or sent in it, or leaving a router. All have
 * one form.
 */
interface Event {
  what: 'end' | 'begin' | 'take' | 'send' | 'depart';
  core: number;
  op: number;
  color: number;
  n: number;
}

function atOperation(what: 'end' | 'begin', core: number, op: number): Event {
  return { what, core, op, color: -1, n: -1 };
}

function passing(what: 'take' | 'send', core: number, op: number, n: number): Event {
  return { what, core, op, color: -1, n };
}

function departure(core: number, color: number, n: number): Event {
  return { what: 'depart', core, op: -1, color, n };
}

/** Adds cycles in which something was so, to those after them if it was the same then. */
export function addStep(
  steps: Step[],
  kind: StepKind,
  label: number,
  core: number,
  from: number,
  to: number,
): void {
  if (from === to) return;
  if (steps.length > 0) {
    const later = steps[steps.length - 1];
    const isSame = later.kind === kind && later.label === label && later.from === to;
    if (isSame && (kind === 'flight' || later.core === core)) {
      later.from = from;
      later.core = core;
      return;
    }
  }
  steps.push({ kind, label, core, from, to });
}

/** The path to the end of a core's last operation, or of the last that is over by a cycle. */
export function walkBack(scene: Scene, core: number, by = Infinity): Walked {
  const walk = createWalk(scene);
  const op = walk.timesAt(core).findLastIndex(({ end }) => end <= by);
  let last = atOperation('end', core, op);
  let event: Event | undefined = last;
  while (event !== undefined) {
    last = event;
    event = walk.before(event);
  }
  return { steps: walk.steps, core: last.core, at: walk.timesAt(last.core)[0].begin, events: 0 };
}

function createWalk(scene: Scene) {
  const { width, height, linkHops, log, codeOf, wafer } = scene;
  const { hopCycles, rampCycles, queueDepth } = wafer.fabric;
  const { cycles } = log;
  const steps: Step[] = [];
  const known = new Map<number, OpTimes[]>();
  const stands = new Map<OpTimes, Float64Array>();
  let label = 0;

  function timesAt(core: number): OpTimes[] {
    let times = known.get(core);
    if (times === undefined) {
      const { operations, begin } = codeOf(core);
      known.set(core, (times = timesOf(log, core, operations, begin, wafer.costs)));
    }
    return times;
  }

  function standing(times: OpTimes): Float64Array {
    let of = stands.get(times);
    if (of === undefined) stands.set(times, (of = standsOf(log, times)));
    return of;
  }

  function departed(core: number, color: number, n: number): number {
    return cycles[log.first(EVENT.departs, core, color) + n];
  }

  /** The cycle of the n-th of some wavelets. */
  function cycleOf(passings: Passings, n: number): number {
    return cycles[placeAt(passings, n)];
  }

  /** Cycles of the link by which a router is reached on a port. */
  function cyclesInto(core: number, port: number): number {
    if (port === RAMP) return rampCycles;
    return linkHops === undefined ? hopCycles : hopCycles * linkHops[core * 4 + port];
  }

  function step(kind: StepKind, core: number, from: number, to: number): void {
    addStep(steps, kind, label, core, from, to);
  }

  function before({ what, core, op, color, n }: Event): Event | undefined {
    if (what === 'depart') return beforeDeparture(core, color, n);
    const times = timesAt(core)[op];
    label = times.op.label;
    switch (what) {
      case 'end':
        return beforeEnd(core, op, times);
      case 'begin':
        step('setup', core, times.begin, times.act);
        return op === 0 ? undefined : atOperation('end', core, op - 1);
      case 'take':
        return beforeTake(core, op, times, n);
      case 'send':
        return beforeSend(core, op, times, n);
    }
  }

  function beforeEnd(core: number, op: number, times: OpTimes): Event {
    const { takes, sends, act, end } = times;
    if (takes.count + sends.count === 0) {
      step('compute', core, act, end);
      return atOperation('begin', core, op);
    }
    const [take, send] = [lastOf(log, takes), lastOf(log, sends)];
    step('compute', core, Math.max(take, send), end);
    if (take >= send && !(isPipeline(times) && sends.count > 0))
      return passing('take', core, op, takes.count - 1);
    return passing('send', core, op, sends.count - 1);
  }

  function beforeTake(core: number, op: number, times: OpTimes, n: number): Event {
    const { takes, sends, act, op: operation } = times;
    const color = colorAt(takes, n);
    const at = cycleOf(takes, n);
    const from = log.leaving(core, color, RAMP, indexAt(takes, n));
    const sent = departed(core, color, from);
    if (sent + rampCycles === at) {
      step('flight', core, sent, at);
      return departure(core, color, from);
    }
    if (n === 0 && act === at) return atOperation('begin', core, op);
    if (operation.kind !== 'vector' || operation.by !== 'task' || sends.count === 0) {
      const work = operation.kind === 'vector' ? times.timing.interval : 1;
      const since = n > 0 ? cycleOf(takes, n - 1) : -Infinity;
      if (since + work === at) {
        step('compute', core, since, at);
        return passing('take', core, op, n - 1);
      }
    }
    // A pipeline that stood still, or a task whose result had no slot, takes as soon as that is gone.
    for (let left = sends.count - 1; left >= 0; left--)
      if (cycleOf(sends, left) === at) return passing('send', core, op, left);
    throw new Error(`nothing is before what core ${core} takes in cycle ${at}`);
  }

  function beforeSend(core: number, op: number, times: OpTimes, n: number): Event {
    const { sends, act, timing, op: operation } = times;
    const at = cycleOf(sends, n);
    const since = n > 0 ? cycleOf(sends, n - 1) + 1 : -Infinity;
    if (operation.kind === 'traffic') {
      const due = act + operation.times[n];
      if (due === at) {
        step('setup', core, act, at);
        return atOperation('begin', core, op);
      }
      if (since === at) {
        step('compute', core, at - 1, at);
        return passing('send', core, op, n - 1);
      }
    } else if (!isPipeline(times)) {
      const ready = n === 0 ? act + timing.latency : since;
      if (ready === at) {
        step('compute', core, n === 0 ? act : at - 1, at);
        return n === 0 ? atOperation('begin', core, op) : passing('send', core, op, n - 1);
      }
    } else if (standing(times)[n] === at) return beforeStanding(core, op, times, n);
    const [color, index] = [colorAt(sends, n), indexAt(sends, n)];
    const pop = log.entering(core, color, RAMP, index - queueDepth);
    const popped = index < queueDepth ? NaN : departed(core, color, pop);
    if (popped + rampCycles !== at)
      throw new Error(`nothing is before what core ${core} sends in cycle ${at}`);
    step('credit', core, popped, at);
    return departure(core, color, pop);
  }

  /** A result stands at the end of its pipeline: since it was taken, but for when the pipeline stood still. */
  function beforeStanding(core: number, op: number, times: OpTimes, n: number): Event {
    const { takes, sends, timing } = times;
    const stand = standing(times);
    const taken = cycleOf(takes, n);
    for (let j = n - 1; j >= Math.max(0, n - timing.latency); j--) {
      if (stand[j] < taken) break;
      const sent = cycleOf(sends, j);
      if (sent === stand[j]) continue;
      step('compute', core, sent, stand[n]);
      return passing('send', core, op, j);
    }
    step('compute', core, taken, stand[n]);
    return passing('take', core, op, n);
  }

  function beforeDeparture(core: number, color: number, n: number): Event {
    const at = departed(core, color, n);
    const port = log.portOf(core, color, n);
    const index = log.rankEntering(core, color, port, n);
    // It was sent to the router by its core, or by another router as the n-th wavelet that left that by the link.
    const isOwn = port === RAMP;
    const from = isOwn ? core : neighbour(core, port, width, height);
    const left = isOwn ? index : log.leaving(from, color, opposite(port), index);
    const sent = cycles[log.first(isOwn ? EVENT.sends : EVENT.departs, from, color) + left];
    const arrived = sent + cyclesInto(core, port);
    const follows = n > 0 ? departed(core, color, n - 1) + 1 : -Infinity;
    let ready = Math.max(arrived, follows);
    // Most wavelets wait for nothing else.
    const waits = ready < at;
    const routed = waits ? lastRoute(core, color, at) : undefined;
    const slot = waits ? lastCredit(core, color, n) : undefined;
    ready = Math.max(ready, routed?.at ?? -Infinity, slot?.at ?? -Infinity);
    if (ready > at)
      throw new Error(`a wavelet leaves router ${core} in cycle ${at}, before ${ready}`);
    step('arbitration', core, ready, at);
    if (arrived === ready) {
      step('flight', from, sent, ready);
      return isOwn ? sendOf(core, color, index) : departure(from, color, left);
    }
    if (follows === ready) {
      step('flight', core, ready - 1, ready);
      return departure(core, color, n - 1);
    }
    if (routed !== undefined && routed.at === ready) return atOperation('end', core, routed.op);
    step('credit', slot!.core, slot!.popped, ready);
    return slot!.isTaken
      ? takeOf(slot!.core, color, slot!.index)
      : departure(slot!.core, color, slot!.index);
  }

  /**
   * The last of the credits that a departure needed, if it needed any: by which wavelet it was given, that the core
   * took or that left the next router.
   */
  function lastCredit(core: number, color: number, n: number) {
    const outputs = log.outputsOf(core, color, n);
    let last:
      | { at: number; popped: number; core: number; isTaken: boolean; index: number }
      | undefined;
    for (let port = 0; port < PORTS; port++) {
      if (((outputs >> port) & 1) === 0) continue;
      const rank = log.rankLeaving(core, color, port, n) - queueDepth;
      if (rank < 0) continue;
      const isTaken = port === RAMP;
      const to = isTaken ? core : neighbour(core, port, width, height);
      const end = isTaken ? RAMP : opposite(port);
      const index = isTaken ? rank : log.entering(to, color, end, rank);
      const popped = cycles[log.first(isTaken ? EVENT.takes : EVENT.departs, to, color) + index];
      const at = popped + cyclesInto(to, end);
      if (last === undefined || at > last.at || (at === last.at && to < last.core))
        last = { at, popped, core: to, isTaken, index };
    }
    return last;
  }

  function sendOf(core: number, color: number, index: number): Event {
    return passingOf(core, color, index, 'send');
  }

  function takeOf(core: number, color: number, index: number): Event {
    return passingOf(core, color, index, 'take');
  }

  function passingOf(core: number, color: number, index: number, what: 'send' | 'take'): Event {
    const all = timesAt(core);
    for (let op = 0; op < all.length; op++) {
      const n = numberIn(what === 'send' ? all[op].sends : all[op].takes, color, index);
      if (n >= 0) return passing(what, core, op, n);
    }
    throw new Error(`no operation of core ${core} has wavelet ${index} of colour ${color}`);
  }

  /** The last change of a colour's route at a router by a cycle. */
  function lastRoute(core: number, color: number, by: number) {
    const all = codeOf(core).operations.some((op) => op.kind === 'route' && op.color === color)
      ? timesAt(core)
      : [];
    let last: { at: number; op: number } | undefined;
    for (const [op, { op: operation, end }] of all.entries())
      if (operation.kind === 'route' && operation.color === color && end <= by)
        last = { at: end, op };
    return last;
  }

  return { steps, timesAt, before };
}

/** Does an operation send on what it takes? */
function isPipeline({ op, takes, sends }: OpTimes): boolean {
  return op.kind === 'vector' && takes.count > 0 && sends.count > 0;
}

/** Which of some wavelets is the `index`-th of a colour of its core, or -1. */
function numberIn({ count, color, index: first, mixed }: Passings, of: number, index: number) {
  if (mixed !== undefined) return mixed.findIndex((one) => one.color === of && one.index === index);
  return color === of && index >= first && index < first + count ? index - first : -1;
}
