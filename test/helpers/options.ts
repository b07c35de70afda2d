/** How simulations of the tests run: on one thread, and with a host that tells nothing of itself. */
import type { SimulateOptions } from '../../src/decode/options.js';

export const OPTIONS: SimulateOptions = {
  engine: 'fast',
  shards: 1,
  memo: true,
  now: () => 0,
  rss: () => 0,
};
