/**
 * The wafer on a clock: cycle by cycle, but only routers and cores for which something may have changed.
 * A place in a queue is not given back by an event: the sender looks when the wavelet that had it was
 * popped. Timing only: a failed machine reports that it failed, and the reference finds out how.
 *
 * AssemblyScript: the host puts a program's tables into memory (reset, allocateTable), then calls `begin`
 * and `advance`, and `help` in as many other threads as there are further tiles.
 */
import { DELAYS, NOTES_EVENTS, NOTES_MOVES } from './notes';
import { createCores, failed, stepCores } from './cores';
import { anyDue, endCycle, nextDue, window } from './due';
import { layOut } from './layout';
import { delayedRouters, endDelays, longestDelay } from './delays';
import { BEGINNING, CHANGING, DONE, ENDS, FROM_CORE, Op, RAMP, STARTING, header } from './machine';
import { add64, allocate, entry, f64At, i64At, keep, restore } from './memory';
import { setEntry, setF64 } from './memory';
import { done } from './operations';
import { channelAt, coreOf, isDelayed, roleOf } from './places';
import { placeEvents } from './events';
import { endMoves, noMoves } from './moves';
import { noQuiets, noteQuiet } from './quiet';
import { stepRouters } from './routers';
import { NOT_STARTED, UNDER_WAY, state_beyond, state_broken, state_continues } from './shared';
import { state_late, state_stopped, state_whole } from './shared';
import { createRoutes, hazards, noHazards } from './routes';
import { announce, awaitHelpers, finish, isStopped } from './threads';
import { nextPart, runAnnounced, setNextPart } from './threads';
import { Tile, coresEnd, cutTiles, firstCore, isOwn, myTile, tileAt } from './tiles';
import { NEVER, Time } from './time';
import { FAILED, NO_END, STOPPED, beginCycle, createTiles } from './exchange';
import { nextCycle, takePart, takeTile } from './exchange';
import { nextTimer, sift, siftTimers } from './wheel';

export { reset } from './memory';
export * from './shared';
/** Exported so that the compiler leaves it a function of its own, away from what every wavelet passes. */
export { passMark } from './routes';

/** Address of so many bytes for a table. */
export function allocateTable(bytes: i32): usize {
  return allocate(bytes);
}

/** Informs the host that the run reached its limit; the host may look at cores. */
declare function reachLimit(): void;

/** The next cycle, or FAILED, STOPPED or NEVER; and the last one. */
let t: Time = NEVER;
let last: Time = 0;
/** The last cycle that the run may reach: what is set from there is set within the bits of times. */
let furthest: Time = 0;
/**
 * The cycle by which all is to be over. In a run that is not, the cycles scheduled ahead may still show that
 * nothing moves any more; then the machine has failed and is not late.
 */
let limit: Time = NEVER;
let reached: bool = false;
/** Number of the run. */
let running: i32 = 0;

/**
 * Begins to run the program in memory, in which the first core starts in cycle 0, while other threads
 * call `help`. It is to be over before a cycle. `advance` continues it. What is kept, `rewind` has again.
 */
export function begin(before: f64, number: i32, keeps: bool): void {
  cutTiles();
  layOut();
  createTiles();
  takeTile(0);
  createRoutes();
  if (NOTES_EVENTS) placeEvents();
  if (DELAYS && keeps) keep();
  start(before, number);
}

function start(before: f64, number: i32): void {
  setNextPart(0);
  running = number;
  announce(number);
  beginTile(before);
}

/**
 * All but the header is as it was when the program in memory began, if it is small; false if not. The host may write other
 * starts and pointers then, and `beginAgain`. Only lines are run so: they have one tile.
 */
export function rewind(): bool {
  return DELAYS && restore();
}

export function beginAgain(before: f64, number: i32): void {
  header.quietCount = 0;
  const tile = tileAt(0);
  tile.sent = 0;
  tile.delivered = 0;
  tile.hazards = 0;
  takeTile(0);
  start(before, number);
}

/**
 * Continues the run for up to so many cycles with something to do and returns its state. Where other threads help, the
 * run has to be over before.
 */
export function advance(cycles: i32, helpers: i32): i32 {
  runTile(cycles);
  const state = stateOf();
  if (state == state_continues) return state;
  awaitHelpers(helpers);
  let all = state;
  for (let tile = 1; tile < header.tiles; tile++) {
    addUp(tileAt(0), tileAt(tile));
    // Tiles that meet all end in one state.
    if (all == state_whole) all = tileAt(tile).state;
  }
  countWaits();
  return all;
}

/** Runs a tile of the program that is in memory, if it has so many. */
export function help(tile: i32, before: f64): void {
  if (tile < header.tiles) {
    takeTile(tile);
    running = runAnnounced();
    beginTile(before);
    runTile(i32.MAX_VALUE);
    myTile().state = stateOf();
  }
  finish();
}

function beginTile(before: f64): void {
  furthest = <Time>header.furthest - (DELAYS ? 4 * longestDelay : 0);
  limit = before < <f64>NEVER ? <Time>before : NEVER;
  reached = false;
  if (header.parts > 0) beginNextPart();
  else beginCores();
}

function beginCores(): void {
  noHazards();
  if (NOTES_MOVES) {
    noMoves();
    noQuiets();
  }
  createCores();
  t = 0;
  last = 0;
}

/** The tile's next part, from its first cycle on; if there is none left the tile is over. */
function beginNextPart(): void {
  const part = nextPart();
  t = NEVER;
  if (part >= header.parts) return;
  takePart(part);
  beginCores();
}

