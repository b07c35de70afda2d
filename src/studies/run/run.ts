/** A configuration, from its search for a shape to its document. */
import type { ResolvedConfig } from '../../config.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
import { placementOf } from '../../decode/place.js';
import { fewerThan } from '../../decode/run-document.js';
import { simulatePlaced } from '../../decode/simulate.js';
import type { Placement } from '../../placement/placement.js';
import type { RunDocument } from '../../report/document.js';
import { withShape } from '../search/shaped.js';
import { costAt } from '../steps/run-cost.js';

/**
 * Simulates the decode steps of a configuration. Throws CapacityError if the model does not fit the
 * wafer, MachineError if the simulated machine fails.
 * @param known its placement, if it was found already; a search finds its own
 */
export async function simulate(
  given: ResolvedConfig,
  options: SimulateOptions,
  known?: Placement,
): Promise<RunDocument> {
  return withRunner(options, async (own) => {
    const begun = own.now();
    await own.runner.pause();
    const { config, search } = await withShape(given, own);
    const placing = {
      onProgress: (done: number, total: number) =>
        own.onProgress?.({ done, total, what: 'placing' }),
    };
    const placement = (search ? undefined : known) ?? placementOf(config, placing);
    // What a search chose was not asked for, and may be another size on fewer wafers.
    const placed = search && { search, ...fewerThan(placement, given) };
    const run = await simulatePlaced(config, placement, own, { begun, ...(placed && { placed }) });
    return { ...run, ...costAt(run, config) };
  });
}
