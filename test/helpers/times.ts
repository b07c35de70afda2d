/** Runs of which the numbers and the times are looked at. */
import type { ResolvedConfig } from '../../src/config.js';
import type { SimulateOptions } from '../../src/decode/options.js';
import { placementOf } from '../../src/decode/place.js';
import { simulatePlaced } from '../../src/decode/simulate.js';
import type { RunDocument } from '../../src/report/document.js';
import { OPTIONS } from './options.js';

/** The document of a run but for its critical path: to find that, a small program is simulated once more. */
export async function simulateTimes(
  config: ResolvedConfig,
  options: SimulateOptions = OPTIONS,
): Promise<RunDocument> {
  return simulatePlaced(config, placementOf(config), options, { path: false });
}
