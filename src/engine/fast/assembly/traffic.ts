/** Synthetic traffic: cores that take several colours, and when wavelets are sent and taken. */
import { CORE_BYTES, Channel, Core, NOTED, RAMP, SINKS, TRAFFIC, header } from './machine';
import { entry, setEntry, setF64 } from './memory';
import { channelFrom } from './places';
import { drain, takeQueued } from './streams';
import { Time } from './time';

/** A core begins to take: what is in its queues or on its way first, then whatever comes. */
export function beginTaking(c: Core, core: i32, t: Time): void {
  const noted = c.op.kind == TRAFFIC && header.notes != 0;
  const several = c.op.kind == TRAFFIC && c.op.c != 0;
  const sink = noted ? NOTED : SINKS;
  if (several) setReceivers(c, sink);
  else c.source!.to = sink;
  if (!noted && !several) drain(c, c.source!, t);
  else while (c.takes > 0 && takeFirst(c, core, t)) {}
}

/** Takes the wavelet that is usable first of all that are in the core's queues; false without one. */
function takeFirst(c: Core, core: i32, t: Time): bool {
  let first: Channel | null = null;
  if (c.op.c == 0 && c.source!.popped < c.source!.sent) first = c.source;
  for (let bits = c.op.c; bits != 0; bits &= bits - 1) {
    const input = channelFrom(core, RAMP, ctz(bits))!;
    if (input.popped == input.sent) continue;
    if (first == null || input.at(input.popped) < first.at(first.popped)) first = input;
  }
  if (first == null) return false;
  const at = takeQueued(c, first, t);
  if (header.notes != 0) noteTaken(core, first, at);
  return true;
}

/** What becomes of wavelets of all colours that an operation takes. */
export function setReceivers(c: Core, to: i32): void {
  const core = <i32>((changetype<usize>(c) - header.coreRecords) / CORE_BYTES);
  for (let bits = c.op.c; bits != 0; bits &= bits - 1)
    channelFrom(core, RAMP, ctz(bits))!.to = to;
}

/** Notes that a wavelet of a core enters the ramp in cycle `at`. */
export function noteEntered(core: i32, at: Time): void {
  const next = entry(header.notes, core * 2);
  setEntry(header.notes, core * 2, next + 1);
  setF64(header.entered, next, <f64>at);
}

/** Notes that a core takes a wavelet of a channel in cycle `at`. */
export function noteTaken(core: i32, input: Channel, at: Time): void {
  const next = entry(header.notes, core * 2 + 1);
  setEntry(header.notes, core * 2 + 1, next + 1);
  setF64(header.taken, next, <f64>at);
  store<u8>(header.takenColor + <usize>next, <u8>(input.from & 31));
}
