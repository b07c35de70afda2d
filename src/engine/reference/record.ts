/**
 * What the reference engine does, cycle by cycle, for people to look at: its observer compares every core with the cycle
 * before, and its notes are the wavelets that moved. The engine knows nothing of it.
 */
import { listMemory, listOperation } from '../../program/listing.js';
import type { Operation } from '../../program/program.js';
import { createEventWriter, departCode, noEvents, stateCode } from '../../recording/events.js';
import { IDLE, whyNotRecorded, type Recording } from '../../recording/recording.js';
import { latestOf, type RunInput, type RunResult } from '../engine.js';
import { NEVER, type EventNote } from './fabric.js';
import { START, type Machine } from './machine.js';
import { startReference, type Observer } from './reference.js';

export interface RecordLimits {
  /** Cycles from the first on. */
  mostCycles?: number;
  /** Bytes of events. */
  mostBytes?: number;
}

/** Some seconds of the reference on the largest mesh. Streams compress to a tenth and less, random traffic hardly. */
const MOST: Required<RecordLimits> = { mostCycles: 20_000, mostBytes: 2 ** 20 };

/**
 * Runs a program by the reference engine and records all of its cycles, or as many as the limits allow: then it is not
 * simulated further.
 * @throws RangeError for a mesh of more than 16 x 16 cores, and what the engine throws
 */
export function recordCycles(input: RunInput, limits: RecordLimits = {}): Recording {
  const { program, wafer, startAt } = input;
  const why = whyNotRecorded(program);
  if (why !== undefined) throw new RangeError(why);
  const { mostCycles, mostBytes } = { ...MOST, ...limits };
  const cores = program.roleOf.length;
  const { colors, queueDepth, hopCycles, rampCycles } = wafer.fabric;
  const from = startAt === undefined ? 0 : Math.min(...startAt);
  const writer = createEventWriter(from);
  const [state, operation] = [new Uint8Array(cores).fill(IDLE), new Int32Array(cores)];
  let events = noEvents();
  let cut: Recording['cut'];
  let to = from;

  const note: EventNote = (kind, core, color, _t, port = 0, outputs = 0) => {
    const place = core * colors + color;
    events[kind].push(kind === 'departs' ? departCode(place, port, outputs) : place);
  };
  const observe: Observer = (m, t) => {
    if (cut !== undefined) return;
    if (t - from >= mostCycles) cut = 'cycles';
    else if (writer.size() > mostBytes) cut = 'bytes';
    if (cut !== undefined) {
      to = cut === 'cycles' ? from + mostCycles : t;
      return;
    }
    for (let core = 0; core < cores; core++) {
      const next = stateAt(m, core, t);
      const steps = m.op[core] - operation[core];
      if (steps === 0 && next === state[core]) continue;
      events.states.push(stateCode(cores, core, steps, next));
      state[core] = next;
      operation[core] = m.op[core];
    }
    if (Object.values(events).every((list) => list.length === 0)) return;
    writer.add(t, events);
    events = noEvents();
  };

  const run = startReference(input, observe, note);
  const isCut = () => cut !== undefined;
  let result: RunResult | undefined;
  while (result === undefined && !isCut()) result = run.advance();
  if (result !== undefined && !isCut()) to = Math.max(from, latestOf(result.end));
  return {
    ...{ name: input.name ?? program.name, width: program.width, height: program.height },
    ...{ colors, queueDepth, hopCycles, rampCycles },
    ...(program.linkHops && { linkHops: [...program.linkHops] }),
    ...listsOf(input),
    roleOf: [...program.roleOf],
    ...{ from, to },
    ...(cut && { cut }),
    events: writer.bytes(),
  };
}

/** What the cycles of a core go to, from cycle `t` on. */
function stateAt(m: Machine, core: number, t: number): number {
  const isBefore = m.next[core] === START && m.until[core] > t;
  return isBefore || m.until[core] === NEVER ? IDLE : m.cause[core];
}

/** Roles by name, and the lists of operations that they share. */
function listsOf({ program: { roles, labels } }: RunInput): Pick<Recording, 'roles' | 'lists'> {
  const numberOf = new Map<Operation[], number>();
  for (const { operations } of roles)
    if (!numberOf.has(operations)) numberOf.set(operations, numberOf.size);
  const text = (op: Operation) => `${listOperation(op)}  (${labels[op.label]})`;
  return {
    roles: roles.map((role) => ({
      name: role.name,
      memory: listMemory(role),
      list: numberOf.get(role.operations)!,
    })),
    lists: [...numberOf.keys()].map((operations) => operations.map(text)),
  };
}
