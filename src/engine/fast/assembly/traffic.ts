/** Synthetic traffic: cores that take several colours, and when wavelets are sent and taken. */
import { CORE_BYTES, Channel, Core, RAMP, header } from './machine';
import { entry, setEntry, setF64 } from './memory';
import { channelFrom } from './places';
import { Time } from './time';
import { IDLE, colorOf } from './words';

/** What becomes of wavelets of all colours that an operation takes. */
export function setReceivers(c: Core, to: i32): void {
  const core = <i32>((changetype<usize>(c) - header.coreRecords) / CORE_BYTES);
  for (let bits = c.op.several; bits != 0; bits &= bits - 1)
    channelFrom(core, RAMP, ctz(bits))!.to = to;
}

/** An exchange begins: how many wavelets it is to take of each of its colours. */
export function countTakes(c: Core, core: i32): void {
  let at = header.gaps + <usize>c.op.firstGap - 8 * <usize>popcnt(c.op.several);
  for (let bits = c.op.several; bits != 0; bits &= bits - 1, at += 8) {
    const color = ctz(bits);
    const count = <i32>load<f64>(at);
    setEntry(header.toTake, core * header.colors + color, count);
    if (count == 0) channelFrom(core, RAMP, color)!.to = IDLE;
  }
}

/** Are there wavelets to take of a channel's colour? */
export function isWanted(core: i32, color: i32): bool {
  return entry(header.toTake, core * header.colors + color) > 0;
}

/** One less to take of a channel; after the last one the others wait for the next operation. */
export function countTaken(core: i32, input: Channel): void {
  const at = core * header.colors + colorOf(input.from);
  const left = entry(header.toTake, at) - 1;
  setEntry(header.toTake, at, left);
  if (left == 0) input.to = IDLE;
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
  store<u8>(header.takenColor + <usize>next, <u8>colorOf(input.from));
}
