/** The cores of the clocked engine: operations in order, streams through a rigid pipeline. */
import { RAMP } from '../../hardware/mesh.js';
import type { RouteOp, TrafficOp } from '../../program/program.js';
import { channelFrom, channelSent } from './channels.js';
import { AVAILABLE, CREDIT, HELD, SENT, holdsWavelets, setRoute } from './clocked-routes.js';
import { roomForEvents, wakeRouter, type Clocked } from './clocked.js';
import { FIXED, ROUTE, STREAM } from './operations.js';
import { endLabel } from './tally.js';
import { setTimer } from './wheel.js';

/** What a visit to a core means. */
const START = 0;
const BEGIN_STREAM = 1;
const CHANGE_ROUTE = 2;
const STREAMING = 3;
const EXCHANGING = 4;
const DONE = 5;

const NOT_STALLED = -0x80000000;

/** One cycle of all cores that may have something to do. */
export function stepCores(m: Clocked, t: number): void {
  roomForEvents(m, t, m.coreCount * 2);
  for (let i = 0; i < m.coreCount; i++) {
    const core = m.cores[i];
    switch (m.phase[core]) {
      case START:
        start(m, core, t);
        break;
      case BEGIN_STREAM:
        beginStream(m, core, t);
        break;
      case CHANGE_ROUTE:
        changeRoute(m, core, t);
        break;
      case STREAMING:
        stream(m, core, t);
        break;
      case EXCHANGING:
        exchange(m, core, t);
    }
  }
}

function start(m: Clocked, core: number, t: number): void {
  const role = m.channels.roleOf[core];
  const idle = m.ops.first[role] === m.ops.first[role + 1];
  advance(m, core, idle ? t : t + m.programStart, t);
}

/** From cycle `at` on the core is at its next operation: goes on to what touches the fabric. */
function advance(m: Clocked, core: number, at: number, now: number): void {
  const { ops } = m;
  const last = ops.first[m.channels.roleOf[core] + 1];
  let op = m.op[core];
  m.input[core] = -1;
  m.output[core] = -1;
  for (; op < last && ops.kind[op] === FIXED; op++) {
    at += ops.setup[op] + ops.cycles[op];
    if (ops.last[op] === 1) endLabel(m.tally, ops.label[op], core, at);
  }
  m.op[core] = op;
  if (op === last) {
    m.tally.end[core] = at;
    m.phase[core] = DONE;
    m.done++;
    return;
  }
  m.phase[core] = ops.kind[op] === ROUTE ? CHANGE_ROUTE : BEGIN_STREAM;
  at += ops.setup[op];
  if (at > now) setTimer(m.wheel, core, at, now);
  else if (ops.kind[op] === ROUTE) changeRoute(m, core, now);
  else beginStream(m, core, now);
}

function endOperation(m: Clocked, core: number, at: number, now: number): void {
  const op = m.op[core]++;
  if (m.ops.last[op] === 1) endLabel(m.tally, m.ops.label[op], core, at);
  advance(m, core, at, now);
}

function changeRoute(m: Clocked, core: number, t: number): void {
  const op = m.ops.whole[m.op[core]] as RouteOp;
  if (holdsWavelets(m, core, op.color)) {
    m.failed = true;
    return;
  }
  setRoute(m, core, op.color, op.inputs, op.outputs);
  if ((m.have[core] & ~m.blocked[core]) !== 0) wakeRouter(m, core, t);
  endOperation(m, core, t, t);
}

function beginStream(m: Clocked, core: number, t: number): void {
  const { ops, channels } = m;
  const op = m.op[core];
  const { [op]: source } = ops.source;
  const { [op]: destination } = ops.destination;
  m.input[core] = source < 0 ? -1 : channelFrom(channels, core, RAMP, source);
  m.output[core] = destination < 0 ? -1 : channelSent(channels, core, destination);
  m.left[core] = ops.count[op];
  m.pipe[core] = 0;
  m.stalled[core] = NOT_STALLED;
  if (ops.kind[op] === STREAM) {
    m.phase[core] = STREAMING;
    stream(m, core, t);
    return;
  }
  const traffic = ops.whole[op] as TrafficOp;
  m.phase[core] = EXCHANGING;
  m.opStart[core] = t;
  m.taken[core] = traffic.receive < 0 ? 0 : traffic.expect;
  m.due[core] = ops.count[op] > 0 ? t + Math.max(0, traffic.times[0]) : t;
  exchange(m, core, t);
}

