/**
 * The wafer on a clock, for programs whose streams meet: cycle by cycle, but only routers and cores
 * for which something changed. Wavelets are counts, not objects: a router keeps one bit per colour for
 * "one is eligible" and one for "some output has no slot", so that a cycle of it costs what it moves.
 * Timing only; where the machine fails it says so and leaves the telling to the reference.
 */
import type { RunInput, RunResult } from '../engine.js';
import { PORTS } from '../../hardware/mesh.js';
import { FROM_CORE, LINK, TO_CORE, type Channels } from './channels.js';
import { stepCores } from './clocked-cores.js';
import {
  CREDIT,
  SENT,
  TO,
  FROM,
  KIND,
  FLAGS,
  HELD,
  IS_INPUT,
  IS_OUTPUT,
  MEETS,
  OUTPUTS,
  FIRST_OUT,
  BLOCKED,
  fillChannels,
  setRoute,
  setOutputs,
} from './clocked-routes.js';
import { resultOf, type Tally } from './tally.js';
import type { Operations } from './operations.js';
import { createWheel, nextCycle, setTimer, siftTimers, takeTimer } from './wheel.js';

const LONG_AGO = -0x80000000;

export type Clocked = ReturnType<typeof createClocked>;

/** Runs a program on the clock; undefined if the machine fails somewhere. */
export function runClocked(
  input: RunInput,
  ops: Operations,
  channels: Channels,
  tally: Tally,
): RunResult | undefined {
  const m = createClocked(input, ops, channels, tally);
  let t = m.start;
  for (let cycle = 0; !m.failed; cycle++) {
    if (t >= m.wheel.sift) siftTimers(m.wheel, t);
    receive(m, t);
    for (let core = takeTimer(m.wheel, t); core >= 0; core = takeTimer(m.wheel, t))
      if (m.coreSeen[core] !== t) {
        m.coreSeen[core] = t;
        m.cores[m.coreCount++] = core;
      }
    if (m.coreCount > 0) stepCores(m, t);
    if (m.routerCount > 0) stepRouters(m, t);
    swapLists(m);
    if (m.pending > 0 || m.coreCount > 0 || m.routerCount > 0) t++;
    else if (m.wheel.near + m.wheel.beyond > 0) t = nextCycle(m.wheel, t);
    else break;
    if ((cycle & 0xffff) === 0xffff) input.onProgress?.(t);
  }
  if (m.failed || m.done < channels.cores) return undefined;
  const { chan } = m;
  for (let c = 0; c < chan.length; c += 8) if (chan[c + HELD] > 0) return undefined;
  return resultOf(tally, channels, (channel) => chan[(channel << 3) + SENT], m.hazards);
}

function createClocked(input: RunInput, ops: Operations, channels: Channels, tally: Tally) {
  const { program, wafer, startAt } = input;
  const { cores, slots } = channels;
  const { hopCycles: hop, rampCycles: ramp, queueDepth } = wafer.fabric;
  const start = startAt === undefined ? 0 : startAt.reduce((a, b) => Math.min(a, b), 0x7fffffff);
  let ring = 2;
  while (ring <= Math.max(hop, ramp)) ring *= 2;
  const perCore = () => new Int32Array(cores);
  const total = channels.base[cores];
  const m = {
    ops,
    channels,
    tally,
    hop,
    ramp,
    slots,
    start,
    programStart: wafer.costs.programStart,
    chan: new Int32Array(total * 8),
    slot: new Int32Array(cores * slots * 8).fill(-1),
    /** By router: colours with an eligible wavelet, colours that lack a slot, who is tried first. */
    have: perCore(),
    blocked: perCore(),
    pointer: perCore(),
    /** When a slot with several inputs last heard a wavelet arrive. */
    heard: new Int32Array(cores * slots).fill(LONG_AGO),
    hazards: 0,
    /** What arrives (channel * 2) or is given back (+ 1) in the next cycles. */
    mask: ring - 1,
    events: Array.from({ length: ring }, () => new Int32Array(1024)),
    eventCount: new Int32Array(ring),
    pending: 0,
    /** Who is visited in this cycle and in the next. */
    cores: perCore(),
    coreCount: 0,
    nextCores: perCore(),
    nextCoreCount: 0,
    coreSeen: perCore().fill(LONG_AGO),
    routers: perCore(),
    routerCount: 0,
    nextRouters: perCore(),
    nextRouterCount: 0,
    routerSeen: perCore().fill(LONG_AGO),
    wheel: createWheel(cores, start),
    done: 0,
    failed: false,
    /** Cores: the operation, what comes next, the stream's channels and state. */
    op: perCore(),
    phase: new Uint8Array(cores),
    input: perCore().fill(-1),
    output: perCore().fill(-1),
    left: perCore(),
    taken: perCore(),
    pipe: perCore(),
    stalled: perCore(),
    opStart: perCore(),
    due: perCore(),
  };
  fillChannels(m, queueDepth);
  for (let core = 0; core < cores; core++) {
    const role = program.roles[channels.roleOf[core]];
    for (let s = 0; s < slots; s++) setOutputs(m, core, s, -1, 0);
    for (const route of role.routes) setRoute(m, core, route.color, route.inputs, route.outputs);
    m.op[core] = ops.first[channels.roleOf[core]];
    setTimer(m.wheel, core, startAt?.[core] ?? 0, start);
  }
  return m;
}

