/** Where the cores of the engine on a clock stand: their records, and from operation to operation. */
import { IDLE, TO } from './clocked-routes.js';
import type { Clocked } from './clocked.js';
import { FIXED, ROUTE } from './operations.js';
import { endLabel } from './tally.js';
import { setTimer } from './wheel.js';

/** Fields of a core: operation, what a visit means, channels, wavelets to send and to take. */
export const OP = 0;
export const PHASE = 1;
export const SOURCE = 2;
export const OUTPUT = 3;
export const LEFT = 4;
export const TAKES = 5;
/** The first cycles in which one more may be sent or taken, the latest of all, the first of the stream. */
export const NEXT_SEND = 6;
export const NEXT_TAKE = 7;
export const LATEST = 8;
export const BEGAN = 9;
/** Results in the pipeline: a bit each, bit 0 for the one at its end in cycle `PIPE_AT`; stalled since. */
export const PIPE = 10;
export const PIPE_AT = 11;
export const STALLED = 12;

/** Phases. */
export const STARTING = 0;
export const BEGINNING = 1;
export const CHANGING = 2;
export const STREAMING = 3;
export const MOVING = 4;
export const DONE = 5;

export const NOT_STALLED = -0x80000000;

/**
 * From cycle `at` on the core is at its next operation: goes on to what touches the fabric and sets a
 * timer for it. True if that begins in the present cycle.
 */
export function advance(m: Clocked, core: number, at: number, now: number): boolean {
  const { ops, cores } = m;
  const x = core << 4;
  const last = ops.first[ops.listOf[m.channels.roleOf[core]] + 1];
  let op = cores[x + OP];
  for (; op < last && ops.kind[op] === FIXED; op++) {
    at += ops.setup[op] + ops.cycles[op];
    if (ops.last[op] === 1) endLabel(m.tally, ops.label[op], core, at);
  }
  cores[x + OP] = op;
  if (op === last) {
    m.tally.end[core] = at;
    cores[x + PHASE] = DONE;
    m.done++;
    return false;
  }
  cores[x + PHASE] = ops.kind[op] === ROUTE ? CHANGING : BEGINNING;
  at += ops.setup[op];
  if (at <= now) return true;
  setTimer(m.wheel, core, at, now);
  return false;
}

/** A core's operation ended before cycle `at`; what it says is what `advance` says. */
export function endOperation(m: Clocked, core: number, at: number, now: number): boolean {
  const x = core << 4;
  const op = m.cores[x + OP]++;
  if (m.cores[x + SOURCE] >= 0) m.chan[m.cores[x + SOURCE] + TO] = IDLE;
  m.cores[x + SOURCE] = -1;
  m.cores[x + OUTPUT] = -1;
  if (m.ops.last[op] === 1) endLabel(m.tally, m.ops.label[op], core, at);
  return advance(m, core, at, now);
}
