/**
 * The wafer on a clock: cycle by cycle, but only routers and cores for which something may have changed.
 * A place in a queue is not given back by an event: the sender looks when the wavelet that had it was
 * popped. Timing only; where the machine fails it says so and leaves the telling to the reference.
 *
 * AssemblyScript: the host puts a program's tables into memory (reset, allocate), then calls `run`.
 */
import { createCores, stepCores } from './cores';
import { NEVER, anyDue, createDue, endCycle, nextDue } from './due';
import { ENDS, FROM_CORE, RAMP, channelAt, done, entry, failed, header } from './machine';
import { layOut, roleOf, setEntry } from './machine';
import { stepRouters } from './routers';
import { createRoutes, hazards } from './routes';
import { createWheel, nextTimer, sift, siftTimers } from './wheel';

export { allocate, reset } from './machine';
export { hazards } from './routes';

/** Wavelets sent into ramps and delivered to cores. */
export let sent: f64 = 0;
export let delivered: f64 = 0;

/** Cycles visited between two calls of `progress`. */
const SELDOM: i32 = 0x10000;

/** Tells the host which cycle is reached. */
declare function progress(cycle: i32): void;

/** Runs the program in memory from cycle `start`, the first of any core's; false if the machine fails. */
export function run(start: i32): bool {
  layOut();
  createDue();
  createRoutes();
  createWheel(start);
  createCores(start);
  let t = start;
  for (let visited = 1; t != NEVER && !failed; visited++) {
    if (t >= sift) siftTimers(t);
    stepCores(t);
    if (anyDue(t)) stepRouters(t);
    endCycle(t);
    if (visited % SELDOM == 0) progress(t);
    t = nextTimer(t, nextDue(t));
  }
  return !failed && done == header.cores && countWavelets();
}

/** Counts what went through the channels; false if something is left in one. */
function countWavelets(): bool {
  sent = 0;
  delivered = 0;
  for (let core = 0; core < header.cores; core++) {
    const role = roleOf(core);
    const from = entry(header.kindsFrom, role);
    const behind = entry(header.kindsFrom, role + 1);
    for (let i = from; i < behind; i++) {
      const end = entry(header.kinds, i) % ENDS;
      const channel = channelAt(core, i - from);
      const n = channel.sent;
      if (n != channel.popped) return false;
      if (end == FROM_CORE) sent += n;
      else if (end == RAMP) delivered += n;
      else {
        const link = core * 4 + end;
        setEntry(header.linkWavelets, link, entry(header.linkWavelets, link) + n);
      }
    }
  }
  return true;
}
