/** A configuration with the shape that a search finds, each tried shape a run of its own. */
import { inFlightOf, lastStepOf, roomOf } from '../../decode/positions.js';
import type { ResolvedConfig } from '../../config.js';
import { groupChooser, type LineCycles } from '../../decode/groups.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
import { placementOf, requestOf } from '../../decode/place.js';
import { isOfLayer } from '../../mapping/mapping.js';
import { settled } from '../../placement/capacity.js';
import { estimator } from '../../placement/estimate.js';
import { partsOf } from '../../placement/placement.js';
import type { Runner } from '../../decode/runner.js';
import { createShared } from '../../decode/sharing.js';
import { simulateSteps } from '../../decode/simulate.js';
import type { GroupsOf } from '../../lowering/lowering.js';
import type { Groups } from '../../lowering/lines.js';
import type { SearchResult } from '../../report/document.js';
import { isSplit, searchShape, type ShapeCosts } from './search.js';

/**
 * With `growth: search` the configuration with the shape and the groups of the fastest token that the
 * search simulated, and what it found; any other configuration as it is.
 */
export async function withShape(
  config: ResolvedConfig,
  options: SimulateOptions,
): Promise<{ config: ResolvedConfig; search?: SearchResult }> {
  if (config.placement.growth !== 'search') return { config };
  // A model that does not fit is refused as without a search.
  placementOf({ ...config, placement: { ...config.placement, growth: 'fill' } });
  const search = await withRunner(options, (shared) =>
    searchShape(config, costOfShapes(config, shared)),
  );
  const { rows, layerColumns, kvReplicas, groups } = search;
  const layers = isSplit(search) ? ('split' as const) : ('whole' as const);
  const held = kvReplicas !== undefined && { kvReplicas };
  const sizes = { rows, layers, layerColumns, ...held, ...(groups && { groups }) };
  const placement = { ...config.placement, growth: 'fill' as const, ...sizes };
  return { config: { ...config, placement }, search };
}

/** Simulates a configuration's last step, without numbers, with layers of given shapes. */
function costOfShapes(
  config: ResolvedConfig,
  options: SimulateOptions & { runner: Runner },
): ShapeCosts {
  const maxPositions = roomOf(config);
  const last = lastStepOf(config);
  const lines: LineCycles = new Map();
  const byLines = (regions: Parameters<typeof groupChooser>[1], fixed?: Groups) =>
    groupChooser(
      { ...config, maxPositions, inFlight: inFlightOf(config) },
      regions,
      options.runner,
      fixed,
      lines,
    );
  return {
    async groupsOf({ rows, layerColumns, kvReplicas = config.placement.kvReplicas }) {
      if (typeof layerColumns === 'object')
        throw new TypeError('layers that are split have two widths');
      const { model, wafer } = config;
      const request = settled(model, wafer, requestOf(config));
      const asked = { ...request, layers: 'whole' as const, kvReplicas };
      const { fastest } = estimator(model, wafer, asked);
      const first = partsOf(model, asked).find(isOfLayer)!;
      const part = fastest(first, rows, layerColumns);
      const layer = { ...part, height: rows, width: layerColumns };
      const { column, row, head } = (await byLines([layer]))(layer);
      return { column, row, head };
    },
    cycles: async (shape, groups) => {
      const placement = { ...config.placement, growth: 'fill' as const, ...shape };
      const tried = { ...last, placement };
      const placed = placementOf(tried);
      const groupsOf: GroupsOf = await byLines(placed.regions, groups);
      const shared = { ...createShared(), lines, groupsOf };
      const quiet = { ...options, shared, onDetail: undefined, onProgress: undefined };
      // Shapes are chosen by plain steps.
      const { timing } = await simulateSteps(tried, placed, {
        ...quiet,
        withoutRounds: true,
      });
      return timing.cycles;
    },
    onProgress: (done, total, what) => options.onProgress?.({ done, total, what }),
  };
}
