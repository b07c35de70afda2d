/** Starts threads; what they talk with takes a while to load and is loaded for them alone. */
import type { EngineName } from '../engine/engines.js';
import type { Shards } from '../engine/sharded.js';

export async function startThreads(count: number, engine: EngineName): Promise<Shards> {
  const { createShards } = await import('../engine/sharded.js');
  return createShards(count, engine);
}
