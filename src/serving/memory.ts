/**
 * The KV cache of all layers as one pool of positions, which are given out in blocks: as many as a region has
 * rows, since a user's positions are dealt out row by row, from the first row on. A request takes what its
 * prompt and its answer need when it starts, so that it never has to stop half-way. A session may keep the cache
 * of its last turn for the next one; kept caches are evicted, longest idle first, when a request needs the room.
 * Where layers keep a state of each user (gated delta nets), however long its context is, there is room for so
 * many of them.
 */
interface Kept {
  positions: number;
  /** The request whose cache it is, where that is known. */
  of: number | undefined;
}

export interface CacheMemory {
  /** Positions in whole blocks, as are `free` and `keptTotal`. */
  capacity: number;
  block: number;
  free: number;
  /** States of users that there is room for yet; any number in models without. */
  freeStates: number;
  /** Caches kept for idle sessions, longest idle first. */
  kept: Map<number, Kept>;
  keptTotal: number;
  /** How often a session's cache was evicted. */
  evictions: number;
}

export function createMemory(positions: number, block = 1, states = Infinity): CacheMemory {
  const capacity = positions - (positions % block);
  const kept = { kept: new Map<number, Kept>(), keptTotal: 0, evictions: 0 };
  return { capacity, block, free: capacity, freeStates: states, ...kept };
}

/** `positions` in whole blocks. */
export function inBlocks(positions: number, block: number): number {
  return Math.ceil(positions / block) * block;
}

/**
 * Positions of its earlier turns that a session still has.
 * @param parent the request whose cache is asked for; where it is not given, whatever the session has
 */
export function keptBy(memory: CacheMemory, session: number | undefined, parent?: number): number {
  const kept = session === undefined ? undefined : memory.kept.get(session);
  return kept === undefined || (parent !== undefined && parent !== kept.of) ? 0 : kept.positions;
}

/** Whether `positions` would fit next to the requests that run. */
export function fits(memory: CacheMemory, positions: number): boolean {
  const { block, free, freeStates, kept, keptTotal } = memory;
  return inBlocks(positions, block) <= free + keptTotal && freeStates + kept.size > 0;
}

/** Takes `positions`, those that the session has kept included. They must fit. */
export function take(memory: CacheMemory, positions: number, session: number | undefined): void {
  const needed = inBlocks(positions, memory.block);
  drop(memory, session);
  for (const idle of memory.kept.keys()) {
    if (memory.free >= needed && memory.freeStates > 0) break;
    drop(memory, idle);
    memory.evictions++;
  }
  memory.free -= needed;
  memory.freeStates--;
}

/** Gives positions back, or keeps them for the session's next turn, in place of what it has kept before. */
export function release(
  memory: CacheMemory,
  positions: number,
  session: number | undefined,
  of?: number,
): void {
  const room = inBlocks(positions, memory.block);
  if (session === undefined) {
    memory.free += room;
    memory.freeStates++;
  } else {
    drop(memory, session);
    memory.kept.set(session, { positions, of });
    memory.keptTotal += room;
  }
}

/** Gives back what is beyond the first `positions` of those that a request has taken. */
export function shorten(memory: CacheMemory, taken: number, positions: number): void {
  memory.free += inBlocks(taken, memory.block) - inBlocks(positions, memory.block);
}

/** Frees what a session keeps, if it keeps anything. */
export function drop(memory: CacheMemory, session: number | undefined): void {
  const kept = session === undefined ? undefined : memory.kept.get(session);
  if (kept === undefined) return;
  memory.kept.delete(session!);
  const room = inBlocks(kept.positions, memory.block);
  memory.keptTotal -= room;
  memory.free += room;
  memory.freeStates++;
}
