/** Memory for tables and state: from the end of the static data on, all of it freed at once. */
import { Header, header } from './machine';

let heap: usize = 0;
/**
 * Address of the number that says from where on memory was never used: it is zero there and not committed.
 * Machines of both widths use one memory.
 */
const FRESH_AT: usize = 8;

/** The host's error for a program that needs more memory than there can be. */
export declare function outOfMemory(): void;
/** The same for a host that has no more memory. */
declare function noMemory(): void;

/** Memory for `bytes` of tables or state, full of zeros, from a multiple of 64 on. */
export function allocate(bytes: u64): usize {
  const before = load<usize>(FRESH_AT);
  const at = allocateUnset(bytes);
  if (at < before) memory.fill(at, 0, min(heap, before) - at);
  return at;
}

/** The same with anything in it. */
export function allocateUnset(bytes: u64): usize {
  const at = heap;
  const end = <u64>at + ((bytes + 63) & ~63);
  if (end > <u64>0xffff_0000) outOfMemory();
  heap = <usize>end;
  const missing = <i32>((heap + 0xffff) >> 16) - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) noMemory();
  store<usize>(FRESH_AT, max(load<usize>(FRESH_AT), heap));
  return at;
}

/** A copy of all that is allocated, and how long it is; 0 if there is none. */
let kept: usize = 0;
let keptBytes: usize = 0;

/** More than this is not kept. */
const MOST_KEPT: usize = 1 << 20;

/** Keeps all that is allocated as it is now, if that is not much. */
export function keep(): void {
  keptBytes = 0;
  const bytes = heap - firstPlace();
  if (bytes > MOST_KEPT) return;
  kept = allocateUnset(bytes);
  memory.copy(kept, firstPlace(), bytes);
  keptBytes = bytes;
}

/** All that was allocated is again as it was when it was kept; false if it was not. */
export function restore(): bool {
  if (keptBytes == 0) return false;
  memory.copy(firstPlace(), kept, keptBytes);
  return true;
}

@inline
function firstPlace(): usize {
  return (__heap_base + 63) & ~63;
}

/** Forgets everything; the next to be allocated are the tables of a program. Address of the header. */
export function reset(): usize {
  heap = firstPlace();
  keptBytes = 0;
  memory.fill(changetype<usize>(header), 0, offsetof<Header>());
  return changetype<usize>(header);
}

/** An entry of a table of i32. */
@inline
export function entry(table: usize, index: i32): i32 {
  return load<i32>(table + (<usize>index << 2));
}

@inline
export function setEntry(table: usize, index: i32, value: i32): void {
  store<i32>(table + (<usize>index << 2), value);
}

/** An entry of a table of f64. */
@inline
export function f64At(table: usize, index: i32): f64 {
  return load<f64>(table + (<usize>index << 3));
}

@inline
export function setF64(table: usize, index: i32, value: f64): void {
  store<f64>(table + (<usize>index << 3), value);
}

/** An entry of a table of i64. */
@inline
export function i64At(table: usize, index: i32): i64 {
  return load<i64>(table + (<usize>index << 3));
}

/** Adds to one. */
@inline
export function add64(table: usize, index: i32, more: i64): void {
  const at = table + (<usize>index << 3);
  store<i64>(at, load<i64>(at) + more);
}

/** The least power of two that is not less than `n`. */
export function powerOf2(n: i32): i32 {
  return n <= 1 ? 1 : 1 << (32 - clz(n - 1));
}
