/**
 * The cores of the reference engine: operations in order, streams wavelet by wavelet, and a cause for
 * every cycle (rules: machine-model section 4a).
 */
import { RAMP } from '../../hardware/mesh.js';
import { colorOfWavelet, sendColors, sendsOf, takeColors, takesOf } from '../../program/program.js';
import type { Operation, Program, RouteOp, TrafficOp, VectorOp } from '../../program/program.js';
import { timeOf, type OpTiming } from '../../program/timing.js';
import { createCalendar, dueAt } from './calendar.js';
import { checkRoute, firstUnwritten, type Failure, type Waiter } from '../checks.js';
import { NO_END, type RunInput, type Standing } from '../engine.js';
import { createInstants } from '../instants.js';
import { executeOperation, executeWavelet } from '../execute.js';
import { CORE, NEVER, createFabric, hasSlot, hasWavelet } from './fabric.js';
import { inputPort, put, setRoute, slotsTaken, take, usableFrom } from './fabric.js';
import type { Fabric } from './fabric.js';

/** Causes of a core's cycles. */
const SETUP = 0;
const COMPUTE = 1;
const WAIT_INPUT = 2;
const WAIT_OUTPUT = 3;

/** What comes next for a core. */
const START = 0;
const BEGIN = 1;
const ACT = 2;
const STREAM = 3;
const END = 4;

export type Machine = ReturnType<typeof createMachine>;

/** Cores before their first cycle, on a fabric with its first routes. */
export function createMachine(input: RunInput) {
  const { program, wafer, startAt } = input;
  const cores = program.width * program.height;
  const perCore = () => new Float64Array(cores);
  const calendar = createCalendar();
  const starts = startAt === undefined ? perCore() : Float64Array.from(startAt);
  return {
    input,
    cores,
    calendar,
    fabric: createFabric(input, calendar),
    timings: program.roles.map((role) => role.operations.map((op) => timeOf(op, wafer.costs))),
    unwritten: program.roles.map(firstUnwritten),
    failures: [] as Failure[],
    /** The operation of each core, what comes next, not before which cycle. */
    op: perCore(),
    next: perCore(),
    until: starts.slice(),
    /** What a core's cycles from `since` on are spent on; cycles spent, by cause and by label. */
    cause: perCore(),
    since: starts,
    spent: [perCore(), perCore(), perCore(), perCore()],
    busy: new Float64Array(cores * program.labels.length),
    /** The stream of each core: its start, wavelets taken and sent, its pipeline and moves of it. */
    start: perCore(),
    taken: perCore(),
    sent: perCore(),
    moves: perCore(),
    pipe: [] as Float64Array[],
    end: perCore(),
    labelEnd: new Float64Array(program.labels.length).fill(NO_END),
    labelCore: new Int32Array(program.labels.length),
    /** If they are asked for: when wavelets of traffic were sent and taken. */
    instants: input.instants ? createNotes(program) : undefined,
    /** The last cycle of set-up or compute. */
    busyUntil: -Infinity,
  };
}

/** The instants so far, and where the next one of each core is written. */
function createNotes(program: Program) {
  const instants = createInstants(program);
  const { enteredFrom, takenFrom } = instants;
  return { ...instants, nextEntered: enteredFrom.slice(), nextTaken: takenFrom.slice() };
}

function operationOf(m: Machine, core: number) {
  const { roles, roleOf } = m.input.program;
  return roles[roleOf[core]].operations[m.op[core]];
}

function timingOf(m: Machine, core: number) {
  return m.timings[m.input.program.roleOf[core]][m.op[core]];
}

/** A core's cycles from now on go to `cause`; in cycle `until` comes `next`. */
function spend(m: Machine, core: number, cause: number, next: number, until: number): void {
  m.cause[core] = cause;
  m.next[core] = next;
  m.until[core] = until;
  dueAt(m.calendar, until).cores.push(core);
}

/** Everything that happens to a core at the start of cycle `t`, up to what takes time. */
export function visitCore(m: Machine, core: number, t: number): void {
  if (t < m.until[core]) return;
  account(m, core, t);
  while (m.until[core] <= t) step(m, core, t);
}

