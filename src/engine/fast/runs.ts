/**
 * Queues of times. A *run* is `count` times one cycle apart from `start` on; a queue of runs stands in
 * four fields of an array (first run, the next ones, the last one), further runs in nodes of a pool.
 * A stream on a free path is one run, however long it is.
 */
export const START = 0;
export const COUNT = 1;
export const NEXT = 2;
export const TAIL = 3;

/** Nodes of four fields: start, count, next, unused. */
export interface Pool {
  nodes: Int32Array;
  used: number;
  free: number;
}

export function createPool(): Pool {
  return { nodes: new Int32Array(1 << 14), used: 0, free: -1 };
}

export function newNode(pool: Pool): number {
  const { free } = pool;
  if (free >= 0) {
    pool.free = pool.nodes[free + NEXT];
    return free;
  }
  if (pool.used + 4 > pool.nodes.length) {
    const grown = new Int32Array(pool.nodes.length * 2);
    grown.set(pool.nodes);
    pool.nodes = grown;
  }
  pool.used += 4;
  return pool.used - 4;
}

/** Appends a run to the queue at `at`; it becomes one with the last run where it continues it. */
export function pushRun(
  pool: Pool,
  queue: Int32Array,
  at: number,
  start: number,
  count: number,
): void {
  if (queue[at + COUNT] === 0) {
    queue[at] = start;
    queue[at + COUNT] = count;
    return;
  }
  const tail = queue[at + TAIL];
  if (tail < 0) {
    if (queue[at] + queue[at + COUNT] === start) {
      queue[at + COUNT] += count;
      return;
    }
  } else if (pool.nodes[tail] + pool.nodes[tail + COUNT] === start) {
    pool.nodes[tail + COUNT] += count;
    return;
  }
  const node = newNode(pool);
  const { nodes } = pool;
  nodes[node] = start;
  nodes[node + COUNT] = count;
  nodes[node + NEXT] = -1;
  if (tail < 0) queue[at + NEXT] = node;
  else nodes[tail + NEXT] = node;
  queue[at + TAIL] = node;
}

/** Takes `count` times from the first run, which has as many. */
export function dropRun(pool: Pool, queue: Int32Array, at: number, count: number): void {
  queue[at] += count;
  if ((queue[at + COUNT] -= count) > 0) return;
  const node = queue[at + NEXT];
  if (node < 0) return;
  const { nodes } = pool;
  queue[at] = nodes[node];
  queue[at + COUNT] = nodes[node + COUNT];
  queue[at + NEXT] = nodes[node + NEXT];
  if (nodes[node + NEXT] < 0) queue[at + TAIL] = -1;
  nodes[node + NEXT] = pool.free;
  pool.free = node;
}

/** Takes up to `count` times from the front; returns how many there were. */
export function dropUpTo(pool: Pool, queue: Int32Array, at: number, count: number): number {
  let left = count;
  while (left > 0 && queue[at + COUNT] > 0) {
    const part = Math.min(left, queue[at + COUNT]);
    dropRun(pool, queue, at, part);
    left -= part;
  }
  return count - left;
}

/** Makes all times of a queue later. */
export function delayRuns(pool: Pool, queue: Int32Array, at: number, by: number): void {
  queue[at] += by;
  for (let node = queue[at + NEXT]; node >= 0; node = pool.nodes[node + NEXT])
    pool.nodes[node] += by;
}
