/**
 * The KV cache of all layers as one pool of positions. A request takes what its prompt and its answer
 * need when it starts, so that it never has to stop half-way. Sessions may leave theirs behind for
 * their next turn; those give way, longest idle first, when a request needs the room.
 */
export interface CacheMemory {
  capacity: number;
  free: number;
  /** Positions kept for idle sessions, longest idle first. */
  kept: Map<number, number>;
  keptTotal: number;
  /** How often a session's cache had to give way. */
  evictions: number;
}

export function createMemory(capacity: number): CacheMemory {
  return { capacity, free: capacity, kept: new Map(), keptTotal: 0, evictions: 0 };
}

/** Positions of its earlier turns that a session still has. */
export function keptBy(memory: CacheMemory, session: number | undefined): number {
  return session === undefined ? 0 : (memory.kept.get(session) ?? 0);
}

/** Whether `positions` would fit beside the requests that run. */
export function fits(memory: CacheMemory, positions: number): boolean {
  return positions <= memory.free + memory.keptTotal;
}

/** Takes `positions`, those that the session has kept included. They must fit. */
export function take(memory: CacheMemory, positions: number, session: number | undefined): void {
  drop(memory, session);
  for (const idle of memory.kept.keys()) {
    if (memory.free >= positions) break;
    drop(memory, idle);
    memory.evictions++;
  }
  memory.free -= positions;
}

/** Gives positions back, or keeps them for the session's next turn. */
export function release(memory: CacheMemory, positions: number, session: number | undefined): void {
  if (session === undefined) memory.free += positions;
  else {
    memory.kept.set(session, positions);
    memory.keptTotal += positions;
  }
}

function drop(memory: CacheMemory, session: number | undefined): void {
  const positions = keptBy(memory, session);
  if (positions === 0) return;
  memory.kept.delete(session!);
  memory.keptTotal -= positions;
  memory.free += positions;
}
