/** Whether a point can run, and where its regions lie: found for all points before the first one runs. */
import { ConfigError } from '../../config/errors.js';
import { placementOf } from '../../decode/place.js';
import { CapacityError } from '../../placement/placement.js';
import { deploymentOf } from '../steps/step-times.js';
import type { Placed } from './executor.js';
import { errorOf, loadFrozen, type Base, type FrozenPoint } from './point.js';

/** Places a point as its run would; a search finds its own shape later, if any fits. */
export function placePoint(base: Base, point: FrozenPoint): Placed {
  try {
    const { config, scenarios } = loadFrozen(base, point);
    if (scenarios.length > 0) {
      for (const scenario of scenarios) deploymentOf(scenario.config);
      return {};
    }
    if (config.placement.growth !== 'search') return { placement: placementOf(config) };
    placementOf({ ...config, placement: { ...config.placement, growth: 'fill' } });
    return {};
  } catch (error) {
    if (error instanceof CapacityError) return { error: errorOf(point.key, error) };
    if (error instanceof ConfigError) return { refused: error.message };
    throw error;
  }
}
