/** From operation to operation of a core, and what is counted at their ends. */
import { BEGINNING, CHANGING, Core, DONE, FIXED, Op, ROUTE, header } from './machine';
import { add64, entry, f64At, setEntry, setF64 } from './memory';
import { myTile } from './tiles';
import { Time } from './time';
import { setTimer } from './wheel';
import { IDLE } from './words';

/** Cores of this tile that are done. */
export let done: i32 = 0;

export function noneDone(): void {
  done = 0;
}

/** A core is done. */
export function countDone(core: i32, at: f64): void {
  setF64(header.end, core, at);
  done++;
}

/**
 * From cycle `at` on the core is at its next operation: continues to the first that touches the
 * fabric and sets a timer for it. True if that begins in the present cycle.
 */
export function advance(c: Core, core: i32, at: Time, now: Time): bool {
  let op = c.op;
  while (op != c.opsEnd && op.kind == FIXED) {
    at += <Time>(op.setup + op.cycles);
    if (op.last == 1) endLabel(op.label, core, at);
    op = after(op);
  }
  c.op = op;
  if (op == c.opsEnd) {
    c.phase = DONE;
    countDone(core, <f64>at);
    return false;
  }
  c.phase = op.kind == ROUTE ? CHANGING : BEGINNING;
  at += <Time>op.setup;
  if (at <= now) return true;
  setTimer(core, at, now);
  return false;
}

/** A core's operation ended before cycle `at`; returns what `advance` returns. */
export function endOperation(c: Core, core: i32, at: Time, now: Time): bool {
  const op = c.op;
  const source = c.source;
  if (source != null) source.to = IDLE;
  c.source = null;
  c.output = null;
  c.op = after(op);
  if (op.kind != ROUTE) addWait(op, <i64>at);
  if (op.last == 1) endLabel(op.label, core, at);
  return advance(c, core, at, now);
}

/**
 * Counts cycles of waiting in an operation on the fabric: from when it acts to its end, but for those in which it
 * computes. So its end counts, less than its begin and these cycles: they need not be kept.
 */
@inline
export function addWait(op: Op, cycles: i64): void {
  add64(myTile().labelWait, op.label, cycles);
}

@inline
function after(op: Op): Op {
  return changetype<Op>(changetype<usize>(op) + offsetof<Op>());
}

/** Notes that a core ended the last of its operations with a label. */
function endLabel(label: i32, core: i32, at: Time): void {
  const end = <f64>at;
  const tile = myTile();
  const before = f64At(tile.labelEnd, label);
  if (end < before || (end == before && core > entry(tile.labelCore, label))) return;
  setF64(tile.labelEnd, label, end);
  setEntry(tile.labelCore, label, core);
}
