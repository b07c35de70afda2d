/** Memory for tables and state: from the end of the static data on, all of it forgotten at once. */
import { Header, header } from './machine';

let heap: usize = 0;
/** Memory from here on was never used: it is zero, and costs nothing before it is. */
let fresh: usize = 0;

/** The host's way to say that there is not enough. */
declare function outOfMemory(): void;

/** Memory for `bytes` of tables or state, full of zeros, from a multiple of 64 on. */
export function allocate(bytes: u64): usize {
  const before = fresh;
  const at = allocateUnset(bytes);
  if (at < before) memory.fill(at, 0, min(heap, before) - at);
  return at;
}

/** The same with anything in it. */
export function allocateUnset(bytes: u64): usize {
  const at = heap;
  const behind = <u64>at + ((bytes + 63) & ~63);
  if (behind > <u64>0xffff_0000) outOfMemory();
  heap = <usize>behind;
  const missing = <i32>((heap + 0xffff) >> 16) - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) outOfMemory();
  fresh = max(fresh, heap);
  return at;
}

/** Forgets everything; the next to be allocated are the tables of a program. Address of the header. */
export function reset(): usize {
  heap = (__heap_base + 63) & ~63;
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

/** The least power of two that is not less than `n`. */
export function powerOf2(n: i32): i32 {
  return n <= 1 ? 1 : 1 << (32 - clz(n - 1));
}
