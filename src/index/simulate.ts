/** A run of the library. */
import type { ResolvedConfig } from '../config.js';
import type { SimulateOptions } from '../decode/options.js';
import type { RunDocument } from '../report/document.js';
import { simulate as simulateWith } from '../studies/run/run.js';
import { withDefaults } from './defaults.js';

/**
 * Simulates the decode steps of a configuration. Everything outside `host` of the document depends on
 * the configuration alone.
 * @param options engine (`fast`), threads (`shards`), `memo`; `onProgress`; `signal`, an AbortSignal
 * @returns the document `wafersim.run/1`: cycles as integers, times and rates with their unit in the
 *   name
 * @throws CapacityError if the model does not fit the wafers, MachineError if the simulated machine
 *   fails, ConfigError for settings that exclude each other; the signal's reason once it is aborted
 */
export function simulate(
  config: ResolvedConfig,
  options: Partial<SimulateOptions> = {},
): Promise<RunDocument> {
  return simulateWith(config, withDefaults(options));
}
