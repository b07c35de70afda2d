/**
 * The wafer cut into tiles, one for each thread. What crosses a cut acts in a later cycle at the earliest
 * (rule 1 of section 4), so tiles go through a cycle beside each other, tell each other what they sent and
 * popped over the cuts, and agree on the next cycle in which any of them has something to do.
 */
import { Channel, WAITS, header } from './machine';
import { allocate, entry, setF64 } from './memory';
import { channelFrom, roleOf, twinOf } from './places';
import { bytesOfDue, useDue } from './due';
import { arrive, wakeSender } from './routes';
import { LONG_AGO, NEVER, Time } from './time';
import { WHEEL_BYTES, useWheel } from './wheel';

/** A tile as others see it. Fields of two are for visits with even and odd numbers. */
@unmanaged
export class Tile {
  /** Visits that it has made. */
  visits: i32;
  /** The next cycle in which it has something to do, or had others do. */
  next0: Time;
  next1: Time;
  messages0: i32;
  messages1: i32;
  box0: usize;
  box1: usize;
  /** Its first core. */
  first: i32;
  /** Its tables of who is due, and of timers. */
  due: usize;
  wheel: usize;
  /** By label: latest end in the tile, and the lowest core that has it. */
  labelEnd: usize;
  labelCore: usize;
  hazards: i32;
  /** Wavelets sent into ramps and delivered to cores. */
  sent: f64;
  delivered: f64;
}

/** What one tile tells another: a wavelet was sent, or a place was popped (with `POP`). */
@unmanaged
class Message {
  to: i32;
  channel: usize;
  /** The cycle from which the wavelet is eligible, or the place free. */
  at: Time;
}

const POP: usize = 1;

/** End of a label without operations, as `NO_END` of ../engine.ts. */
const NO_END: f64 = -Infinity;

/** Said in place of a next cycle: the machine failed. */
export const FAILED: Time = LONG_AGO;
/** The same: the host wants no more of the run. */
export const STOPPED: Time = LONG_AGO + 1;

/**
 * All of this lies before the static data, which begins at 8192 (--memoryBase in build.mjs): behind the
 * header the run to be stopped, how many sleep, the run that they are at, and how many have finished it; then
 * the tiles, up to 40 (`MOST_THREADS` in ../machine.ts), no two of them in a line of a cache.
 */
const STOP_AT: usize = 768;
const SLEEPING_AT: usize = 832;
const RUN_AT: usize = 896;
const FINISHED_AT: usize = 960;
const TILES_AT: usize = 1024;
const TILE_BYTES: usize = 128;

/** Looks at what another thread writes before one sleeps: about 0.2 ms, several cycles of a large program. */
const SPINS: i32 = 200000;

/**
 * The host's ways to sleep while a number in memory is the one seen, and to wake who sleeps. Node 20's
 * first translation loses values in a function that does this itself.
 */
declare function sleep(at: usize, seen: i32): void;
declare function wake(at: usize): void;

let mine: i32 = 0;
/** Cores of this tile. */
export let firstCore: i32 = 0;
export let behindLast: i32 = 0;
/** Visits that this tile has begun, and the earliest cycle that it told others. */
let visit: i32 = 0;
let told: Time = NEVER;

@inline
export function tileAt(tile: i32): Tile {
  return changetype<Tile>(TILES_AT + <usize>tile * TILE_BYTES);
}

/** The first core of a tile, or behind the last one of all. */
function firstOf(tile: i32): i32 {
  return tile == header.tiles ? header.cores : tileAt(tile).first;
}

export function tileOf(core: i32): i32 {
  let tile = 0;
  while (firstOf(tile + 1) <= core) tile++;
  return tile;
}

/** Cuts a program's cores into tiles that have about as much to do: cores count by their operations. */
export function cutTiles(): void {
  let all: i64 = 0;
  for (let core = 0; core < header.cores; core++) all += weightOf(core);
  let core = 0;
  let before: i64 = 0;
  for (let tile = 0; tile < header.tiles; tile++) {
    const t = tileAt(tile);
    memory.fill(changetype<usize>(t), 0, TILE_BYTES);
    while (core < header.cores && before * header.tiles < all * tile) before += weightOf(core++);
    t.first = core;
  }
}

function weightOf(core: i32): i32 {
  const list = entry(header.listOf, roleOf(core));
  return 1 + entry(header.opsFrom, list + 1) - entry(header.opsFrom, list);
}

/** Is a core of this tile? */
@inline
export function isMine(core: i32): bool {
  return core >= firstCore && core < behindLast;
}