/** One cycle of a stream; pipe has a bit for each result, bit 0 for the one that stands at the end. */
function stream(m: Clocked, core: number, t: number): void {
  const { chan } = m;
  const input = m.input[core] << 3;
  const output = m.output[core] << 3;
  const left = m.left[core];
  const usable = left > 0 && (input < 0 || chan[input + AVAILABLE] > 0);
  if ((m.pipe[core] & 1) === 1) {
    if (chan[output + CREDIT] === 0) {
      if ((usable || left === 0) && m.stalled[core] === NOT_STALLED) m.stalled[core] = t;
      return;
    }
    if (m.stalled[core] !== NOT_STALLED) {
      m.tally.waitOutput[core] += t - m.stalled[core];
      m.stalled[core] = NOT_STALLED;
    }
    send(m, output, t);
  }
  m.pipe[core] = m.pipe[core] >>> 1;
  if (usable) {
    m.left[core]--;
    if (input >= 0) take(m, input, t);
    if (output >= 0) m.pipe[core] |= 1 << (m.ops.latency[m.op[core]] - 1);
  }
  const rest = m.left[core];
  if (rest === 0 && m.pipe[core] === 0) endOperation(m, core, t + 1, t);
  else if (m.pipe[core] !== 0 || (rest > 0 && (input < 0 || chan[input + AVAILABLE] > 0)))
    visitNext(m, core, t);
}

/** One cycle of synthetic traffic: at most one wavelet out and one in. */
function exchange(m: Clocked, core: number, t: number): void {
  const { chan } = m;
  const input = m.input[core] << 3;
  const output = m.output[core] << 3;
  let again = false;
  if (m.taken[core] > 0 && chan[input + AVAILABLE] > 0) {
    take(m, input, t);
    m.taken[core]--;
    again = m.taken[core] > 0 && chan[input + AVAILABLE] > 0;
  }
  if (m.left[core] > 0 && t >= m.due[core]) {
    if (chan[output + CREDIT] > 0) {
      if (m.stalled[core] !== NOT_STALLED) m.tally.waitOutput[core] += t - m.stalled[core];
      m.stalled[core] = NOT_STALLED;
      send(m, output, t);
      m.left[core]--;
      again = nextSend(m, core, t) || again;
    } else if (m.stalled[core] === NOT_STALLED) m.stalled[core] = t;
  } else if (m.left[core] > 0 && t === m.opStart[core] && m.due[core] > t)
    setTimer(m.wheel, core, m.due[core], t);
  if (m.left[core] === 0 && m.taken[core] === 0) endOperation(m, core, t + 1, t);
  else if (again) visitNext(m, core, t);
}

/** When the next wavelet may leave; true if in the next cycle. */
function nextSend(m: Clocked, core: number, t: number): boolean {
  const { left } = m;
  if (left[core] === 0) return false;
  const { times } = m.ops.whole[m.op[core]] as TrafficOp;
  m.due[core] = Math.max(t + 1, m.opStart[core] + times[times.length - left[core]]);
  if (m.due[core] === t + 1) return true;
  setTimer(m.wheel, core, m.due[core], t);
  return false;
}

function visitNext(m: Clocked, core: number, t: number): void {
  m.coreSeen[core] = t + 1;
  m.nextCores[m.nextCoreCount++] = core;
}

function send(m: Clocked, c: number, t: number): void {
  m.chan[c + CREDIT]--;
  m.chan[c + SENT]++;
  m.chan[c + HELD]++;
  m.pending++;
  const b = (t + m.ramp) & m.mask;
  m.events[b][m.eventCount[b]++] = c >> 2;
}

function take(m: Clocked, c: number, t: number): void {
  m.chan[c + AVAILABLE]--;
  m.chan[c + HELD]--;
  m.pending++;
  const b = (t + m.ramp) & m.mask;
  m.events[b][m.eventCount[b]++] = (c >> 2) | 1;
}
