/**
 * The library: read a configuration, simulate it, compare placements. Types of what comes out are
 * those of the JSON documents.
 */
import { availableParallelism } from 'node:os';
import type { ResolvedConfig } from './config.js';
import { host } from './host.js';
import type { RunDocument } from './report/document.js';
import { simulate as simulateWith, type SimulateOptions } from './simulate.js';

export { loadConfig, loadHardware, type ResolvedConfig } from './config.js';
export { MachineError } from './engine/engine.js';
export { ConfigError } from './hardware/errors.js';
export { CapacityError } from './placement/errors.js';
export { placementOf, type SimulateOptions } from './simulate.js';
export type { KernelDocument, RunDocument } from './report/document.js';

/**
 * Simulates the decode steps of a configuration. Everything outside `host` of the document depends on
 * the configuration alone. Throws CapacityError if the model does not fit the wafers, MachineError if
 * the simulated machine fails.
 */
export function simulate(
  config: ResolvedConfig,
  options: Partial<SimulateOptions> = {},
): Promise<RunDocument> {
  const shards = availableParallelism();
  return simulateWith(config, { engine: 'fast', memo: true, shards, ...host, ...options });
}