/** What the tiles of a program need that was laid out. */
export function createTiles(): void {
  const bytes = 2 * <u64>header.crossings * offsetof<Message>();
  for (let tile = 0; tile < header.tiles; tile++) {
    const t = tileAt(tile);
    t.box0 = allocate(bytes);
    t.box1 = allocate(bytes);
    t.due = allocate(bytesOfDue(firstOf(tile), firstOf(tile + 1)));
    t.wheel = allocate(WHEEL_BYTES);
    t.labelEnd = tile == 0 ? header.labelEnd : allocate(header.labels * 8);
    t.labelCore = tile == 0 ? header.labelCore : allocate(header.labels * 4);
    for (let label = 0; label < header.labels; label++)
      setF64(t.labelEnd, label, NO_END);
  }
}

/** This thread takes over a tile, before the first cycle. */
export function takeTile(tile: i32): void {
  mine = tile;
  firstCore = firstOf(tile);
  behindLast = firstOf(tile + 1);
  visit = 0;
  told = NEVER;
  useDue(tileAt(tile).due, firstCore, behindLast);
  useWheel(tileAt(tile).wheel);
}

@inline
export function myTile(): Tile {
  return tileAt(mine);
}

/** A cycle begins: hears what others told in the one before. */
export function beginVisit(): void {
  if (header.tiles == 1) return;
  const odd = (visit & 1) == 1;
  const t = tileAt(mine);
  if (odd) t.messages1 = 0;
  else t.messages0 = 0;
  told = NEVER;
  if (visit == 0) return;
  for (let tile = 0; tile < header.tiles; tile++) {
    if (tile == mine) continue;
    const other = tileAt(tile);
    const messages = odd ? other.messages0 : other.messages1;
    const box = odd ? other.box0 : other.box1;
    for (let i = 0; i < messages; i++)
      read(changetype<Message>(box + <usize>i * offsetof<Message>()));
  }
}

function read(message: Message): void {
  if (message.to != mine) return;
  const at = message.at;
  const c = changetype<Channel>(message.channel & ~POP);
  if ((message.channel & POP) == 0) {
    arrive(c, at);
    return;
  }
  const popped = c.popped;
  c.popped = popped + 1;
  c.setAt(popped, at);
  if (c.from < 0) wakeSender(c, at);
}

/** Tells the receiver's tile of a wavelet sent over a cut, eligible from cycle `at` on. */
export function tellSent(c: Channel, at: Time): void {
  const twin = twinOf(c);
  const to = twin.to;
  tell((to < 0 ? ~to : to) >>> 5, changetype<usize>(twin), at);
}

/** Tells the sender's tile that a place of a channel over a cut is free from cycle `at` on. */
export function tellPopped(twin: Channel, at: Time): void {
  const from = twin.from & ~WAITS;
  const c = channelFrom(from >>> 8, (from >> 5) & 7, from & 31)!;
  tell(from >>> 8, changetype<usize>(c) | POP, at);
}

function tell(core: i32, channel: usize, at: Time): void {
  const odd = (visit & 1) == 1;
  const t = tileAt(mine);
  const i = odd ? t.messages1++ : t.messages0++;
  const box = odd ? t.box1 : t.box0;
  const message = changetype<Message>(box + <usize>i * offsetof<Message>());
  message.to = tileOf(core);
  message.channel = channel;
  message.at = at;
  told = min(told, at);
}

/** A cycle is over: waits for all tiles, and says in which one they go on (or what one said in place of it). */
export function endVisit(next: Time): Time {
  if (header.tiles == 1) return next;
  const odd = (visit & 1) == 1;
  const t = tileAt(mine);
  let least = min(next, told);
  if (odd) t.next1 = least;
  else t.next0 = least;
  visit++;
  atomic.store<i32>(changetype<usize>(t), visit);
  wakeSleepers(changetype<usize>(t));
  for (let tile = 0; tile < header.tiles; tile++) {
    if (tile == mine) continue;
    const other = tileAt(tile);
    waitFor(changetype<usize>(other), visit);
    least = min(least, odd ? other.next1 : other.next0);
  }
  return least;
}

/** Has the host said that run `run` is to stop? It is the first tile that hears it, and tells the others. */
@inline
export function isStopped(run: i32): bool {
  return header.tiles > 1 && mine == 0 && atomic.load<i32>(STOP_AT) == run;
}

/** Lets those who wait for run `run` begin it. The host waits (see `helpRun` in ../machine.ts). */
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

function wakeSleepers(at: usize): void {
  if (atomic.load<i32>(SLEEPING_AT) > 0) wake(at);
}

/** Waits until another thread has made a number at least `value`; numbers may start over. */
function waitFor(at: usize, value: i32): void {
  for (let i = 0; i < SPINS; i++) if (atomic.load<i32>(at) - value >= 0) return;
  for (;;) {
    atomic.add<i32>(SLEEPING_AT, 1);
    const seen = atomic.load<i32>(at);
    if (seen - value < 0) sleep(at, seen);
    atomic.sub<i32>(SLEEPING_AT, 1);
    if (atomic.load<i32>(at) - value >= 0) return;
  }
}
