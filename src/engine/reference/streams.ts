/** One cycle of an operation of the reference that touches the fabric, wavelet by wavelet. */
import { RAMP } from '../../hardware/mesh.js';
import { colorOfWavelet, sendsOf, takeColors, takesOf } from '../../program/program.js';
import { waveletsOf } from '../../program/exchange.js';
import type { Exchange, Passed, TrafficOp, VectorOp } from '../../program/program.js';
import { executeWavelet, readWavelet, writeWavelet } from '../execute.js';
import { dueAt } from './calendar.js';
import { CORE, NEVER, hasSlot, hasWavelet, put, take, usableFrom, type Fabric } from './fabric.js';
import { COMPUTE, END, WAIT_INPUT, WAIT_OUTPUT, timingOf, type Machine } from './machine.js';

/**
 * One cycle of a stream. Results to the fabric come out of a rigid pipeline: what is consumed at one
 * move of it stands at its end `latency` moves later; the pipeline stands still while that result has no slot.
 */
export function stream(m: Machine, core: number, op: VectorOp, t: number): void {
  const { source, destination, wavelets, latency } = timingOf(m, core);
  const { fabric } = m;
  const memory = m.input.memory?.[core];
  const sends = destination >= 0;
  const pipe = m.pipe[core];
  const stage = (m.moves[core] % latency) * 3;
  const missing =
    m.taken[core] < wavelets && source >= 0 && !hasWavelet(fabric, core, CORE, source, t);
  const stands = sends && pipe[stage] === 1;
  const stalled = stands && !hasSlot(fabric, core, RAMP, destination, t);
  const consumes = m.taken[core] < wavelets && !missing && !stalled;
  if (stands && !stalled) {
    fabric.wavelet.set(pipe.subarray(stage + 1, stage + 3));
    pipe[stage] = 0;
    send(m, core, destination, t, op.advance && m.sent[core] + 1 === wavelets);
  }
  if (consumes) {
    if (source >= 0) take(fabric, core, CORE, source, t);
    if (memory !== undefined) executeWavelet(op, memory, m.taken[core], fabric.wavelet);
    m.taken[core]++;
    if (sends) {
      pipe[stage] = 1;
      pipe.set(fabric.wavelet, stage + 1);
    }
  }
  if (!stalled) m.moves[core]++;
  m.cause[core] = missing ? WAIT_INPUT : stalled ? WAIT_OUTPUT : COMPUTE;
  const over = (sends ? m.sent[core] : m.taken[core]) === wavelets;
  // Nothing taken and nothing moving in the pipeline: a wavelet or a slot must come first.
  const asleep = !consumes && (stalled || !sends || m.sent[core] === m.taken[core]);
  carryOn(m, core, over, asleep ? NEVER : t + 1, t);
}

/**
 * A cycle of a task that has no work left: it works on one wavelet for `interval` cycles; in the next one
 * the result enters the ramp, if it has a slot, and a wavelet may be taken.
 */
export function task(m: Machine, core: number, op: VectorOp, t: number): void {
  const { source, destination, wavelets, interval } = timingOf(m, core);
  const { fabric } = m;
  const sends = destination >= 0;
  const pipe = m.pipe[core];
  const remains = m.taken[core] < wavelets;
  const missing = remains && !hasWavelet(fabric, core, CORE, source, t);
  const stands = sends && m.sent[core] < m.taken[core];
  const stalled = stands && !hasSlot(fabric, core, RAMP, destination, t);
  if (stands && !stalled) {
    fabric.wavelet.set(pipe);
    send(m, core, destination, t, op.advance && m.sent[core] + 1 === wavelets);
  }
  const takes = remains && !missing && !stalled;
  if (takes) {
    take(fabric, core, CORE, source, t);
    const memory = m.input.memory?.[core];
    if (memory !== undefined) executeWavelet(op, memory, m.taken[core], fabric.wavelet);
    m.taken[core]++;
    if (sends) pipe.set(fabric.wavelet);
  }
  m.cause[core] = missing ? WAIT_INPUT : stalled ? WAIT_OUTPUT : COMPUTE;
  const over = (sends ? m.sent[core] : m.taken[core]) === wavelets;
  carryOn(m, core, over, takes ? t + interval : NEVER, takes ? t + interval - 1 : t);
}

