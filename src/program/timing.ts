/**
 * What an operation costs on a wafer: its set-up, and then either a fixed number of cycles (memory
 * only), or a stream of wavelets that moves at most one a cycle (rules 4a). The only place where the
 * cost table is read; every engine times operations by it.
 */
import { elementsPerWavelet } from '../numeric/types.js';
import type { CostTable } from '../hardware/wafer.js';
import {
  isFabric,
  selectsOf,
  type Operation,
  type Program,
  type Role,
  type TrafficOp,
  type VectorOp,
} from './program.js';

export interface OpTiming {
  setup: number;
  /** Fixed cycles of compute after set-up; 0 for streams. */
  cycles: number;
  /** Wavelets that a stream consumes or produces; 0 for fixed operations. */
  wavelets: number;
  /** Colour received from, or -1. */
  source: number;
  /** Colour sent on, or -1. */
  destination: number;
  /** Pipeline stages before the ramp, if there is a destination. */
  latency: number;
  /** Cycles from one wavelet of a stream to the next, at least. */
  interval: number;
}

/** Times one operation; a route change counts as set-up. Cycles are integers, rounded up. */
export function timeOf(op: Operation, costs: CostTable): OpTiming {
  switch (op.kind) {
    case 'vector':
      return timeOfVector(op, costs);
    case 'matvec': {
      const rate = op.form === 'axpy' ? costs.elementsPerCycle.fma : costs.elementsPerCycle.dot;
      const issued = inGroups(op.length, costs.matvec.granularity?.[op.type] ?? 1);
      const row = issued / rate[op.type] + costs.matvec.row[op.type];
      const widen = op.widen ? op.length / costs.matvec.widenPerCycle[op.widen] : 0;
      const cycles = Math.ceil(costs.matvec.call + op.rows * (row + widen));
      const { repeat = 1 } = op;
      return fixed(repeat * (costs.setup[op.type] + selecting(op, costs)), repeat * cycles);
    }
    case 'matmul': {
      const { instruction, granularity, loop, clear } = costs.matmul;
      const elements = inGroups(op.length, granularity[op.type]);
      const each = instruction[op.type] + elements / costs.elementsPerCycle.fma[op.type];
      const clears = op.clears ? op.columns * op.length * clear[op.type] : 0;
      const { repeat = 1 } = op;
      return fixed(0, repeat * Math.ceil(clears + op.inner * (loop + op.columns * each)));
    }
    case 'special': {
      if (op.form !== 'vector') return fixed(0, op.length * costs.scalar[op.fn]);
      const pass =
        costs.setup[op.type] +
        memoryCycles(op.length, costs.elementsPerCycle.fma[op.type], costs.issue[op.type]);
      return fixed(0, costs.vectorForm[op.fn] * pass);
    }
    case 'lookup': {
      const move = memoryCycles(
        op.length,
        costs.elementsPerCycle.move[op.type],
        costs.issue[op.type],
      );
      const { widenPerCycle } = costs.matvec;
      const widen = op.widen ? Math.ceil(op.length / widenPerCycle[op.widen]) : 0;
      return fixed(costs.setup[op.type], costs.scalar.step + move + widen);
    }
    case 'argmax':
      return fixed(
        costs.setup[op.type],
        memoryCycles(op.length, costs.elementsPerCycle.max[op.type], costs.scalar.step),
      );
    case 'keepIfEqual':
      return fixed(0, costs.scalar.step);
    case 'rank': {
      const { rank } = costs.elementsPerCycle;
      const once = costs.issue[op.type] + costs.scalar.step;
      return fixed(costs.setup[op.type], memoryCycles(op.length, rank[op.type], once));
    }
    case 'put':
      return fixed(costs.setup[op.type], costs.scalar.step + op.length);
    case 'call':
      return fixed(costs.libraryCall, 0);
    case 'route':
      return fixed(costs.routeChange, 0);
    case 'traffic':
      return {
        setup: setupOfExchange(op, costs),
        cycles: 0,
        wavelets: op.times.length,
        source: op.receive,
        destination: op.color,
        latency: 1,
        interval: 1,
      };
    default:
      return op satisfies never;
  }
}

