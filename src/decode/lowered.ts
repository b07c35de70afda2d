/** A placed configuration as its mapping lowers it, with the groups of every region's lines chosen. */
import type { ResolvedConfig } from '../config.js';
import { type LayerCache, LOWERINGS } from '../lowering/lowering.js';
import { keepCode } from '../lowering/kept-code.js';
import type { Step } from '../lowering/region.js';
import type { Weights } from '../model/model-weights.js';
import type { Placement } from '../placement/placement.js';
import { groupChooser, type RunsPrograms } from './groups.js';
import { inFlightOf } from './positions.js';
import { createRouting } from './routing.js';
import type { Shared } from './sharing.js';

/**
 * What the mapping's lowering gives for a placed configuration. Groups are chosen for a last step with
 * `maxPositions - 1` tokens in the cache, unless the configuration or `shared` names them; what is found
 * out about lines is looked up in `shared` and added to it.
 */
export async function loweredOf(
  config: ResolvedConfig,
  placement: Placement,
  maxPositions: number,
  runner: RunsPrograms,
  { groupsOf: given, lines }: Partial<Pick<Shared, 'groupsOf' | 'lines'>> = {},
) {
  const { regions } = placement;
  const { groups } = config.placement;
  const mapped = { ...config, maxPositions, inFlight: inFlightOf(config) };
  const chooser = () => groupChooser(mapped, regions, runner, groups, lines);
  const routing = createRouting(config, placement);
  const groupsOf = given ?? (await chooser());
  const kept = keepCode();
  const of = { ...config, placement, groupsOf, kept, expertOrders: routing?.orders };
  const { plan, images } = LOWERINGS[config.mapping];
  return {
    routing,
    plan: (step: Step) => plan(of, { ...step, slots: step.slots ?? routing?.slotsOfStep(0) }),
    images: (step: Step, weights: Weights, caches: LayerCache[]) =>
      images(of, step, weights, caches),
  };
}
