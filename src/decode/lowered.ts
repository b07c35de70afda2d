/** A placed configuration as its mapping lowers it, with the groups of every region's lines chosen. */
import type { ResolvedConfig } from '../config.js';
import { sha256Of } from '../config/json.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { type LayerCache, LOWERINGS } from '../lowering/lowering.js';
import { keepCode } from '../lowering/kept-code.js';
import type { Step } from '../lowering/region.js';
import type { Weights } from '../model/model-weights.js';
import type { Placement } from '../placement/placement.js';
import { groupChooser, type RunsPrograms } from './groups.js';
import { knownStep } from './known-steps.js';
import { placedOf } from './place.js';
import { inFlightOf } from './positions.js';
import { createRouting } from './routing.js';
import type { Shared } from './sharing.js';

/**
 * What the mapping's lowering gives for a placed configuration. Groups are chosen for a last step with
 * `maxPositions - 1` tokens in the cache, unless the configuration or `shared` names them; what is found
 * out about lines is looked up in `shared` and added to it, as are whole steps if it keeps some.
 */
export async function loweredOf(
  config: ResolvedConfig,
  placement: Placement,
  maxPositions: number,
  runner: RunsPrograms,
  {
    groupsOf: given,
    lines,
    kept = keepCode(),
    steps,
  }: Partial<Pick<Shared, 'groupsOf' | 'lines' | 'kept' | 'steps'>> = {},
) {
  const { regions } = placement;
  const { groups } = config.placement;
  const mapped = { ...config, maxPositions, inFlight: inFlightOf(config) };
  const chooser = () => groupChooser(mapped, regions, runner, groups, lines);
  const routing = createRouting(config, placement);
  const groupsOf = given ?? (await chooser());
  const of = { ...config, placement, groupsOf, kept, expertOrders: routing?.orders };
  const { plan, images } = LOWERINGS[config.mapping];
  const planned = (step: Step) => {
    if (steps === undefined) return plan(of, step);
    const { model, mapping, exact } = config;
    const { layers, latent, wafers } = placement;
    const placed = [placedOf(regions), layers, latent, wafers];
    const key = sha256Of([model, mapping, exact, placed, regions.map(groupsOf), step]);
    const planOn = (wafer: WaferSpec) => plan({ ...of, wafer, kept: keepCode() }, step);
    return knownStep(steps, key, config.wafer, planOn);
  };
  return {
    routing,
    plan: (step: Step) => planned({ ...step, slots: step.slots ?? routing?.slotsOfStep(0) }),
    images: (step: Step, weights: Weights, caches: LayerCache[]) =>
      images(of, step, weights, caches),
  };
}
