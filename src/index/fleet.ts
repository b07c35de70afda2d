/** Fleets of the library. */
import type { ResolvedConfig, Source } from '../config.js';
import { fleet as fleetWith, type FleetOptions } from '../studies/fleet/fleet.js';
import type { FleetDocument } from '../studies/fleet/table.js';
import { withDefaults, type StepOptions } from './defaults.js';

/**
 * What a fleet of such systems serves under a power limit.
 * @param source where the configuration was loaded from, for its scenarios
 * @param options as of `capacity`
 * @returns the document `wafersim.fleet/1`
 * @throws what `simulate` throws
 */
export function fleet(
  config: ResolvedConfig,
  source: Source,
  limits: FleetOptions,
  options: Partial<StepOptions> = {},
): Promise<FleetDocument> {
  return fleetWith(config, source, limits, withDefaults(options));
}
