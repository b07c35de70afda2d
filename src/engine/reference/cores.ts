/**
 * The cores of the reference engine: operations in order, and a cause for every cycle (rules:
 * machine-model section 4a).
 */
import { takesOf } from '../../program/program.js';
import type { MemoryOperation, Operation, RouteOp } from '../../program/program.js';
import { checkRoute, indexFailure, type Failure } from '../checks.js';
import { executeOperation } from '../execute.js';
import { badIndex, raised, type IndexFault } from '../indexed.js';
import { dueAt } from './calendar.js';
import { NEVER, inputPort, setRoute, slotsTaken } from './fabric.js';
import { ACT, BEGIN, COMPUTE, END, SETUP, START, STREAM, WAIT_INPUT } from './machine.js';
import { WAIT_OUTPUT, operationOf, timingOf } from './machine.js';
import type { Machine } from './machine.js';
import { nothingPassed, stream, task, traffic } from './streams.js';

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
  if (cycles === 0) return;
  const { label } = operationOf(m, core);
  if (cause === WAIT_INPUT) m.labelWaitInput[label] += cycles;
  if (cause === WAIT_OUTPUT) m.labelWaitOutput[label] += cycles;
  if (cause > COMPUTE) return;
  m.busy[core * m.labelEnd.length + label] += cycles;
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
      return streams(m, core, op, t);
    case END:
      return endOperation(m, core, t);
  }
}

function streams(m: Machine, core: number, op: Operation, t: number): void {
  switch (op.kind) {
    case 'vector':
      return op.by === 'task'
        ? task(m, core, m.raised[core], t)
        : stream(m, core, m.raised[core], t);
    case 'traffic':
      return traffic(m, core, op, t);
    default:
      op satisfies MemoryOperation | RouteOp;
  }
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

/** The wrong index that an operation takes, of the numbers there are or those computed apart. */
function indexFault(m: Machine, core: number, op: Operation): IndexFault | undefined {
  const { memory } = m.input;
  const operation = m.op[core];
  if (memory === undefined) {
    const known = m.badIndices.get(core);
    return known?.operation === operation ? known : undefined;
  }
  const detail = badIndex(op, memory[core]);
  return detail === undefined ? undefined : { core, operation, detail };
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
  const { program, memory } = m.input;
  if (op.kind === 'route') return changeRoute(m, core, op, t);
  const fault = indexFault(m, core, op);
  if (fault !== undefined) return void failsWith(m, core, [indexFailure(program, fault)]);
  if (source < 0 && destination < 0) {
    if (memory !== undefined) executeOperation(op, memory[core]);
    return spend(m, core, COMPUTE, END, t + cycles);
  }
  m.start[core] = t;
  m.taken[core] = m.sent[core] = m.moves[core] = 0;
  if (op.kind === 'vector') m.raised[core] = memory === undefined ? op : raised(op, memory[core]);
  if (op.kind === 'vector' && destination >= 0)
    m.pipe[core] = new Float64Array(op.by === 'task' ? 2 : latency * 3);
  if (op.kind === 'traffic' && op.exchange) m.passed[core] = nothingPassed(op.exchange);
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
