/**
 * The operations of a program as flat tables, one stretch for each distinct list of operations: roles
 * that differ in routes only share theirs. What a core computes is known beforehand: the compute and
 * set-up cycles of a list, and of each label in it, do not depend on the fabric; only waits do.
 */
import type { Operation, Program } from '../../program/program.js';
import { timeOf } from '../../program/timing.js';
import type { WaferSpec } from '../../hardware/wafer.js';

/** Kinds of operations. */
export const FIXED = 0;
export const STREAM = 1;
export const ROUTE = 2;
export const TRAFFIC = 3;

export interface Operations {
  /** By role: which list of operations it has. */
  listOf: Int32Array;
  /** First operation of each list, and one entry behind the last. */
  first: Int32Array;
  kind: Uint8Array;
  setup: Int32Array;
  /** Fixed cycles after set-up. */
  cycles: Int32Array;
  /** Wavelets of a stream, or sends of synthetic traffic. */
  count: Int32Array;
  /** Colours received from and sent on, -1 for none. */
  source: Int32Array;
  destination: Int32Array;
  latency: Int32Array;
  label: Int32Array;
  /** 1 for the last operation of its label in its list. */
  last: Uint8Array;
  /** Compute and set-up cycles of each list. */
  compute: Int32Array;
  setupSum: Int32Array;
  /** Cycles of both by list and label, index list * labels + label. */
  busy: Int32Array;
  /** Route changes and synthetic traffic, by operation. */
  whole: Operation[];
}

/** Tables of a program's operations; neighbouring fixed operations of one label become one. */
export function flattenOperations(program: Program, wafer: WaferSpec): Operations {
  const lists = [...new Set(program.roles.map((role) => role.operations))];
  const numbers = new Map(lists.map((list, i) => [list, i]));
  const size = lists.reduce((sum, list) => sum + list.length, 0);
  const column = () => new Int32Array(size);
  const ops: Columns = {
    listOf: Int32Array.from(program.roles, (role) => numbers.get(role.operations)!),
    first: new Int32Array(lists.length + 1),
    kind: new Uint8Array(size),
    setup: column(),
    cycles: column(),
    count: column(),
    source: column().fill(-1),
    destination: column().fill(-1),
    latency: column(),
    label: column(),
    whole: [],
  };
  let next = 0;
  lists.forEach((list, l) => {
    ops.first[l] = next;
    for (const op of list) next += fillRow(ops, next, op, wafer, next > ops.first[l]);
  });
  ops.first[lists.length] = next;
  return summed(program, wafer, ops);
}

/** Fills a row, or adds to the one before if it continues that; returns the rows used. */
function fillRow(
  ops: Columns,
  row: number,
  op: Operation,
  wafer: WaferSpec,
  follows: boolean,
): number {
  const time = timeOf(op, wafer.costs);
  const streams = (time.source >= 0 || time.destination >= 0) && time.wavelets > 0;
  const kind = op.kind === 'route' ? ROUTE : streams ? STREAM : FIXED;
  if (follows && kind === FIXED && op.kind !== 'traffic')
    if (ops.kind[row - 1] === FIXED && ops.label[row - 1] === op.label) {
      ops.setup[row - 1] += time.setup;
      ops.cycles[row - 1] += time.cycles;
      return 0;
    }
  ops.label[row] = op.label;
  ops.whole[row] = op;
  if (op.kind === 'traffic') {
    ops.count[row] = op.color < 0 ? 0 : op.times.length;
    ops.kind[row] = ops.count[row] > 0 || (op.receive >= 0 && op.expect > 0) ? TRAFFIC : FIXED;
    ops.source[row] = op.receive;
    ops.destination[row] = op.color;
    ops.latency[row] = 1;
    return 1;
  }
  ops.kind[row] = kind;
  ops.setup[row] = time.setup;
  ops.cycles[row] = time.cycles;
  if (!streams) return 1;
  ops.count[row] = time.wavelets;
  ops.source[row] = time.source;
  ops.destination[row] = time.destination;
  ops.latency[row] = time.latency;
  return 1;
}

type Columns = Omit<Operations, 'last' | 'compute' | 'setupSum' | 'busy'>;

function summed(program: Program, wafer: WaferSpec, ops: Columns): Operations {
  const labels = program.labels.length;
  const lists = ops.first.length - 1;
  const compute = new Int32Array(lists);
  const setupSum = new Int32Array(lists);
  const busy = new Int32Array(lists * labels);
  const last = new Uint8Array(ops.kind.length);
  const seen = new Int32Array(labels).fill(-1);
  for (let l = 0; l < lists; l++) {
    const start = ops.first[l];
    for (let op = ops.first[l + 1] - 1; op >= start; op--) {
      const label = ops.label[op];
      last[op] = seen[label] === l ? 0 : 1;
      seen[label] = l;
      const cycles = ops.cycles[op] + computeOfStream(ops, op);
      const setup = ops.setup[op] + (op === start ? wafer.costs.programStart : 0);
      compute[l] += cycles;
      setupSum[l] += setup;
      busy[l * labels + label] += cycles + setup;
    }
  }
  return {
    ...ops,
    last,
    compute,
    setupSum,
    busy,
  };
}

/** A stream computes in the cycles that consume an element, and while the pipeline drains. */
function computeOfStream(ops: Columns, op: number): number {
  if (ops.kind[op] === TRAFFIC) return ops.count[op];
  if (ops.kind[op] !== STREAM) return 0;
  return ops.count[op] + (ops.destination[op] >= 0 ? ops.latency[op] : 0);
}
