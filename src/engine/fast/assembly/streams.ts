/**
 * Streams of cores. A core that only takes wavelets, or only sends them, does so at cycles that are
 * known as soon as the wavelet or its place is: both are set ahead, and the core need not be visited.
 * One that does both is a rigid pipeline, which is looked at cycle by cycle.
 */
import { NOTES_EVENTS } from './notes';
import { AHEAD, Channel, Core, FROM_CORE, LONG, NOT_STALLED, RAMP, TRAFFIC, RECOLOR } from './machine';
import { header } from './machine';
import { add64, f64At, setF64 } from './memory';
import { channelFrom, coreOf } from './places';
import { wakeCore, window } from './due';
import { event_sends, event_takes, noteAtCore } from './events';
import { endOperation } from './operations';
import { arrive, wakeSender } from './routes';
import { NEVER, Time } from './time';
import { markLast } from './switches';
import { countTaken, countTakes, isWanted, noteEntered, noteTaken, setReceivers } from './traffic';
import { myTile } from './tiles';
import { setTimer } from './wheel';
import { COUNTED, IDLE, NOTED, SINKS, WAITS, isAwaited } from './words';

/** A wavelet leaves the router in cycle `t` for a core that takes it as soon as it is there. */
export function takeFromRouter(input: Channel, core: i32, t: Time): void {
  const c = coreOf(core);
  take(c, input, t + header.ramp);
  settle(c, core, t);
}

/** The same for a core whose takes are noted. */
export function takeNoted(input: Channel, core: i32, t: Time): void {
  const c = coreOf(core);
  noteTaken(core, input, take(c, input, t + header.ramp));
  settle(c, core, t);
}

/** The same for an exchange that counts what it takes of each colour. */
export function takeCounted(input: Channel, core: i32, t: Time): void {
  const c = coreOf(core);
  const at = take(c, input, t + header.ramp);
  if (header.notes != 0) noteTaken(core, input, at);
  countTaken(core, input);
  settle(c, core, t);
}

/** Takes the wavelets that are in the core's queue, or on their way to it. */
export function drain(c: Core, input: Channel, t: Time): void {
  while (c.takes > 0 && input.popped < input.sent) takeQueued(c, input, t);
}

/** Takes the first wavelet of a queue; returns when. */
@inline
export function takeQueued(c: Core, input: Channel, t: Time): Time {
  const at = take(c, input, input.at(input.popped));
  if (isAwaited(input.from)) tellRouter(input, at + header.ramp, t);
  return at;
}

/** A core begins to take: what is in its queues or on its way first, then what arrives. */
export function beginTaking(c: Core, core: i32, t: Time): void {
  const noted = c.op.kind == TRAFFIC && header.notes != 0;
  const several = c.op.kind == TRAFFIC && c.op.several != 0;
  const sink = c.op.counts ? COUNTED : noted ? NOTED : SINKS;
  if (several) setReceivers(c, sink);
  else c.source!.to = sink;
  if (c.op.counts) countTakes(c, core);
  if (!noted && !several) drain(c, c.source!, t);
  else while (c.takes > 0 && takeFirst(c, core, t)) {}
}

/** Takes the wavelet that is usable first of all that are in the core's queues; false without one. */
function takeFirst(c: Core, core: i32, t: Time): bool {
  let first: Channel | null = null;
  if (c.op.several == 0 && c.source!.popped < c.source!.sent) first = c.source;
  for (let bits = c.op.several; bits != 0; bits &= bits - 1) {
    const input = channelFrom(core, RAMP, ctz(bits))!;
    if (input.popped == input.sent) continue;
    if (c.op.counts && !isWanted(core, ctz(bits))) continue;
    if (first == null || input.at(input.popped) < first.at(first.popped)) first = input;
  }
  if (first == null) return false;
  const at = takeQueued(c, first, t);
  if (header.notes != 0) noteTaken(core, first, at);
  if (c.op.counts) countTaken(core, first);
  return true;
}

/** Takes one wavelet, usable from cycle `usable` on; returns when. */
@inline
function take(c: Core, input: Channel, usable: Time): Time {
  const at = max(usable, c.nextTake);
  if (NOTES_EVENTS) noteAtCore(event_takes, input, at);
  c.nextTake = at + 1;
  c.latest = max(c.latest, at);
  if (--c.takes == 0) stopTaking(c, input);
  const popped = input.popped;
  input.popped = popped + 1;
  input.setAt(popped, at + header.ramp);
  return at;
}

/** The operation takes no more. */
function stopTaking(c: Core, input: Channel): void {
  input.to = IDLE;
  if (c.op.kind == TRAFFIC && c.op.several != 0) setReceivers(c, IDLE);
}

/** The core's router may have waited for a place in the core's queue, which is free from `free` on. */
function tellRouter(input: Channel, free: Time, t: Time): void {
  wakeSender(input, min(free, t + window - 1));
}

/** Sends what finds a place that is free, or known to become so. */
export function supply(core: i32, now: Time): void {
  const c = coreOf(core);
  let output = c.output!;
  while (c.left > 0) {
    const ready = nextReady(c);
    if (ready - now > AHEAD) {
      setTimer(core, ready, now);
      return;
    }
    const before = output.sent - header.depth;
    if (before >= output.popped) {
      output.from |= WAITS;
      return;
    }
    const at = max(ready, output.at(before));
    waitForOutput(core, at - ready);
    c.nextSend = at + 1;
    c.latest = max(c.latest, at);
    c.left--;
    enterRamp(output, at);
    if (c.op.kind == TRAFFIC) {
      if (header.notes != 0) noteEntered(core, at);
      if (c.left > 0) {
        passGap(c, core);
        output = c.output!;
      }
    }
  }
  markIfAsked(c);
  settle(c, core, now);
}

