/** Capacities of the library. */
import type { Source } from '../config.js';
import { capacity as capacityWith, type CapacityAsked } from '../studies/capacity/capacity.js';
import type { CapacityDocument } from '../studies/capacity/table.js';
import { withDefaults, type StepOptions } from './defaults.js';

/**
 * The highest request rate at which a serving configuration meets limits, by bisection.
 * @param source the configuration's file, and settings over it
 * @param options as of `simulate`; `steps`, where simulated steps are kept
 * @returns the document `wafersim.capacity/1`
 * @throws what `simulate` throws; ConfigError for limits that are none, or a workload that serves nothing
 */
export function capacity(
  source: Source,
  asked: CapacityAsked,
  options: Partial<StepOptions> = {},
): Promise<CapacityDocument> {
  return capacityWith(source, asked, withDefaults(options));
}
