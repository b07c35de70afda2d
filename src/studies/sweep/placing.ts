/** Whether a point can run, and where its regions lie: found for all points before the first one runs. */
import { ConfigError } from '../../config/errors.js';
import { placementOf } from '../../decode/place.js';
import type { sizesOnce } from '../../decode/sharing.js';
import { CapacityError, type Placement } from '../../placement/placement.js';
import { requestsFor } from '../serve/serve.js';
import type { Placed } from './executor.js';
import { errorOf, loadFrozen, type Base, type FrozenPoint, type LoadedPoint } from './point.js';

/** A point that was placed, until it runs. */
export interface ReadyPoint {
  loaded: LoadedPoint;
  /** None where a run finds it by itself: of served requests, and by a search. */
  placement?: Placement | undefined;
}

/** Points that were placed, and what they have in common. */
export interface PlacedPoints {
  ready: Map<string, ReadyPoint>;
  sizesOf: ReturnType<typeof sizesOnce>;
}

/** More would fill the memory: those left out are read and placed again when they run. */
const MOST_READY = 1000;

/** Places a point as its run would; of a search, whether any shape fits. */
export function placePoint(base: Base, point: FrozenPoint, kept: PlacedPoints): Placed {
  try {
    const loaded = loadFrozen(base, point);
    const placement = placementFor(loaded, kept);
    if (kept.ready.size < MOST_READY) kept.ready.set(point.key, { loaded, placement });
    return { fits: true };
  } catch (error) {
    if (error instanceof CapacityError) return { error: errorOf(point.key, error) };
    if (error instanceof ConfigError) return { refused: error.message };
    throw error;
  }
}

function placementFor(
  { config, scenarios }: LoadedPoint,
  kept: PlacedPoints,
): Placement | undefined {
  for (const scenario of scenarios) requestsFor(scenario.config);
  if (scenarios.length > 0) return undefined;
  if (config.placement.growth !== 'search') return placementOf(config, kept.sizesOf(config));
  placementOf({ ...config, placement: { ...config.placement, growth: 'fill' } });
  return undefined;
}
