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
  const rows: number[][] = [];
  const whole: Operation[] = [];
  const first = new Int32Array(program.roles.length + 1);
  program.roles.forEach((role, r) => {
    first[r] = rows.length;
    for (const op of role.operations) {
      const row = rowOf(op, wafer);
      const before = rows.length > first[r] ? rows[rows.length - 1] : undefined;
      if (before && row[0] === FIXED && before[0] === FIXED && before[7] === row[7]) {
        before[1] += row[1];
        before[2] += row[2];
        continue;
      }
      rows.push(row);
      whole.push(op);
    }
  });
  first[program.roles.length] = rows.length;
  const column = (i: number) => Int32Array.from(rows, (row) => row[i]);
  return summed(program, wafer, {
    first,
    kind: Uint8Array.from(rows, (row) => row[0]),
    setup: column(1),
    cycles: column(2),
    count: column(3),
    source: column(4),
    destination: column(5),
    latency: column(6),
    label: column(7),
    whole,
  });
}

function rowOf(op: Operation, wafer: WaferSpec): number[] {
  const time = timeOf(op, wafer.costs);
  if (op.kind === 'traffic') {
    const sends = op.color < 0 ? 0 : op.times.length;
    const takes = op.receive < 0 ? 0 : op.expect;
    return [sends + takes > 0 ? TRAFFIC : FIXED, 0, 0, sends, op.receive, op.color, 1, op.label];
  }
  const streams = (time.source >= 0 || time.destination >= 0) && time.wavelets > 0;
  const kind = op.kind === 'route' ? ROUTE : streams ? STREAM : FIXED;
  const count = streams ? time.wavelets : 0;
  return [
    kind,
    time.setup,
    time.cycles,
    count,
    streams ? time.source : -1,
    streams ? time.destination : -1,
    time.destination >= 0 ? time.latency : 0,
    op.label,
  ];
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
  for (let r = 0; r < roles; r++) {
    const start = ops.first[r];
    const seen = new Set<number>();
    for (let op = ops.first[r + 1] - 1; op >= start; op--) {
      const label = ops.label[op];
      last[op] = seen.has(label) ? 0 : 1;
      seen.add(label);
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