function timeOfVector(op: VectorOp, costs: CostTable): OpTiming {
  const received = isFabric(op.a) ? op.a : isFabric(op.b) ? op.b : op.c;
  const source = isFabric(received) ? received.color : -1;
  const destination = isFabric(op.dst) ? op.dst.color : -1;
  const select = selecting(op, costs);
  if (source < 0 && destination < 0) {
    const rate = costs.elementsPerCycle[op.fn][op.type];
    const cycles = memoryCycles(op.length, rate, costs.issue[op.type]);
    return fixed(costs.setup[op.type] + select, cycles);
  }
  const wavelets = Math.ceil(op.length / elementsPerWavelet(op.type));
  // A task is bound to its colour before the program starts; it works on one wavelet at a time.
  const isTask = op.by === 'task';
  const setup = (isTask ? 0 : costs.setup[op.type]) + select;
  const interval = isTask ? costs.task : 1;
  const latency = isTask ? interval : op.fn === 'move' ? 1 : costs.latency[op.type];
  return { setup, cycles: 0, wavelets, source, destination, latency, interval };
}

/** Scalar code before an operation whose addresses are raised: an index loaded and an address set, each time. */
function selecting(op: Operation, { scalar }: CostTable): number {
  return selectsOf(op).length * scalar.step;
}

/**
 * Set-up of an exchange before its first wavelet may leave: that of its first transfer, or of all if it only
 * takes. The others are set up while that one streams, so what they send is due later.
 * The code that runs at the ends is counted here too: nothing overlaps with it.
 */
function setupOfExchange({ exchange }: TrafficOp, { transfer }: CostTable): number {
  if (exchange === undefined) return 0;
  const { sends, takes } = exchange;
  const count = sends.length + takes.length;
  return count * transfer.end + (sends.length > 0 ? 1 : count) * transfer.setup;
}

/** Elements that are issued for so many, in whole groups. */
function inGroups(elements: number, group: number): number {
  return Math.ceil(elements / group) * group;
}

function fixed(setup: number, cycles: number): OpTiming {
  return { setup, cycles, wavelets: 0, source: -1, destination: -1, latency: 0, interval: 1 };
}

function memoryCycles(length: number, perCycle: number, issue: number): number {
  return Math.ceil(length / perCycle + issue);
}

/**
 * Longest time in cycles that a core of the program works before it first waits for the fabric: its
 * start, and everything up to the set-up of its first operation that sends or receives.
 */
export function preparationOf({ roles }: Program, costs: CostTable): number {
  // Most lists begin with the same operations.
  const times = new Map<Operation, OpTiming>();
  let most = 0;
  for (const list of operationsOf(roles)) most = Math.max(most, before(list, costs, times));
  return most;
}

function before(list: Operation[], costs: CostTable, times: Map<Operation, OpTiming>): number {
  let cycles = costs.programStart;
  for (let i = 0; i < list.length; i++) {
    const op = list[i];
    let time = times.get(op);
    if (time === undefined) times.set(op, (time = timeOf(op, costs)));
    cycles += time.setup + time.cycles;
    if (time.source >= 0 || time.destination >= 0) break;
  }
  return cycles;
}

/** Core-cycles that all cores spend in special functions (exp, SiLU, roots, reciprocals). */
export function specialCyclesOf({ roles, roleOf }: Program, costs: CostTable): number {
  // In 32 bits: code that runs for the first time makes an object of each other number that it reads.
  const cores = new Int32Array(roles.length);
  for (let core = 0; core < roleOf.length; core++) cores[roleOf[core]]++;
  const byList = new Map<Operation[], number>();
  let sum = 0;
  for (let role = 0; role < roles.length; role++) {
    const { operations } = roles[role];
    let cycles = byList.get(operations);
    if (cycles === undefined) byList.set(operations, (cycles = special(operations, costs)));
    sum += cycles * cores[role];
  }
  return sum;
}

function special(list: Operation[], costs: CostTable): number {
  let cycles = 0;
  for (let i = 0; i < list.length; i++)
    if (list[i].kind === 'special') cycles += timeOf(list[i], costs).cycles;
  return cycles;
}

/** The distinct lists of operations: roles often share theirs and differ in routes. */
export function operationsOf(roles: Role[]): Set<Operation[]> {
  const lists = new Set<Operation[]>();
  for (let role = 0; role < roles.length; role++) lists.add(roles[role].operations);
  return lists;
}
