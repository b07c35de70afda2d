/**
 * The threads of a run: how they wait for each other and for the host. What they look at lies before
 * the static data, which begins at 8192 (--memoryBase in build.mjs), no two of them in a line of a cache:
 * the next part of the program, the run to be stopped, how many sleep, the run that they are at, how many have
 * finished it; then tiles.
 */
const PART_AT: usize = 704;
export const STOP_AT: i32 = 768;
const SLEEPING_AT: usize = 832;
export const RUN_AT: i32 = 896;
const FINISHED_AT: usize = 960;
export const TILES_AT: usize = 1024;

/** How often a thread looks before it sleeps: for about 0.2 ms, several cycles of a large program. */
const SPINS: i32 = 200000;

/**
 * The host's functions to sleep while a number in memory is the one seen, and to wake sleepers. Node 20's
 * first translation loses values in a function that does this itself.
 */
declare function sleep(at: usize, seen: i32): void;
declare function wake(at: usize): void;

/** Has the host said that run `run` is to stop? */
@inline
export function isStopped(run: i32): bool {
  return atomic.load<i32>(STOP_AT) == run;
}

/** The number of a part that no thread has taken yet; any beyond the last if there are no more. */
export function nextPart(): i32 {
  return atomic.add<i32>(PART_AT, 1);
}

/** The next part to be taken is this one. */
export function setNextPart(part: i32): void {
  atomic.store<i32>(PART_AT, part);
}

/** The run that is announced. */
export function runAnnounced(): i32 {
  return atomic.load<i32>(RUN_AT);
}

/** Lets the threads that wait for run `run` begin it. The host waits (see `helpRun` in ../team.ts). */
export function announce(run: i32): void {
  atomic.store<i32>(RUN_AT, run);
  wake(RUN_AT);
}

/** This thread has nothing more to do in the run. */
export function finish(): void {
  atomic.add<i32>(FINISHED_AT, 1);
  wakeSleepers(FINISHED_AT);
}

/** Waits until all helpers have nothing more to do. */
export function awaitHelpers(helpers: i32): void {
  waitFor(FINISHED_AT, helpers);
  atomic.store<i32>(FINISHED_AT, 0);
}

export function wakeSleepers(at: usize): void {
  if (atomic.load<i32>(SLEEPING_AT) > 0) wake(at);
}

/** Waits until another thread has made a number at least `value`; numbers may start over. */
export function waitFor(at: usize, value: i32): void {
  for (let i = 0; i < SPINS; i++) if (atomic.load<i32>(at) - value >= 0) return;
  for (;;) {
    atomic.add<i32>(SLEEPING_AT, 1);
    const seen = atomic.load<i32>(at);
    if (seen - value < 0) sleep(at, seen);
    atomic.sub<i32>(SLEEPING_AT, 1);
    if (atomic.load<i32>(at) - value >= 0) return;
  }
}
