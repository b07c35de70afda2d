/** Options of the library's functions, which may all be left out. */
import type { SimulateOptions } from '../decode/options.js';
import { host } from '../host.js';
import { availableParallelism } from '../platform/node.js';
import type { StepCache } from '../studies/steps/step-cache.js';

export type StepOptions = SimulateOptions & { steps?: StepCache | undefined };

export function withDefaults(options: Partial<StepOptions>): StepOptions {
  return { engine: 'fast', memo: true, shards: availableParallelism(), ...host, ...options };
}