/** The cycles since the last visit had the cause found then. */
function account(m: Machine, core: number, t: number): void {
  const cycles = t - m.since[core];
  const cause = m.cause[core];
  m.since[core] = t;
  m.spent[cause][core] += cycles;
  if (cycles === 0 || cause > COMPUTE) return;
  m.busy[core * m.labelEnd.length + operationOf(m, core).label] += cycles;
  m.busyUntil = Math.max(m.busyUntil, t - 1);
}

function step(m: Machine, core: number, t: number): void {
  const op = operationOf(m, core);
  switch (m.next[core]) {
    case START:
      if (op === undefined) return done(m, core, t);
      return spend(m, core, SETUP, BEGIN, t + m.input.wafer.costs.programStart);
    case BEGIN:
      if (op === undefined) return done(m, core, t);
      if (readsUnwritten(m, core)) return;
      return spend(m, core, SETUP, ACT, t + timingOf(m, core).setup);
    case ACT:
      return act(m, core, t);
    case STREAM:
      return op.kind === 'traffic' ? traffic(m, core, op, t) : stream(m, core, op as VectorOp, t);
    case END:
      return endOperation(m, core, t);
  }
}

/** Is a core's program over? Once nothing moves, a core that is not will never be. */
export function isDone(m: Machine, core: number): boolean {
  return m.until[core] === NEVER;
}

function done(m: Machine, core: number, t: number): void {
  m.end[core] = t;
  m.until[core] = NEVER;
}

function readsUnwritten(m: Machine, core: number): boolean {
  const bad = m.unwritten[m.input.program.roleOf[core]];
  if (bad === undefined || bad.operation !== m.op[core]) return false;
  return failsWith(m, core, [{ code: 'unwritten', core, detail: bad.detail }]);
}

/** A core that fails goes no further; the engine stops after this cycle. */
function failsWith(m: Machine, core: number, failures: Failure[]): boolean {
  m.failures.push(...failures);
  if (failures.length > 0) m.until[core] = NEVER;
  return failures.length > 0;
}

/** Set-up is over: the operation does what it does. */
function act(m: Machine, core: number, t: number): void {
  const op = operationOf(m, core);
  const { source, destination, wavelets, cycles, latency } = timingOf(m, core);
  if (op.kind === 'route') return changeRoute(m, core, op, t);
  if (source < 0 && destination < 0) {
    if (m.input.memory !== undefined) executeOperation(op, m.input.memory[core]);
    return spend(m, core, COMPUTE, END, t + cycles);
  }
  m.start[core] = t;
  m.taken[core] = m.sent[core] = m.moves[core] = 0;
  if (op.kind === 'vector' && destination >= 0) m.pipe[core] = new Float64Array(latency * 3);
  const expected = op.kind === 'traffic' ? takesOf(op) : 0;
  spend(m, core, COMPUTE, wavelets + expected > 0 ? STREAM : END, t);
}

function changeRoute(m: Machine, core: number, op: RouteOp, t: number): void {
  const { program, wafer } = m.input;
  const port = inputPort(m.fabric, core, op.color);
  const failures = checkRoute(program, wafer, core, op);
  if (port >= 0 && slotsTaken(m.fabric, core, port, op.color) > 0)
    failures.push({
      code: 'route-change',
      core,
      color: op.color,
      detail: 'changes its route with wavelets queued',
    });
  if (failsWith(m, core, failures)) return;
  setRoute(m.fabric, core, op);
  dueAt(m.calendar, t).routers.push(core);
  spend(m, core, SETUP, END, t);
}

/**
 * One cycle of a stream. Results to the fabric come out of a rigid pipeline: what is consumed at one
 * move of it stands at its end `latency` moves later; it stands still while that has no slot.
 */
