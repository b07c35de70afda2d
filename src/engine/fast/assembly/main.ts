/**
 * The wafer on a clock: cycle by cycle, but only routers and cores for which something may have changed.
 * A place in a queue is not given back by an event: the sender looks when the wavelet that had it was
 * popped. Timing only; where the machine fails it says so and leaves the telling to the reference.
 *
 * AssemblyScript: the host puts a program's tables into memory (reset, allocateTable), then calls `run`, and
 * `help` in as many other threads as there are tiles beside the first.
 */
import { createCores, failed, stepCores } from './cores';
import { anyDue, endCycle, nextDue } from './due';
import { layOut } from './layout';
import { ENDS, FROM_CORE, NEVER, RAMP, header } from './machine';
import { allocate, entry, setEntry } from './memory';
import { done } from './operations';
import { channelAt, roleOf } from './places';
import { stepRouters } from './routers';
import { createRoutes, hazards, noHazards } from './routes';
import { FAILED, Tile, announce, awaitHelpers, beginVisit } from './tiles';
import { behindLast, createTiles, cutTiles, finish } from './tiles';
import { endVisit, firstCore, myTile, takeTile, tileAt } from './tiles';
import { nextTimer, sift, siftTimers } from './wheel';

export { reset } from './memory';

/** Address of so many bytes for a table. */
export function allocateTable(bytes: i32): usize {
  return allocate(bytes);
}

/** Cycles visited between two calls of `progress`. */
const SELDOM: i32 = 0x10000;

/** Tells the host which cycle is reached. */
declare function progress(cycle: i32): void;

/**
 * Runs the program in memory from cycle `start`, the first of any core's, while so many other threads call
 * `help` with the same number of a run; false if the machine fails.
 */
export function run(start: i32, number: i32, helpers: i32): bool {
  cutTiles();
  layOut();
  createTiles();
  takeTile(0, start);
  createRoutes();
  announce(number);
  const whole = runTile(start);
  for (let tile = 1; tile < header.tiles; tile++) addUp(tileAt(0), tileAt(tile));
  awaitHelpers(helpers);
  return whole;
}

/** Runs a tile of the program that is in memory, if it has so many. */
export function help(tile: i32, start: i32): void {
  if (tile < header.tiles) {
    takeTile(tile, start);
    runTile(start);
  }
  finish();
}

function runTile(start: i32): bool {
  noHazards();
  createCores(start);
  let t = start;
  for (let visited = 1; t != NEVER && t != FAILED; visited++) {
    beginVisit();
    if (t >= sift) siftTimers(t);
    stepCores(t);
    if (anyDue(t)) stepRouters(t);
    endCycle(t);
    if (visited % SELDOM == 0) progress(t);
    t = endVisit(failed ? FAILED : nextTimer(t, nextDue(t)));
  }
  const whole = t == NEVER && done == behindLast - firstCore && countWavelets();
  return endVisit(whole ? NEVER : FAILED) == NEVER;
}

/** Counts what went through the tile's channels; false if something is left in one. */
function countWavelets(): bool {
  const tile = myTile();
  tile.hazards = hazards;
  for (let core = firstCore; core < behindLast; core++) {
    const role = roleOf(core);
    const from = entry(header.kindsFrom, role);
    const behind = entry(header.kindsFrom, role + 1);
    for (let i = from; i < behind; i++) {
      const end = entry(header.kinds, i) % ENDS;
      const channel = channelAt(core, i - from);
      const n = channel.sent;
      if (n != channel.popped) return false;
      if (end == FROM_CORE) tile.sent += n;
      else if (end == RAMP) tile.delivered += n;
      else setEntry(header.linkWavelets, core * 4 + end, entry(header.linkWavelets, core * 4 + end) + n);
    }
  }
  return true;
}

/** Adds what a tile counted to what an earlier one did, whose cores have lower numbers. */
function addUp(sum: Tile, tile: Tile): void {
  sum.hazards += tile.hazards;
  sum.sent += tile.sent;
  sum.delivered += tile.delivered;
  for (let label = 0; label < header.labels; label++) {
    if (entry(tile.labelEnd, label) <= entry(sum.labelEnd, label)) continue;
    setEntry(sum.labelEnd, label, entry(tile.labelEnd, label));
    setEntry(sum.labelCore, label, entry(tile.labelCore, label));
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