/** One cycle of traffic: what is due is sent, what is there is taken. */
export function traffic(m: Machine, core: number, op: TrafficOp, t: number): void {
  const { fabric } = m;
  const toSend = sendsOf(op);
  const toTake = takesOf(op);
  const color = colorOfWavelet(op, m.sent[core]);
  const due = m.sent[core] < toSend && m.start[core] + op.times[m.sent[core]] <= t;
  const sends = due && hasSlot(fabric, core, RAMP, color, t);
  const received =
    m.taken[core] < toTake ? firstUsable(fabric, core, wantedColors(m, core, op), t) : -1;
  const takes = received >= 0;
  if (takes) {
    take(fabric, core, CORE, received, t);
    if (op.exchange) storeTaken(m, core, op, op.exchange, received);
    m.taken[core]++;
    if (m.instants) noteTaken(m.instants, core, received, t);
  }
  if (sends) {
    if (op.exchange) loadSent(m, core, op, op.exchange);
    send(m, core, color, t);
    if (m.instants) m.instants.entered[m.instants.nextEntered[core]++] = t;
  }
  m.cause[core] = sends ? COMPUTE : due ? WAIT_OUTPUT : WAIT_INPUT;
  const nextDue = m.sent[core] < toSend ? m.start[core] + op.times[m.sent[core]] : NEVER;
  const over = m.sent[core] === toSend && m.taken[core] === toTake;
  carryOn(m, core, over, sends || takes ? t + 1 : nextDue > t ? nextDue : NEVER, t);
}

/** Counters for an exchange that begins. */
export function nothingPassed({ sends, takes }: Exchange): Int32Array {
  return new Int32Array(sends.length + takes.length);
}

/** The next wavelet of the vector whose turn it is. */
function loadSent(m: Machine, core: number, op: TrafficOp, { type, sends }: Exchange): void {
  const memory = m.input.memory?.[core];
  const which = op.turns?.[m.sent[core]] ?? 0;
  const index = m.passed[core][which]++;
  if (memory !== undefined) readWavelet(type, sends[which], memory, index, m.fabric.wavelet);
}

function storeTaken(
  m: Machine,
  core: number,
  op: TrafficOp,
  { type, sends, takes }: Exchange,
  color: number,
): void {
  const memory = m.input.memory?.[core];
  const which = takeColors(op).indexOf(color);
  const index = m.passed[core][sends.length + which]++;
  if (memory !== undefined) writeWavelet(type, takes[which], memory, index, m.fabric.wavelet);
}

function noteTaken(
  notes: NonNullable<Machine['instants']>,
  core: number,
  color: number,
  t: number,
) {
  const next = notes.nextTaken[core]++;
  notes.taken[next] = t;
  notes.takenColor[next] = color;
}

/** The colours of which it takes more: an exchange takes no more than the wavelets of its vectors. */
function wantedColors(m: Machine, core: number, op: TrafficOp): number[] {
  const { exchange } = op;
  if (exchange === undefined) return takeColors(op);
  const { sends, takes, type } = exchange;
  const isWanted = (vector: Passed, which: number) =>
    m.passed[core][sends.length + which] < waveletsOf(type, vector);
  return takes.filter(isWanted).map(({ color }) => color);
}

/** Of these colours the one whose first wavelet has been usable by the core for longest, or -1. */
function firstUsable(fabric: Fabric, core: number, colors: number[], t: number): number {
  let first = -1;
  let since = t + 1;
  for (const color of colors) {
    const usable = usableFrom(fabric, core, CORE, color);
    if (usable < since) [first, since] = [color, usable];
  }
  return first;
}

/** A wavelet enters the ramp; marked for switches or not. */
function send(m: Machine, core: number, color: number, t: number, marked = false): void {
  m.fabric.isMarked = marked;
  put(m.fabric, core, RAMP, color, t);
  m.fabric.note?.('sends', core, color, t);
  m.sent[core]++;
  m.fabric.sent++;
}

/** After a cycle of a stream: it is over, or continues in cycle `again` or when the fabric wakes it. */
function carryOn(m: Machine, core: number, over: boolean, again: number, t: number): void {
  m.until[core] = t + 1;
  if (over) m.next[core] = END;
  if (over) dueAt(m.calendar, t + 1).cores.push(core);
  else if (again !== NEVER) dueAt(m.calendar, again).cores.push(core);
}
