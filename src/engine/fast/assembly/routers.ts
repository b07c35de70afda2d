/** Routers: each that is due tries its colours in turn (machine-model section 4a). */
import { DELAYS, NOTES_EVENTS, NOTES_MOVES } from './notes';
import { Channel, MOVING, Router, Slot, header } from './machine';
import { coreOf, cyclesOf, routerOf, slotOf } from './places';
import { blocksEnd, firstBlock, takeDueWords, takeRouters } from './due';
import { wakeCore, wakeRouter, window } from './due';
import { noteArrival, passMark, wakeSender } from './routes';
import { supply, takeCounted, takeFromRouter, takeNoted } from './streams';
import { isMine } from './tiles';
import { Time } from './time';
import { noteMoves, pointerIn } from './moves';
import { noteDeparture } from './events';
import { reportPopped, reportSent } from './exchange';
import { COUNTED, FAR, IDLE, NOTED, NOWHERE, SINKS, STREAMS, WAITS, isAwaited } from './words';
import { calm, colorOf, readerOf, senderOf } from './words';

/** One cycle of all routers that are due. */
export function stepRouters(t: Time): void {
  for (let block = firstBlock; block < blocksEnd; block++) {
    for (let some = takeDueWords(block, t); some != 0; some &= some - 1) {
      const word = block * 32 + ctz(some);
      for (let bits = takeRouters(word, t); bits != 0; bits &= bits - 1)
        stepRouter(word * 32 + ctz(bits), t);
    }
  }
}

function stepRouter(core: i32, t: Time): void {
  const router = routerOf(core);
  const first = NOTES_MOVES ? pointerIn(core, router, t) : router.pointer;
  let rest = router.have & ~router.waiting;
  let granted = 0;
  let moved = 0;
  let contested = false;
  while (rest != 0) {
    const later = rest & (-1 << first);
    const bit = later != 0 ? later & -later : rest & -rest;
    rest ^= bit;
    const color = ctz(bit);
    const slot = slotOf(core, color);
    const input = slot.input!;
    const popped = input.popped;
    // Its sender made the router due in the cycle from which the wavelet is eligible.
    if (input.at(popped) > t) {
      if (isDelay(input)) wakeLater(core, input.at(popped), t);
      continue;
    }
    const outputs = slot.outputs;
    if ((outputs & granted) != 0) {
      if (NOTES_MOVES) contested = true;
      wakeRouter(core, t + 1);
      continue;
    }
    const out = slot.out0;
    if (out == null || !hasRoom(out, router, core, bit, t)) continue;
    const several = slot.out1 != null;
    if (several && !othersHaveRoom(slot, router, core, bit, t)) continue;
    if (granted == 0) router.pointer = (color + 1) & 31;
    granted |= outputs;
    if (NOTES_MOVES) moved |= bit;
    if (NOTES_EVENTS) noteDeparture(core, color, input, outputs, t);
    input.popped = popped + 1;
    const back = t + slot.back;
    input.setAt(popped, back);
    if (isAwaited(input.from)) tellSender(input, core, back, t);
    if (popped + 1 == input.sent) router.have &= ~bit;
    else if (input.at(popped + 1) <= t) wakeRouter(core, t + 1);
    else if (isDelay(input)) wakeLater(core, input.at(popped + 1), t);
    forward(out, core, t);
    if (several) forwardByOthers(slot, core, t);
    if ((header.marked & bit) != 0) passMark(core, color, t);
  }
  if (NOTES_MOVES && moved != 0) noteMoves(core, first, moved, granted, contested, t);
}

/** Is a channel a delay line? Its wavelets, and its places, may be known further ahead than a router can be made due. */
@inline
function isDelay(c: Channel): bool {
  return DELAYS && c.depth != header.depth;
}

/** Makes a router due in a cycle, or where that is too far ahead before it. */
@inline
function wakeLater(core: i32, at: Time, t: Time): void {
  wakeRouter(core, DELAYS ? min(at, t + window - 1) : at);
}

/** Has a channel a free place? If not, the router will be due when it may have one. */
@inline
function hasRoom(out: Channel, router: Router, core: i32, bit: i32, t: Time): bool {
  const before = out.sent - out.depth;
  if (before >= out.popped) {
    out.from |= WAITS;
    router.waiting |= bit;
    return false;
  }
  const free = out.at(before);
  if (free <= t) return true;
  wakeRouter(core, min(free, t + window - 1));
  return false;
}

/** The same for all outputs of a slot after the first. */
function othersHaveRoom(slot: Slot, router: Router, core: i32, bit: i32, t: Time): bool {
  for (let i: usize = 1; i < 5; i++) {
    const out = outOf(slot, i);
    if (out == null) break;
    if (!hasRoom(out, router, core, bit, t)) return false;
  }
  return true;
}

/** A wavelet leaves by a channel. */
@inline
function forward(out: Channel, core: i32, t: Time): void {
  const sent = out.sent;
  out.sent = sent + 1;
  const to = out.to;
  if (to >= 0) {
    const at = t + cyclesOf(out);
    out.setAt(sent, at);
    routerOf(readerOf(to)).have |= 1 << colorOf(to);
    wakeLater(readerOf(to), at, t);
  } else reach(out, core, sent, t);
  if (header.meets && to > NOWHERE) noteArrival(out, t + cyclesOf(out));
}

/** It leaves by all outputs of a slot after the first. */
function forwardByOthers(slot: Slot, core: i32, t: Time): void {
  for (let i: usize = 1; i < 5; i++) {
    const out = outOf(slot, i);
    if (out == null) break;
    forward(out, core, t);
  }
}

@inline
function outOf(slot: Slot, i: usize): Channel | null {
  return changetype<Channel | null>(
    load<usize>(changetype<usize>(slot) + i * sizeof<usize>(), offsetof<Slot>('out0')),
  );
}

/** A wavelet leaves for the core, another tile, or a port that is not the input of its colour now. */
function reach(out: Channel, core: i32, sent: Time, t: Time): void {
  const to = out.to;
  out.setAt(sent, t + (to <= IDLE ? header.ramp : cyclesOf(out)));
  if (to == SINKS) takeFromRouter(out, core, t);
  else if (to == STREAMS) wakeCore(core, t + header.ramp);
  else if (to == FAR) reportSent(out, t + cyclesOf(out));
  else if (to == NOTED) takeNoted(out, core, t);
  else if (to == COUNTED) takeCounted(out, core, t);
  // A change of route may make that port the input while the wavelet is on its way.
  else if (to > NOWHERE) wakeLater(readerOf(~to), t + cyclesOf(out), t);
}

/** A sender that waits for a pop is woken: the place is free from cycle `free` on. */
function tellSender(input: Channel, core: i32, free: Time, t: Time): void {
  const from = calm(input.from);
  const c = coreOf(core);
  if (!isMine(senderOf(from))) reportPopped(input, free);
  else if (input != c.output) wakeSender(input, DELAYS ? min(free, t + window - 1) : free);
  else {
    input.from = from;
    if (c.phase == MOVING) supply(core, t);
    else wakeCore(core, free);
  }
}