/** All wavelets of a stream are sent: is the last one to be marked? */
@inline
function markIfAsked(c: Core): void {
  if (c.op.marks && c.op.kind != TRAFFIC && c.output != null) markLast(c.output!);
}

@inline
function waitForOutput(core: i32, cycles: Time): void {
  if (cycles <= 0) return;
  setF64(header.waitOutput, core, f64At(header.waitOutput, core) + <f64>cycles);
  add64(myTile().labelWaitOutput, coreOf(core).op.label, <i64>cycles);
}

/** When the next wavelet of a stream could enter the ramp. */
@inline
function nextReady(c: Core): Time {
  return c.op.kind == TRAFFIC ? max(c.nextSend, c.sendAt) : c.nextSend;
}

/** Traffic continues with the wavelet after the next gap. */
export function passGap(c: Core, core: i32): void {
  let at = <usize>c.pipe;
  let gap = load<u8>(at);
  if (gap == RECOLOR) {
    c.output = channelFrom(core, FROM_CORE, load<u8>(at, 1));
    at += 2;
    gap = load<u8>(at);
  }
  c.sendAt += gap == LONG ? <Time>load<f64>(at, 1) : <Time>gap;
  c.pipe = <i32>at + (gap == LONG ? 9 : 1);
}

@inline
function enterRamp(output: Channel, at: Time): void {
  if (NOTES_EVENTS) noteAtCore(event_sends, output, at);
  arrive(output, at + header.ramp);
}

/** Ends an operation that has sent and taken all. */
@inline
export function settle(c: Core, core: i32, now: Time): void {
  if (c.left > 0 || c.takes > 0) return;
  endOperation(c, core, c.latest + 1, now);
}

/** One cycle of a pipeline from the fabric to the fabric. */
export function stream(core: i32, t: Time): void {
  const c = coreOf(core);
  const input = c.source!;
  let pipe = movedPipe(c, t);
  const head = c.left > 0 ? headOf(input) : NEVER;
  if ((pipe & 1) == 1 && !leavesPipe(c, core, head, t)) {
    c.pipe = pipe;
    if (head > t && head != NEVER) wakeCore(core, head);
    return;
  }
  pipe >>>= 1;
  if (head <= t) {
    if (NOTES_EVENTS) noteAtCore(event_takes, input, t);
    c.left--;
    const popped = input.popped;
    input.popped = popped + 1;
    input.setAt(popped, t + header.ramp);
    if (isAwaited(input.from)) tellRouter(input, t + header.ramp, t);
    pipe |= 1 << (c.op.latency - 1);
  }
  c.pipe = pipe;
  c.pipeAt = t + 1;
  if (c.left == 0 && pipe == 0) {
    markIfAsked(c);
    endOperation(c, core, t + 1, t);
    return;
  }
  let next = c.left > 0 ? headOf(input) : NEVER;
  if (pipe != 0) next = min(next, t + 1 + ctz(pipe));
  if (next != NEVER) wakeCore(core, min(max(next, t + 1), t + window - 1));
}

/** A cycle of a task that has no work left: a result leaves, if there is one, and a wavelet is taken. */
export function work(core: i32, t: Time): void {
  const c = coreOf(core);
  const input = c.source!;
  const sends = c.output != null;
  const head = c.left > 0 ? headOf(input) : NEVER;
  if (c.pipe == 1 && sends && !leavesPipe(c, core, head, t)) {
    if (head > t && head != NEVER) wakeCore(core, head);
    return;
  }
  c.pipe = 0;
  if (c.left == 0) {
    markIfAsked(c);
    endOperation(c, core, t + 1, t);
    return;
  }
  if (head > t) {
    if (head != NEVER) wakeCore(core, head);
    return;
  }
  if (NOTES_EVENTS) noteAtCore(event_takes, input, t);
  const popped = input.popped;
  input.popped = popped + 1;
  input.setAt(popped, t + header.ramp);
  if (isAwaited(input.from)) tellRouter(input, t + header.ramp, t);
  c.left--;
  c.pipe = 1;
  c.pipeAt = t + <Time>c.op.cycles;
  if (c.left > 0 || sends) setTimer(core, c.pipeAt, t);
  else endOperation(c, core, c.pipeAt, t);
}

/** When the first wavelet of a channel is usable, or NEVER. */
@inline
function headOf(c: Channel): Time {
  const popped = c.popped;
  return popped == c.sent ? NEVER : c.at(popped);
}

/** The pipeline in cycle `t`: it moved in every cycle since the last visit, unless a result stood. */
@inline
function movedPipe(c: Core, t: Time): i32 {
  const pipe = c.pipe;
  return pipe == 0 ? 0 : pipe >>> <i32>min(<Time>ctz(pipe), t - c.pipeAt);
}

/** Lets the result at the pipeline's end into the ramp; if it has no place, sees when it may have. */
function leavesPipe(c: Core, core: i32, head: Time, t: Time): bool {
  const output = c.output!;
  const before = output.sent - header.depth;
  const known = before < output.popped;
  const free = output.at(before);
  if (known && free <= t) {
    if (c.stalledSince != NOT_STALLED) {
      waitForOutput(core, t - c.stalledSince);
      c.stalledSince = NOT_STALLED;
    }
    enterRamp(output, t);
    return true;
  }
  if (known) wakeCore(core, free);
  else output.from |= WAITS;
  const usable = head <= t || c.left == 0;
  if (usable && c.stalledSince == NOT_STALLED) c.stalledSince = t;
  return false;
}