/** Has the router visited in cycle `t` (the present one). */
export function wakeRouter(m: Clocked, core: number, t: number): void {
  if (m.routerSeen[core] === t) return;
  m.routerSeen[core] = t;
  m.routers[m.routerCount++] = core;
}

/** Arrivals and returned credits of cycle `t`. */
function receive(m: Clocked, t: number): void {
  const { chan, slot, have, blocked, heard, slots } = m;
  const { input, output, coreSeen, cores } = m;
  const b = t & m.mask;
  const n = m.eventCount[b];
  const events = m.events[b];
  m.eventCount[b] = 0;
  m.pending -= n;
  for (let i = 0; i < n; i++) {
    const c = (events[i] >> 1) << 3;
    const kind = chan[c + KIND];
    if ((events[i] & 1) === 1) {
      if (chan[c + CREDIT]++ > 0) continue;
      const core = chan[c + FROM] >>> 5;
      if (kind === FROM_CORE) {
        if (output[core] === c >> 3 && coreSeen[core] !== t) {
          coreSeen[core] = t;
          cores[m.coreCount++] = core;
        }
        continue;
      }
      if ((chan[c + FLAGS] & IS_OUTPUT) === 0) continue;
      const local = chan[c + FROM] & 31;
      if (--slot[((core * slots + local) << 3) + BLOCKED] > 0) continue;
      blocked[core] &= ~(1 << local);
      if ((have[core] >> local) & 1) wakeRouter(m, core, t);
      continue;
    }
    const core = chan[c + TO] >>> 5;
    const before = chan[c]++;
    if (kind === TO_CORE) {
      if (before === 0 && input[core] === c >> 3 && coreSeen[core] !== t) {
        coreSeen[core] = t;
        cores[m.coreCount++] = core;
      }
      continue;
    }
    const local = chan[c + TO] & 31;
    if ((chan[c + FLAGS] & MEETS) !== 0) {
      if (heard[core * slots + local] === t) m.hazards++;
      heard[core * slots + local] = t;
    }
    if (before > 0 || (chan[c + FLAGS] & IS_INPUT) === 0) continue;
    have[core] |= 1 << local;
    if (((blocked[core] >> local) & 1) === 0) wakeRouter(m, core, t);
  }
}

/** Room for `more` events in the lists that routers and cores write to in cycle `t`. */
export function roomForEvents(m: Clocked, t: number, more: number): void {
  for (const delay of [m.hop, m.ramp]) {
    const b = (t + delay) & m.mask;
    const wanted = m.eventCount[b] + more;
    if (wanted <= m.events[b].length) continue;
    const grown = new Int32Array(wanted * 2);
    grown.set(m.events[b]);
    m.events[b] = grown;
  }
}

/** One cycle of all routers that have something to move. */
function stepRouters(m: Clocked, t: number): void {
  const {
    chan,
    slot,
    have,
    blocked,
    pointer,
    slots,
    routers,
    routerCount,
    nextRouters,
    routerSeen,
  } = m;
  roomForEvents(m, t, routerCount * 2 * PORTS);
  const { eventCount } = m;
  const hopAt = (t + m.hop) & m.mask;
  const rampAt = (t + m.ramp) & m.mask;
  const hopEvents = m.events[hopAt];
  const rampEvents = m.events[rampAt];
  let waiting = m.nextRouterCount;
  let moved = 0;
  for (let i = 0; i < routerCount; i++) {
    const core = routers[i];
    const from = pointer[core];
    let rest = have[core] & ~blocked[core];
    let granted = 0;
    let first = -1;
    while (rest !== 0) {
      const ahead = rest & (-1 << from);
      const bit = ahead !== 0 ? ahead & -ahead : rest & -rest;
      rest ^= bit;
      const local = 31 - Math.clz32(bit);
      const s = (core * slots + local) << 3;
      const outputs = slot[s + OUTPUTS];
      if ((outputs & granted) !== 0) continue;
      granted |= outputs;
      if (first < 0) first = local;
      const c = slot[s] << 3;
      if (--chan[c] === 0) have[core] &= ~bit;
      chan[c + HELD]--;
      if (chan[c + KIND] === LINK) hopEvents[eventCount[hopAt]++] = (c >> 2) | 1;
      else rampEvents[eventCount[rampAt]++] = (c >> 2) | 1;
      moved++;
      for (let j = s + FIRST_OUT; j < s + BLOCKED && slot[j] >= 0; j++) {
        const o = slot[j] << 3;
        chan[o + SENT]++;
        chan[o + HELD]++;
        if (--chan[o + CREDIT] === 0) {
          slot[s + BLOCKED]++;
          blocked[core] |= bit;
        }
        if (chan[o + KIND] === LINK) hopEvents[eventCount[hopAt]++] = o >> 2;
        else rampEvents[eventCount[rampAt]++] = o >> 2;
        moved++;
      }
    }
    if (first < 0) continue;
    pointer[core] = (first + 1) & 31;
    if ((have[core] & ~blocked[core]) === 0) continue;
    routerSeen[core] = t + 1;
    nextRouters[waiting++] = core;
  }
  m.nextRouterCount = waiting;
  m.pending += moved;
}

function swapLists(m: Clocked): void {
  [m.cores, m.nextCores] = [m.nextCores, m.cores];
  m.coreCount = m.nextCoreCount;
  m.nextCoreCount = 0;
  [m.routers, m.nextRouters] = [m.nextRouters, m.routers];
  m.routerCount = m.nextRouterCount;
  m.nextRouterCount = 0;
}
