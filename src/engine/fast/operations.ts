/**
 * The operations of all roles as flat tables. What a core computes is known beforehand: the compute and
 * set-up cycles of a role, and of each label in it, do not depend on the fabric; only waits do.
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
  /** First operation of each role, and one entry behind the last. */
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
  /** 1 for the last operation of its label in its role. */
  last: Uint8Array;
  /** Compute and set-up cycles of each role. */
  compute: Int32Array;
  setupSum: Int32Array;
  /** Cycles of both by role and label, index role * labels + label. */
  busy: Int32Array;
  /** Route changes and synthetic traffic, by operation. */
  whole: Operation[];
  hasRouteChange: boolean;
  hasTraffic: boolean;
  maxLatency: number;
}

/** Tables of a program's operations; neighbouring fixed operations of one label become one. */
export function flattenOperations(program: Program, wafer: WaferSpec): Operations {
  const size = program.roles.reduce((sum, role) => sum + role.operations.length, 0);
  const column = () => new Int32Array(size);
  const ops: Columns = {
    first: new Int32Array(program.roles.length + 1),
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
  program.roles.forEach((role, r) => {
    ops.first[r] = next;
    for (const op of role.operations) next += fillRow(ops, next, op, wafer, next > ops.first[r]);
  });
  ops.first[program.roles.length] = next;
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

type Columns = Omit<
  Operations,
  'last' | 'compute' | 'setupSum' | 'busy' | 'hasRouteChange' | 'hasTraffic' | 'maxLatency'
>;

function summed(program: Program, wafer: WaferSpec, ops: Columns): Operations {
  const labels = program.labels.length;
  const roles = program.roles.length;
  const compute = new Int32Array(roles);
  const setupSum = new Int32Array(roles);
  const busy = new Int32Array(roles * labels);
  const last = new Uint8Array(ops.kind.length);
  const seen = new Int32Array(labels).fill(-1);
  for (let r = 0; r < roles; r++) {
    const start = ops.first[r];
    for (let op = ops.first[r + 1] - 1; op >= start; op--) {
      const label = ops.label[op];
      last[op] = seen[label] === r ? 0 : 1;
      seen[label] = r;
      const cycles = ops.cycles[op] + computeOfStream(ops, op);
      const setup = ops.setup[op] + (op === start ? wafer.costs.programStart : 0);
      compute[r] += cycles;
      setupSum[r] += setup;
      busy[r * labels + label] += cycles + setup;
    }
  }
  return {
    ...ops,
    last,
    compute,
    setupSum,
    busy,
    hasRouteChange: ops.kind.includes(ROUTE),
    hasTraffic: ops.kind.includes(TRAFFIC),
    maxLatency: ops.latency.reduce((most, n) => Math.max(most, n), 0),
  };
}

/** A stream computes in the cycles that consume an element, and while the pipeline drains. */
function computeOfStream(ops: Columns, op: number): number {
  if (ops.kind[op] === TRAFFIC) return ops.count[op];
  if (ops.kind[op] !== STREAM) return 0;
  return ops.count[op] + (ops.destination[op] >= 0 ? ops.latency[op] : 0);
}
