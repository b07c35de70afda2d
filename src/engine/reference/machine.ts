/** The reference's state: what each core does and is to do, and what was counted of it. */
import type { Operation, Program, VectorOp } from '../../program/program.js';
import { timeOf, type OpTiming } from '../../program/timing.js';
import { firstUnwritten, type Failure } from '../checks.js';
import { NO_END, type RunInput } from '../engine.js';
import { createInstants } from '../instants.js';
import { createCalendar } from './calendar.js';
import { NEVER, createFabric, type EventNote } from './fabric.js';

/** Causes of a core's cycles. */
export const SETUP = 0;
export const COMPUTE = 1;
export const WAIT_INPUT = 2;
export const WAIT_OUTPUT = 3;

/** What comes next for a core. */
export const START = 0;
export const BEGIN = 1;
export const ACT = 2;
export const STREAM = 3;
export const END = 4;

export type Machine = ReturnType<typeof createMachine>;

/** Cores before their first cycle, on a fabric with its first routes. */
export function createMachine(input: RunInput, note?: EventNote) {
  const { program, wafer, startAt } = input;
  const cores = program.width * program.height;
  const perCore = () => new Float64Array(cores);
  const calendar = createCalendar();
  const starts = startAt === undefined ? perCore() : Float64Array.from(startAt);
  return {
    input,
    cores,
    calendar,
    fabric: createFabric(input, calendar, note),
    timings: program.roles.map((role) => role.operations.map((op) => timeOf(op, wafer.costs))),
    unwritten: program.roles.map(firstUnwritten),
    failures: [] as Failure[],
    badIndices: new Map(input.badIndices?.map((fault) => [fault.core, fault])),
    /** The operation of each core, what comes next, not before which cycle. */
    op: perCore(),
    next: perCore(),
    until: starts.slice(),
    /** What a core's cycles from `since` on are spent on; cycles spent, by cause and by label. */
    cause: perCore(),
    since: starts,
    spent: [perCore(), perCore(), perCore(), perCore()],
    busy: new Float64Array(cores * program.labels.length),
    /** The stream of each core, its addresses raised: its start, wavelets taken and sent, its pipeline and moves of it. */
    raised: [] as VectorOp[],
    start: perCore(),
    taken: perCore(),
    sent: perCore(),
    moves: perCore(),
    pipe: [] as Float64Array[],
    /** Of an exchange: wavelets of each vector sent, then of each taken. */
    passed: [] as Int32Array[],
    end: perCore(),
    labelEnd: new Float64Array(program.labels.length).fill(NO_END),
    labelCore: new Int32Array(program.labels.length),
    labelWaitInput: new Float64Array(program.labels.length),
    labelWaitOutput: new Float64Array(program.labels.length),
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

/** The operation that a core is at; undefined after the last. */
export function operationOf(m: Machine, core: number): Operation {
  const { roles, roleOf } = m.input.program;
  return roles[roleOf[core]].operations[m.op[core]];
}

export function timingOf(m: Machine, core: number): OpTiming {
  return m.timings[m.input.program.roleOf[core]][m.op[core]];
}

/** Is a core's program over? Once nothing moves, a core that is not done will never be. */
export function isDone(m: Machine, core: number): boolean {
  return m.until[core] === NEVER;
}
