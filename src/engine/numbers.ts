/**
 * A program's numbers without its times. Where each router's routes stay what they are, a core hears a colour
 * from one other core, in the order in which that core sends; so what is computed does not depend on when, and
 * cores run one after another, each as far as what it has been sent allows. Each operation does to its core's
 * memory what it does in the reference (execute.ts), element by element, so the numbers are the same bits.
 *
 * Times and faults of the machine are the engines': a program is to be timed as well.
 */
import { waveletsOf } from '../program/exchange.js';
import { isFabric } from '../program/program.js';
import type { Exchange, Operation, Program, VectorOp } from '../program/program.js';
import { executeOperation, executeWavelet, readWavelet, writeWavelet } from './execute.js';
import { badIndex, raised, type IndexFault } from './indexed.js';
import { colorsTaken, layWires, streamLength, type Wires } from './wires.js';

/** A computation in slices of some milliseconds. */
export interface Computation {
  /**
   * Wrong indices so far. A core that takes one goes no further, so all that any cycle of the program begins with
   * are found, and with them those of the first such cycle.
   */
  readonly badIndices: readonly IndexFault[];
  /** Continues for a slice; whether it is over, and all cores came to their ends. */
  advance(): 'running' | 'done' | 'stuck';
}

/** Visits of cores in a slice. */
const SLICE = 256;

/** Whether the numbers of a program depend on no time: no route ever changes, and no wavelets race. */
export function isTimeless({ roles }: Program): boolean {
  return roles.every(
    ({ routes, operations }) =>
      routes.every(({ inputs, positions = [] }) => isOne(inputs) && positions.length === 0) &&
      operations.every((op) => op.kind !== 'route' && (op.kind !== 'traffic' || op.exchange)),
  );
}

/** Whether a route takes from one port alone: streams that join do so in an order that times decide. */
function isOne(inputs: number): boolean {
  return (inputs & (inputs - 1)) === 0;
}

/**
 * Computes a timeless program.
 * @param memory of each core, changed in place
 */
export function startNumbers(program: Program, memory: Float32Array[]): Computation {
  const wires = layWires(program);
  const cores = program.roleOf.length;
  const state: State = {
    ...{ program, memory, wires },
    operation: new Int32Array(cores),
    taken: new Int32Array(cores),
    passed: new Map(),
    raised: new Map(),
    badIndices: [],
    sleeping: new Map(),
    awake: Int32Array.from({ length: cores }, (_, i) => cores - 1 - i),
    count: cores,
    wavelet: new Float64Array(2),
  };
  let left = cores;
  return {
    badIndices: state.badIndices,
    advance() {
      for (let visits = 0; visits < SLICE && state.count > 0; visits++)
        if (runCore(state, state.awake[--state.count])) left--;
      if (state.count > 0) return 'running';
      return left === 0 ? 'done' : 'stuck';
    },
  };
}

interface State {
  program: Program;
  memory: Float32Array[];
  wires: Wires;
  /** By core: the operation that it is at, and wavelets of it that are done. */
  operation: Int32Array;
  taken: Int32Array;
  /** Of a core in an exchange: wavelets of each vector that it has taken. */
  passed: Map<number, Int32Array>;
  /** Of a core in a stream whose addresses an index raised: the stream at these addresses. */
  raised: Map<number, VectorOp>;
  badIndices: IndexFault[];
  /** By wire: the cores that wait for its next wavelet. */
  sleeping: Map<number, number[]>;
  /** Cores that can run, the next one last. */
  awake: Int32Array;
  count: number;
  wavelet: Float64Array;
}

/** Runs a core as far as it can; whether it came to its end. */
function runCore(state: State, core: number): boolean {
  const { program, operation, taken } = state;
  const { operations } = program.roles[program.roleOf[core]];
  for (; operation[core] < operations.length; operation[core]++) {
    if (!runOperation(state, core, operations[operation[core]])) return false;
    taken[core] = 0;
  }
  return true;
}

