/** The placement of a configuration that a run can do. */
import type { ResolvedConfig } from '../config.js';
import { ConfigError } from '../config/errors.js';
import { place, type Placing } from '../placement/place.js';
import type { Placement, Region, SizedRequest } from '../placement/placement.js';
import { inFlightOf, roomOf } from './positions.js';
import { checkGroups, checkRun } from './refusals.js';
import { draftConfigOf } from './speculation/draft.js';
import { placeWithDraft } from './speculation/place-draft.js';

/**
 * Places the model of a configuration. Throws CapacityError if it does not fit, ConfigError if the
 * configuration asks for what no run can do (see refusals.ts).
 */
export function placementOf(config: ResolvedConfig, search: Placing = {}): Placement {
  checkRun(config);
  const { model, wafer } = config;
  const request = requestOf(config);
  if (request.growth === 'search')
    throw new ConfigError(
      'placement.growth: expected fill or minimal, found search, which only run and compare do; ' +
        'give the rows, layerColumns and groups that they find',
    );
  const draft = draftConfigOf(config);
  const placement =
    draft === undefined
      ? place(model, wafer, request, search)
      : placeWithDraft(config, draft, requestOf, search);
  checkGroups(config, placement);
  return placement;
}

/**
 * The KV replicas asked for where requests are served: `auto` holds every KV head once, since a replica holds its
 * cache once more, and the room for many users' caches counts.
 */
export function servedReplicas(asked: number | 'auto'): number {
  return asked === 'auto' ? 1 : asked;
}

function hasLatent({ kinds }: ResolvedConfig['model']): boolean {
  return kinds.some(({ attention }) => attention.kind === 'latent');
}

/** What a configuration asks of the placement. */
export function requestOf(config: ResolvedConfig): SizedRequest {
  const { mapping, workload, placement } = config;
  const { rows, layers, layerColumns, kvReplicas, groups, strategy, growth } = placement;
  const { experts, strips } = placement;
  const maxPositions = roomOf(config);
  return {
    strategy,
    growth,
    mapping,
    maxPositions,
    batch: workload.batch,
    ...(workload.speculation && { inFlight: inFlightOf(config) }),
    rows,
    layers,
    layerColumns,
    latent: hasLatent(config.model) ? (config.latent ?? 'auto') : undefined,
    kvReplicas: workload.kind === 'serving' ? servedReplicas(kvReplicas) : kvReplicas,
    strips: experts === 'strips' ? strips : 1,
    headGroups: typeof groups === 'object' ? groups.head : undefined,
  };
}

/** What of regions takes time: what else a core keeps moves none and takes none. */
export function placedOf(regions: readonly Region[]): Omit<Region, 'sramBytesPerCore'>[] {
  return regions.map(({ sramBytesPerCore: _, ...region }) => region);
}