function stream(m: Machine, core: number, op: VectorOp, t: number): void {
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
    send(m, core, destination, t);
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

/** One cycle of synthetic traffic: what is due is sent, what is there is taken. */
function traffic(m: Machine, core: number, op: TrafficOp, t: number): void {
  const { fabric } = m;
  const toSend = sendsOf(op);
  const toTake = takesOf(op);
  const color = colorOfWavelet(op, m.sent[core]);
  const due = m.sent[core] < toSend && m.start[core] + op.times[m.sent[core]] <= t;
  const sends = due && hasSlot(fabric, core, RAMP, color, t);
  const received = m.taken[core] < toTake ? firstUsable(fabric, core, takeColors(op), t) : -1;
  const takes = received >= 0;
  if (takes) {
    take(fabric, core, CORE, received, t);
    m.taken[core]++;
    if (m.instants) noteTaken(m.instants, core, received, t);
  }
  if (sends) {
    send(m, core, color, t);
    if (m.instants) m.instants.entered[m.instants.nextEntered[core]++] = t;
  }
  m.cause[core] = sends ? COMPUTE : due ? WAIT_OUTPUT : WAIT_INPUT;
  const nextDue = m.sent[core] < toSend ? m.start[core] + op.times[m.sent[core]] : NEVER;
  const over = m.sent[core] === toSend && m.taken[core] === toTake;
  carryOn(m, core, over, sends || takes ? t + 1 : nextDue > t ? nextDue : NEVER, t);
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

function send(m: Machine, core: number, color: number, t: number): void {
  put(m.fabric, core, RAMP, color, t);
  m.sent[core]++;
  m.fabric.sent++;
}

/** After a cycle of a stream: it is over, or goes on in cycle `again` or when the fabric wakes it. */
function carryOn(m: Machine, core: number, over: boolean, again: number, t: number): void {
  m.until[core] = t + 1;
  if (over) m.next[core] = END;
  if (over) dueAt(m.calendar, t + 1).cores.push(core);
  else if (again !== NEVER) dueAt(m.calendar, again).cores.push(core);
}

function endOperation(m: Machine, core: number, t: number): void {
  const { label } = operationOf(m, core);
  const first = core < m.labelCore[label];
  if (t > m.labelEnd[label] || (t === m.labelEnd[label] && first)) {
    m.labelEnd[label] = t;
    m.labelCore[label] = core;
  }
  m.op[core]++;
  m.next[core] = BEGIN;
}

/** What a core that will never be done waits for. */
export function waitersAt(m: Machine, core: number): Waiter[] {
  const op = operationOf(m, core);
  const { source, destination } = timingOf(m, core);
  const input: Waiter = { core, color: source, for: 'input', label: op.label };
  const output: Waiter = { core, color: destination, for: 'output', label: op.label };
  if (op.kind !== 'traffic') return [m.cause[core] === WAIT_INPUT ? input : output];
  const color = colorOfWavelet(op, m.sent[core]);
  const both = m.sent[core] < sendsOf(op) ? [{ ...output, color }] : [];
  if (m.taken[core] >= takesOf(op)) return both;
  return [...both, ...takeColors(op).map((received) => ({ ...input, color: received }))];
}

/** The cycle from which a core of synthetic traffic that is not done has a wavelet to send, or none. */
export function nextInjection(m: Machine, core: number): number {
  const op = operationOf(m, core);
  if (isDone(m, core) || op.kind !== 'traffic' || m.sent[core] === sendsOf(op)) return -NEVER;
  return m.start[core] + op.times[m.sent[core]];
}

/** What cores that have begun and are not done do since the last visits. */
export function standingOf(m: Machine): Standing[] {
  return Array.from({ length: m.cores }, (_, core) => core)
    .filter((core) => m.next[core] !== START && !isDone(m, core))
    .map((core) => {
      const op = operationOf(m, core);
      const streams = m.next[core] === STREAM || m.next[core] === END;
      return { core, label: op.label, ...colorsOf(op, streams, timingOf(m, core)) };
    });
}

function colorsOf(op: Operation, streams: boolean, { source, destination, wavelets }: OpTiming) {
  if (!streams) return { receives: [], sends: [] };
  if (op.kind === 'traffic')
    return {
      receives: takesOf(op) > 0 ? takeColors(op) : [],
      sends: sendsOf(op) > 0 ? sendColors(op) : [],
    };
  const used = (color: number) => (color >= 0 && wavelets > 0 ? [color] : []);
  return { receives: used(source), sends: used(destination) };
}