function runTile(cycles: i32): void {
  if (header.parts == 0) {
    runCycles(cycles);
    return;
  }
  while (cycles > 0 && stateOf() == state_continues) {
    cycles = runCycles(cycles);
    if (t == NEVER) beginNextPart();
  }
  // A part did not end as it should: the program is run again as one, so the rest does not matter.
  if (stateOf() > state_whole) setNextPart(header.parts);
}

/** Goes through up to so many cycles with something to do; how many are left. */
function runCycles(cycles: i32): i32 {
  for (; cycles > 0 && t <= furthest && t > STOPPED; cycles--) {
    if (t >= limit && isLate()) return cycles;
    last = t;
    beginCycle();
    if (t >= sift) siftTimers(t);
    stepCores(t);
    if (anyDue(t)) stepRouters(t);
    endCycle(t);
    const due = nextDue(t);
    const next = failed ? FAILED : nextTimer(t, due);
    if (NOTES_MOVES && due == NEVER) noteQuiet(t);
    // The first tile receives what the host wants, and passes it on to the others.
    const isOver = header.tiles > 1 && (isOwn(0) || header.parts > 0) && isStopped(running);
    t = nextCycle(isOver ? min(next, STOPPED) : next);
  }
  if (t != NEVER) return cycles;
  const whole = done == coresEnd - firstCore && countWavelets();
  if (NOTES_MOVES) endMoves();
  if (DELAYS) endDelays();
  t = nextCycle(whole ? NEVER : FAILED);
  return cycles;
}

/** Cycle `limit` is reached: the host looks at the cores, and a little later the run is late. */
function isLate(): bool {
  if (reached) return true;
  reached = true;
  if (header.parts > 0) return true;
  limit = limit > NEVER - <Time>window ? NEVER : limit + window;
  // Two cycles in which nothing is done: all tiles read their messages, then all wait.
  beginCycle();
  nextCycle(t);
  beginCycle();
  if (myTile() == tileAt(0)) reachLimit();
  nextCycle(t);
  return false;
}

function stateOf(): i32 {
  if (t == NEVER) return state_whole;
  if (t == FAILED) return state_broken;
  if (t == STOPPED) return state_stopped;
  if (reached && t >= limit) return state_late;
  return t > furthest ? state_beyond : state_continues;
}

/** The last cycle. */
export function cycle(): f64 {
  return <f64>last;
}

/** Of a core: its operation's number among all of the program, or one past its last. */
export function operationOf(core: i32): i32 {
  return <i32>((changetype<usize>(coreOf(core).op) - header.ops) / offsetof<Op>());
}

/** When it acts, after its set-up; when the core is done; or else UNDER_WAY or NOT_STARTED. */
export function actsAt(core: i32): f64 {
  const c = coreOf(core);
  if (c.phase == DONE) return f64At(header.end, core);
  if (c.phase == STARTING) return NOT_STARTED;
  return c.phase == BEGINNING || c.phase == CHANGING ? <f64>c.timer : UNDER_WAY;
}

/** Counts what went through the tile's channels; false if something is left in one. */
function countWavelets(): bool {
  const tile = myTile();
  tile.hazards += hazards;
  for (let core = firstCore; core < coresEnd; core++) {
    if (isDelayed(core)) continue;
    const role = roleOf(core);
    const from = entry(header.kindsFrom, role);
    const end = entry(header.kindsFrom, role + 1);
    for (let i = from; i < end; i++) {
      const end = entry(header.kinds, i) % ENDS;
      const channel = channelAt(core, i - from);
      const n = channel.sent;
      if (n != channel.popped) return false;
      if (end == FROM_CORE) tile.sent += <f64>n;
      else if (end == RAMP) tile.delivered += <f64>n;
      else addWavelets(core * 4 + end, <f64>n);
    }
  }
  return true;
}

function addWavelets(link: i32, wavelets: f64): void {
  setF64(header.linkWavelets, link, f64At(header.linkWavelets, link) + wavelets);
}

/** Adds what a tile counted to what another one did. */
function addUp(sum: Tile, tile: Tile): void {
  sum.hazards += tile.hazards;
  sum.sent += tile.sent;
  sum.delivered += tile.delivered;
  for (let label = 0; label < header.labels; label++) {
    add64(sum.labelWait, label, i64At(tile.labelWait, label));
    add64(sum.labelWaitOutput, label, i64At(tile.labelWaitOutput, label));
    const end = f64At(tile.labelEnd, label);
    const before = f64At(sum.labelEnd, label);
    if (end < before || end == NO_END) continue;
    if (end == before && entry(tile.labelCore, label) > entry(sum.labelCore, label)) continue;
    setF64(sum.labelEnd, label, end);
    setEntry(sum.labelCore, label, entry(tile.labelCore, label));
  }
}

/** The waits of labels in the form of all other results. */
function countWaits(): void {
  for (let label = 0; label < header.labels; label++) {
    setF64(header.labelWait, label, <f64>i64At(header.labelWait, label));
    setF64(header.labelWaitOutput, label, <f64>i64At(header.labelWaitOutput, label));
  }
}

/** Wavelets sent into ramps, delivered to cores, and pairs that met, in the run before. */
export function sent(): f64 {
  return tileAt(0).sent;
}

export function delivered(): f64 {
  return tileAt(0).delivered;
}

export function routeHazards(): i32 {
  return tileAt(0).hazards;
}

/** Routers in delay lines. */
export function delayed(): i32 {
  return delayedRouters;
}
