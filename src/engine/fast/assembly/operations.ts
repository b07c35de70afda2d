/** From operation to operation of a core, and what is counted at their ends. */
import { BEGINNING, CHANGING, Core, DONE, FIXED, IDLE, Op, ROUTE, header } from './machine';
import { entry, setEntry } from './memory';
import { myTile } from './tiles';
import { setTimer } from './wheel';

/** Cores of this tile that are done. */
export let done: i32 = 0;

export function noneDone(): void {
  done = 0;
}

/**
 * From cycle `at` on the core is at its next operation: goes on to what touches the fabric and sets a
 * timer for it. True if that begins in the present cycle.
 */
export function advance(c: Core, core: i32, at: i32, now: i32): bool {
  let op = c.op;
  while (op != c.behind && op.kind == FIXED) {
    at += op.setup + op.cycles;
    if (op.last == 1) endLabel(op.label, core, at);
    op = after(op);
  }
  c.op = op;
  if (op == c.behind) {
    setEntry(header.end, core, at);
    c.phase = DONE;
    done++;
    return false;
  }
  c.phase = op.kind == ROUTE ? CHANGING : BEGINNING;
  at += op.setup;
  if (at <= now) return true;
  setTimer(core, at, now);
  return false;
}

/** A core's operation ended before cycle `at`; what it says is what `advance` says. */
export function endOperation(c: Core, core: i32, at: i32, now: i32): bool {
  const op = c.op;
  const source = c.source;
  if (source != null) source.to = IDLE;
  c.source = null;
  c.output = null;
  c.op = after(op);
  if (op.last == 1) endLabel(op.label, core, at);
  return advance(c, core, at, now);
}

@inline
function after(op: Op): Op {
  return changetype<Op>(changetype<usize>(op) + offsetof<Op>());
}

/** Notes that a core ended the last of its operations with a label. */
function endLabel(label: i32, core: i32, end: i32): void {
  const tile = myTile();
  const before = entry(tile.labelEnd, label);
  if (end < before || (end == before && core > entry(tile.labelCore, label))) return;
  setEntry(tile.labelEnd, label, end);
  setEntry(tile.labelCore, label, core);
}
