/**
 * Quiet points of a line: from some cycle on nothing is under way, and all that waits waits for cores that have not
 * started. It does so for as long as these take, so what comes after goes on in the same way whenever they start.
 * Only the translation for lines notes them (moves.ts).
 */
import { Core, MOVING, NOT_STALLED, STREAMING, WORKING, header } from './machine';
import { longestDelay } from './delays';
import { window } from './due';
import { entry, setEntry } from './memory';
import { coreOf } from './places';
import { Time } from './time';
import { timers } from './wheel';

/** Quiet points that are noted of a run at most. */
export const MOST_QUIETS: i32 = 8;

/** Cores that have started, now and when a quiet point was looked for last. */
let started: i32 = 0;
let startedThen: i32 = 0;

export function noQuiets(): void {
  started = 0;
  startedThen = 0;
}

export function countStart(): void {
  started++;
}

/**
 * Notes whether it is quiet after cycle `t`, at which nothing is due: if the only timers are those of cores that have
 * not started. What is known of further cycles by then is over after the latest that can be set ahead.
 */
export function noteQuiet(t: Time): void {
  const unstarted = header.cores - started;
  if (started == startedThen || unstarted == 0 || timers != unstarted) return;
  startedThen = started;
  if (header.quietCount == MOST_QUIETS) return;
  const quiet = header.quietCount++;
  const row = quiet * (2 + 2 * header.labels);
  setEntry(header.quiets, row, <i32>t);
  setEntry(header.quiets, row + 1, <i32>t + max(window, longestDelay) + header.depth + header.ramp);
  for (let core = 0; core < header.cores; core++) {
    const c = coreOf(core);
    if (c.phase != MOVING && c.phase != STREAMING && c.phase != WORKING) continue;
    const label = row + 2 + 2 * c.op.label;
    setEntry(header.quiets, label, entry(header.quiets, label) + 1);
    if (!waitsForOutput(c)) continue;
    setEntry(header.quiets, label + 1, entry(header.quiets, label + 1) + 1);
    setEntry(header.quietCores, core, entry(header.quietCores, core) | (1 << quiet));
  }
}

/** Does a core count the cycles from now on as those in which it waits for output? */
@inline
function waitsForOutput(c: Core): bool {
  return c.phase == MOVING ? c.left > 0 : c.stalledSince != NOT_STALLED;
}
