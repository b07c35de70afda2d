/**
 * Words for the ends of a channel. `from`: the sender, its end and the colour, with `WAITS` if
 * the next pop is to wake it. `to`: the router that reads the channel and the colour, inverted while the
 * channel is not the colour's input there; or one of the receivers below.
 */

export const WAITS: i32 = i32.MIN_VALUE;

/** Cores that have a number in `from`. */
export const MOST_CORES: i32 = 1 << 23;

@inline
export function fromOf(core: i32, end: i32, color: i32): i32 {
  return (core << 8) | (end << 5) | color;
}

/** Is the next pop to wake the sender? */
@inline
export function isAwaited(from: i32): bool {
  return from < 0;
}

/** `from` of a sender that does not wait. */
@inline
export function calm(from: i32): i32 {
  return from & ~WAITS;
}

/** Of a calm `from`. */
@inline
export function senderOf(from: i32): i32 {
  return from >>> 8;
}

@inline
export function endOf(from: i32): i32 {
  return (from >> 5) & 7;
}

/** Of either word. */
@inline
export function colorOf(word: i32): i32 {
  return word & 31;
}

@inline
export function toOf(core: i32, color: i32): i32 {
  return (core << 5) | color;
}

/** `to` of a router, whether or not the channel is the input of its colour. */
@inline
export function routerWord(to: i32): i32 {
  return to < 0 ? ~to : to;
}

@inline
export function readerOf(to: i32): i32 {
  return to >>> 5;
}

/** What happens to a wavelet that is sent to a core: it is taken as it comes, it wakes the core, it waits. */
export const SINKS: i32 = i32.MIN_VALUE;
export const STREAMS: i32 = SINKS + 1;
/** Taken as it comes, and noted. */
export const NOTED: i32 = SINKS + 2;
/** Taken as it comes, and counted by its colour. */
export const COUNTED: i32 = SINKS + 3;
export const IDLE: i32 = SINKS + 4;
/** The receiver of a channel that leads to another tile, or to a router without a route for the colour. */
export const FAR: i32 = SINKS + 5;
export const NOWHERE: i32 = SINKS + 6;
