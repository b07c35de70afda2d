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
import { standsOf, timesOf, type OpTimes, type Passing } from './times.js';

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
export interface Scene extends Pick<Program, 'width' | 'height' | 'linkHops'> {
  wafer: WaferSpec;
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

/** An event: an operation's end or begin, a wavelet (by its number) taken or sent in it, or leaving a router. */
type Event =
  | { what: 'end' | 'begin'; core: number; op: number }
  | { what: 'take' | 'send'; core: number; op: number; n: number }
  | { what: 'depart'; core: number; color: number; n: number };

/** Adds cycles in which something was so, to those after them if it was the same then. */
export function addStep(steps: Step[], { kind, label, core, from, to }: Step): void {
  if (from === to) return;
  const later = steps.at(-1);
  const isSame = later?.kind === kind && later.label === label && later.from === to;
  if (isSame && (kind === 'flight' || later.core === core)) Object.assign(later, { from, core });
  else steps.push({ kind, label, core, from, to });
}

/** The path to the end of a core's last operation, or of the last that is over by a cycle. */
export function walkBack(scene: Scene, core: number, by = Infinity): Walked {
  const walk = createWalk(scene);
  const op = walk.timesAt(core).findLastIndex(({ end }) => end <= by);
  let last: Event = { what: 'end', core, op };
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
  const steps: Step[] = [];
  const known = new Map<number, OpTimes[]>();
  const stands = new Map<OpTimes, number[]>();
  let label = 0;

  const timesAt = (core: number): OpTimes[] => {
    let times = known.get(core);
    if (times === undefined) {
      const { operations, begin } = codeOf(core);
      known.set(core, (times = timesOf(log, core, operations, begin, wafer.costs)));
    }
    return times;
  };
  const standing = (times: OpTimes): number[] => {
    let of = stands.get(times);
    if (of === undefined) stands.set(times, (of = standsOf(times)));
    return of;
  };
  const departed = (core: number, color: number, n: number) =>
    log.at(EVENT.departs, core, color, n);
  /** Cycles of the link by which a router is reached on a port. */
  const cyclesInto = (core: number, port: number) =>
    port === RAMP ? rampCycles : hopCycles * (linkHops ? linkHops[core * 4 + port] : 1);

  const step = (kind: StepKind, core: number, from: number, to: number) =>
    addStep(steps, { kind, label, core, from, to });

  function before(event: Event): Event | undefined {
    if (event.what === 'depart') return beforeDeparture(event.core, event.color, event.n);
    const { what, core, op } = event;
    const times = timesAt(core)[op];
    ({ label } = times.op);
    switch (what) {
      case 'end':
        return beforeEnd(core, op, times);
      case 'begin':
        step('setup', core, times.begin, times.act);
        return op === 0 ? undefined : { what: 'end', core, op: op - 1 };
      case 'take':
        return beforeTake(core, op, times, event.n);
      case 'send':
        return beforeSend(core, op, times, event.n);
    }
  }

  function beforeEnd(core: number, op: number, times: OpTimes): Event {
    const { takes, sends, act, end } = times;
    const [take, send] = [takes.at(-1)?.at ?? -Infinity, sends.at(-1)?.at ?? -Infinity];
    if (takes.length + sends.length === 0) {
      step('compute', core, act, end);
      return { what: 'begin', core, op };
    }
    step('compute', core, Math.max(take, send), end);
    if (take >= send && !(isPipeline(times) && sends.length > 0))
      return { what: 'take', core, op, n: takes.length - 1 };
    return { what: 'send', core, op, n: sends.length - 1 };
  }

  function beforeTake(core: number, op: number, times: OpTimes, n: number): Event {
    const { takes, sends, act, op: operation } = times;
    const { color, index, at } = takes[n];
    const departure = log.leaving(core, color, RAMP, index);
    const sent = departed(core, color, departure);
    if (sent + rampCycles === at) {
      step('flight', core, sent, at);
      return { what: 'depart', core, color, n: departure };
    }
    if (n === 0 && act === at) return { what: 'begin', core, op };
    if (operation.kind !== 'vector' || operation.by !== 'task' || sends.length === 0) {
      const work = operation.kind === 'vector' ? times.timing.interval : 1;
      const since = n > 0 ? takes[n - 1].at : -Infinity;
      if (since + work === at) {
        step('compute', core, since, at);
        return { what: 'take', core, op, n: n - 1 };
      }
    }
    // A pipeline that stood still, or a task whose result had no slot, takes as soon as that is gone.
    const left = lastAt(sends, at);
    if (left >= 0) return { what: 'send', core, op, n: left };
    throw new Error(`nothing is before what core ${core} takes in cycle ${at}`);
  }

  function beforeSend(core: number, op: number, times: OpTimes, n: number): Event {
    const { sends, act, timing, op: operation } = times;
    const { color, index, at } = sends[n];
    const since = n > 0 ? sends[n - 1].at + 1 : -Infinity;
    if (operation.kind === 'traffic') {
      const due = act + operation.times[n];
      if (due === at) {
        step('setup', core, act, at);
        return { what: 'begin', core, op };
      }
      if (since === at) {
        step('compute', core, at - 1, at);
        return { what: 'send', core, op, n: n - 1 };
      }
    } else if (!isPipeline(times)) {
      const ready = n === 0 ? act + timing.latency : since;
      if (ready === at) {
        step('compute', core, n === 0 ? act : at - 1, at);
        return n === 0 ? { what: 'begin', core, op } : { what: 'send', core, op, n: n - 1 };
      }
    } else {
      const stand = standing(times)[n];
      if (stand === at) return beforeStanding(core, op, times, n);
    }
    const pop = log.entering(core, color, RAMP, index - queueDepth);
    const popped = index < queueDepth ? NaN : departed(core, color, pop);
    if (popped + rampCycles !== at)
      throw new Error(`nothing is before what core ${core} sends in cycle ${at}`);
    step('credit', core, popped, at);
    return { what: 'depart', core, color, n: pop };
  }

  /** A result stands at the end of its pipeline: since it was taken, but for when the pipeline stood still. */
  function beforeStanding(core: number, op: number, times: OpTimes, n: number): Event {
    const { takes, sends, timing } = times;
    const stand = standing(times);
    for (let j = n - 1; j >= Math.max(0, n - timing.latency); j--) {
      if (stand[j] < takes[n].at) break;
      if (sends[j].at === stand[j]) continue;
      step('compute', core, sends[j].at, stand[n]);
      return { what: 'send', core, op, n: j };
    }
    step('compute', core, takes[n].at, stand[n]);
    return { what: 'take', core, op, n };
  }

  function beforeDeparture(core: number, color: number, n: number): Event {
    const at = departed(core, color, n);
    const port = log.portOf(core, color, n);
    const arrival = arrivalOf(core, color, port, n);
    const arrived = arrival.sent + cyclesInto(core, port);
    const follows = n > 0 ? departed(core, color, n - 1) + 1 : -Infinity;
    const routed = lastRoute(core, color, at);
    const slot = lastCredit(core, color, n);
    const ready = Math.max(arrived, follows, routed?.at ?? -Infinity, slot?.at ?? -Infinity);
    if (ready > at)
      throw new Error(`a wavelet leaves router ${core} in cycle ${at}, before ${ready}`);
    step('arbitration', core, ready, at);
    if (arrived === ready) {
      step('flight', arrival.from, arrival.sent, ready);
      return arrival.event();
    }
    if (follows === ready) {
      step('flight', core, ready - 1, ready);
      return { what: 'depart', core, color, n: n - 1 };
    }
    if (routed !== undefined && routed.at === ready) return { what: 'end', core, op: routed.op };
    step('credit', slot!.core, slot!.popped, ready);
    return slot!.event();
  }

  /** When the n-th wavelet to leave a router was sent to it, from where, and by what. */
  function arrivalOf(core: number, color: number, port: number, n: number) {
    const index = log.rankEntering(core, color, port, n);
    if (port === RAMP) {
      const sent = log.at(EVENT.sends, core, color, index);
      return { sent, from: core, event: () => sendOf(core, color, index) };
    }
    const from = neighbour(core, port, width, height);
    const departure = log.leaving(from, color, opposite(port), index);
    const event = (): Event => ({ what: 'depart', core: from, color, n: departure });
    return { sent: departed(from, color, departure), from, event };
  }

  /** The last of the credits that a departure needed, if it needed any. */
  function lastCredit(core: number, color: number, n: number) {
    const outputs = log.outputsOf(core, color, n);
    let last: { at: number; popped: number; core: number; event: () => Event } | undefined;
    for (let port = 0; port < PORTS; port++) {
      if (((outputs >> port) & 1) === 0) continue;
      const index = log.rankLeaving(core, color, port, n) - queueDepth;
      if (index < 0) continue;
      const to = port === RAMP ? core : neighbour(core, port, width, height);
      const popped = popOf(to, color, port, index);
      const at = popped.at + cyclesInto(to, port === RAMP ? RAMP : opposite(port));
      if (last === undefined || at > last.at || (at === last.at && to < last.core))
        last = { at, popped: popped.at, core: to, event: popped.event };
    }
    return last;
  }

  /** The wavelet that was the `index`-th to come by a port leaves the queue there. */
  function popOf(to: number, color: number, port: number, index: number) {
    if (port === RAMP) {
      const at = log.at(EVENT.takes, to, color, index);
      return { at, event: () => takeOf(to, color, index) };
    }
    const n = log.entering(to, color, opposite(port), index);
    const event = (): Event => ({ what: 'depart', core: to, color, n });
    return { at: departed(to, color, n), event };
  }

  function sendOf(core: number, color: number, index: number): Event {
    return passingOf(core, color, index, 'send', ({ sends }) => sends);
  }

  function takeOf(core: number, color: number, index: number): Event {
    return passingOf(core, color, index, 'take', ({ takes }) => takes);
  }

  function passingOf(
    core: number,
    color: number,
    index: number,
    what: 'send' | 'take',
    of: (times: OpTimes) => Passing[],
  ): Event {
    const all = timesAt(core);
    for (const [op, times] of all.entries()) {
      const n = of(times).findIndex((one) => one.color === color && one.index === index);
      if (n >= 0) return { what, core, op, n };
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
  return op.kind === 'vector' && takes.length > 0 && sends.length > 0;
}

/** The number of the last of some passings that is in a cycle, or -1. */
function lastAt(passings: Passing[], at: number): number {
  for (let i = passings.length - 1; i >= 0; i--) if (passings[i].at === at) return i;
  return -1;
}
