/**
 * What cores do in a cycle, found from where the machine is in their lists. The machine is ahead of the
 * clock: it continues to the next operation that touches the fabric, and ends a stream as soon as its last
 * wavelet is on its way, so what a core does is looked for from there backwards.
 */
import { sendsOf, takesOf, trafficColors } from '../../program/program.js';
import type { Operation, Program } from '../../program/program.js';
import type { Standing } from '../engine.js';
import { NOT_STARTED, UNDER_WAY } from './machine-code.js';
import type { Places } from './run.js';
import { recordAt, type Operations } from './operations.js';
import type { OperationRecord } from './records.js';
import type { Tables } from './tables.js';

/** What cores that have begun and are not done do in the cycle before `cycle`, in rising order. */
export function standingOf(
  { ops, placeOf }: Tables,
  { roles, roleOf }: Program,
  places: Places,
  cycle = places.cycle,
): Standing[] {
  const standing: Standing[] = [];
  const recordsOf: OperationRecord[][] = [];
  for (let i = 0; i < placeOf.length; i++) {
    const core = placeOf[i];
    const list = ops.listOf[roleOf[core]];
    const records = (recordsOf[list] ??= recordsOfList(ops, list));
    const op = places.operation[i] - ops.first[list];
    const found = operationAt(records, op, places.acts[i], cycle - 1);
    if (found === undefined) continue;
    const { label } = records[found.op];
    const { operations } = roles[roleOf[core]];
    const colors = found.streams ? colorsOf(records, found.op, operations) : NONE;
    standing.push({ core, label, ...colors });
  }
  return standing;
}

function recordsOfList(ops: Operations, list: number): OperationRecord[] {
  const first = ops.first[list];
  return Array.from({ length: ops.first[list + 1] - first }, (_, i) => recordAt(ops, first + i));
}

/** The operation that a core is at in cycle `t`, of which the machine is at `op`, acting in cycle `acts`. */
function operationAt(
  records: OperationRecord[],
  op: number,
  acts: number,
  t: number,
): { op: number; streams: boolean } | undefined {
  if (acts === NOT_STARTED || records.length === 0) return undefined;
  if (acts === UNDER_WAY) return { op, streams: true };
  if (op === records.length && t >= acts) return undefined;
  let begin = acts;
  for (let at = op; at > 0; at--) {
    if (at < records.length) begin -= records[at].setup;
    if (t >= begin) return { op: at, streams: false };
    const before = records[at - 1];
    if (before.kind !== 'other') return { op: at - 1, streams: true };
    begin -= before.cycles;
    if (t >= begin) return { op: at - 1, streams: false };
  }
  return { op: 0, streams: false };
}

const NONE: Pick<Standing, 'receives' | 'sends'> = { receives: [], sends: [] };

function colorsOf(
  records: OperationRecord[],
  at: number,
  operations: Operation[],
): Pick<Standing, 'receives' | 'sends'> {
  const { kind, source, destination } = records[at];
  const used = (color: number) => (color < 0 ? [] : [color]);
  if (kind === 'stream') return { receives: used(source), sends: used(destination) };
  // Records say of traffic's colours what the machine needs; its operation says all.
  const before = records.slice(0, at).filter((record) => record.kind === 'traffic').length;
  const all = operations.filter((op) => op.kind === 'traffic');
  const op = all.filter((one) => sendsOf(one) > 0 || takesOf(one) > 0)[before];
  return trafficColors(op);
}
