/**
 * Tiles from cycle to cycle. What crosses a cut acts in a later cycle at the earliest (rule 1 of section 4),
 * so tiles go through a cycle side by side, report to each other what they sent and popped over the cuts,
 * and agree on the next cycle in which any of them has something to do.
 */
import { Channel, header } from './machine';
import { allocate, entry, setF64 } from './memory';
import { channelFrom, twinOf } from './places';
import { bytesOfDue, useDue } from './due';
import { arrive, wakeSender } from './routes';
import { waitFor, wakeSleepers } from './threads';
import { Tile, coresEnd, firstCore, firstOf, isOwn, myTile, own, ownPart } from './tiles';
import { tileAt, tileOf, tilesMeet } from './tiles';
import { LONG_AGO, NEVER, Time } from './time';
import { WHEEL_BYTES, useWheel } from './wheel';
import { calm, colorOf, endOf, isAwaited, readerOf, routerWord, senderOf } from './words';

/** What one tile reports to another: a wavelet was sent, or a place was popped. */
@unmanaged
class Message {
  to: i32;
  /** The address of the channel, and in its lowest bit whether it was popped. */
  about: usize;
  /** The cycle from which the wavelet is eligible, or the place free. */
  at: Time;

  @inline
  get isPop(): bool {
    return (this.about & 1) == 1;
  }

  @inline
  get channel(): Channel {
    return changetype<Channel>(this.about & ~1);
  }
}

/** End of a label without operations. */
export const NO_END: f64 = -Infinity;

/** In place of a next cycle: the machine failed. */
export const FAILED: Time = LONG_AGO;
/** The same: the host wants no more of the run. */
export const STOPPED: Time = LONG_AGO + 1;

/** How many cycles this tile has gone through, and the earliest cycle that it reported. */
let begun: i32 = 0;
let reported: Time = NEVER;

/** What the tiles of a program need that was laid out. */
export function createTiles(): void {
  const bytes = 2 * <u64>header.crossings * offsetof<Message>();
  for (let tile = 0; tile < header.tiles; tile++) {
    const t = tileAt(tile);
    t.box0 = allocate(bytes);
    t.box1 = allocate(bytes);
    t.due = allocate(bytesOfTile(tile));
    t.wheel = allocate(WHEEL_BYTES);
    t.labelEnd = tile == 0 ? header.labelEnd : allocate(header.labels * 8);
    t.labelCore = tile == 0 ? header.labelCore : allocate(header.labels * 4);
    t.labelWait = tile == 0 ? header.labelWait : allocate(header.labels * 8);
    t.labelWaitOutput = tile == 0 ? header.labelWaitOutput : allocate(header.labels * 8);
    for (let label = 0; label < header.labels; label++)
      setF64(t.labelEnd, label, NO_END);
  }
}

/** Bytes of a tile's table of what is due: of any part, if the program has several. */
function bytesOfTile(tile: i32): u64 {
  if (header.parts == 0) return bytesOfDue(firstOf(tile), firstOf(tile + 1));
  let most: u64 = 0;
  for (let part = 0; part < header.parts; part++) {
    const first = entry(header.partsFrom, part);
    most = max(most, bytesOfDue(first, entry(header.partsFrom, part + 1)));
  }
  return most;
}

/** This thread takes over a tile, before the first cycle. */
export function takeTile(tile: i32): void {
  own(tile);
  begun = 0;
  reported = NEVER;
  useTables();
}

/** Its tile is another part of the program from now on; in the one before nothing is due any more. */
export function takePart(part: i32): void {
  ownPart(part);
  useTables();
}

function useTables(): void {
  const t = myTile();
  useDue(t.due, firstCore, coresEnd);
  useWheel(t.wheel);
}

/** A cycle begins: reads what others reported in the one before. */
export function beginCycle(): void {
  if (!tilesMeet()) return;
  const odd = (begun & 1) == 1;
  const t = myTile();
  if (odd) t.messages1 = 0;
  else t.messages0 = 0;
  reported = NEVER;
  if (begun == 0) return;
  for (let tile = 0; tile < header.tiles; tile++) {
    if (isOwn(tile)) continue;
    const other = tileAt(tile);
    const messages = odd ? other.messages0 : other.messages1;
    const box = odd ? other.box0 : other.box1;
    for (let i = 0; i < messages; i++)
      read(changetype<Message>(box + <usize>i * offsetof<Message>()));
  }
}

function read(message: Message): void {
  if (!isOwn(message.to)) return;
  const at = message.at;
  const c = message.channel;
  if (!message.isPop) {
    arrive(c, at);
    return;
  }
  const popped = c.popped;
  c.popped = popped + 1;
  c.setAt(popped, at);
  if (isAwaited(c.from)) wakeSender(c, at);
}

/** Reports to the receiver's tile a wavelet sent over a cut, eligible from cycle `at` on. */
export function reportSent(c: Channel, at: Time): void {
  const twin = twinOf(c);
  report(readerOf(routerWord(twin.to)), twin, false, at);
}

/** Reports to the sender's tile that a place of a channel over a cut is free from cycle `at` on. */
export function reportPopped(twin: Channel, at: Time): void {
  const from = calm(twin.from);
  const sender = senderOf(from);
  report(sender, channelFrom(sender, endOf(from), colorOf(from))!, true, at);
}

function report(core: i32, channel: Channel, popped: bool, at: Time): void {
  const odd = (begun & 1) == 1;
  const t = myTile();
  const i = odd ? t.messages1++ : t.messages0++;
  const box = odd ? t.box1 : t.box0;
  const message = changetype<Message>(box + <usize>i * offsetof<Message>());
  message.to = tileOf(core);
  message.about = changetype<usize>(channel) | <usize>popped;
  message.at = at;
  reported = min(reported, at);
}

/** A cycle is over: waits for all tiles, and returns the next one (or FAILED or STOPPED). */
export function nextCycle(next: Time): Time {
  if (!tilesMeet()) return next;
  const odd = (begun & 1) == 1;
  const t = myTile();
  let least = min(next, reported);
  if (odd) t.next1 = least;
  else t.next0 = least;
  begun++;
  atomic.store<i32>(changetype<usize>(t), begun);
  wakeSleepers(changetype<usize>(t));
  for (let tile = 0; tile < header.tiles; tile++) {
    if (isOwn(tile)) continue;
    const other = tileAt(tile);
    waitFor(changetype<usize>(other), begun);
    least = min(least, odd ? other.next1 : other.next0);
  }
  return least;
}