/** Whether it is over; otherwise the core sleeps until more is sent. */
function runOperation(state: State, core: number, op: Operation): boolean {
  if (op.kind === 'traffic') return runExchange(state, core, op.exchange!);
  if (!state.raised.has(core) && isBad(state, core, op)) return false;
  if (op.kind !== 'vector' || !touchesFabric(op)) {
    executeOperation(op, state.memory[core]);
    return true;
  }
  return runStream(state, core, op);
}

/** Whether an operation that begins takes a wrong index. */
function isBad({ memory, operation, badIndices }: State, core: number, op: Operation): boolean {
  const detail = badIndex(op, memory[core]);
  if (detail !== undefined) badIndices.push({ core, operation: operation[core], detail });
  return detail !== undefined;
}

function touchesFabric({ dst, a, b, c }: VectorOp): boolean {
  return isFabric(dst) || isFabric(a) || isFabric(b) || isFabric(c);
}

function runStream(state: State, core: number, given: VectorOp): boolean {
  const { wires, taken, wavelet } = state;
  const memory = state.memory[core];
  const op = state.raised.get(core) ?? raised(given, memory);
  const color = colorsTaken(op)[0] ?? -1;
  const wavelets = streamLength(op);
  const to = isFabric(op.dst) ? wires.sends[core * wires.colors + op.dst.color] : -1;
  let isOver = true;
  while (taken[core] < wavelets) {
    if (color >= 0 && !take(state, core, color)) {
      isOver = false;
      break;
    }
    executeWavelet(op, memory, taken[core]++, wavelet);
    if (to >= 0) put(wires, to, wavelet);
  }
  if (to >= 0) wake(state, to);
  if (isOver) state.raised.delete(core);
  else if (op !== given) state.raised.set(core, op);
  return isOver;
}

/** What is sent lies where nothing is taken to, so all of it may go first. */
function runExchange(state: State, core: number, exchange: Exchange): boolean {
  const { wires, wavelet, passed } = state;
  const { type, sends, takes } = exchange;
  const memory = state.memory[core];
  let done = passed.get(core);
  if (done === undefined) {
    passed.set(core, (done = new Int32Array(takes.length)));
    for (const vector of sends) {
      const to = wires.sends[core * wires.colors + vector.color];
      for (let i = 0; i < waveletsOf(type, vector); i++) {
        readWavelet(type, vector, memory, i, wavelet);
        put(wires, to, wavelet);
      }
      if (to >= 0) wake(state, to);
    }
  }
  for (const [i, vector] of takes.entries())
    for (; done[i] < waveletsOf(type, vector); done[i]++) {
      if (!take(state, core, vector.color)) return false;
      writeWavelet(type, vector, memory, done[i], wavelet);
    }
  passed.delete(core);
  return true;
}

/** The next wavelet of a colour, if it has been sent; otherwise the core sleeps. */
function take({ wires, wavelet, sleeping }: State, core: number, color: number): boolean {
  const place = core * wires.colors + color;
  const wire = wires.takes[place];
  if (wire < 0) return false;
  if (wires.heard[place] === wires.sent[wire]) {
    const others = sleeping.get(wire);
    if (others === undefined) sleeping.set(wire, [core]);
    else others.push(core);
    return false;
  }
  const at = wires.begin[wire] + 2 * wires.heard[place]++;
  wavelet[0] = wires.numbers[at];
  wavelet[1] = wires.numbers[at + 1];
  return true;
}

function put({ begin, sent, numbers }: Wires, wire: number, wavelet: Float64Array): void {
  const at = begin[wire] + 2 * sent[wire]++;
  numbers[at] = wavelet[0];
  numbers[at + 1] = wavelet[1];
}

function wake(state: State, wire: number): void {
  const cores = state.sleeping.get(wire);
  if (cores === undefined) return;
  state.sleeping.delete(wire);
  for (const core of cores) state.awake[state.count++] = core;
}
