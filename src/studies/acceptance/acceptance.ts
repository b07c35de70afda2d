/**
 * What acceptance makes of a speculating configuration: rounds of 2 to 16 tokens are simulated, of the run's first
 * token, and the speed follows with any chance that is assumed; or the chance follows from a speed that is asked for.
 */
import type { ResolvedConfig } from '../../config.js';
import { ConfigError } from '../../config/errors.js';
import { placementOf } from '../../decode/place.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
import { firstPosition } from '../../decode/positions.js';
import { acceptanceOf } from '../../decode/speculation/acceptance.js';
import { timeAlone } from '../../decode/speculation/time-rounds.js';
import { identityOf } from '../../identity.js';
import type { RunDocument } from '../../report/document.js';

/** Tokens that a round verifies at most. */
const MOST = 16;

/**
 * @param run finished, of the configuration
 * @param target tokens per second of one user whose acceptance is looked for
 * @throws ConfigError if the configuration does not speculate, CapacityError if it has no room for so many tokens
 */
export async function acceptanceStudy(
  run: RunDocument,
  given: ResolvedConfig,
  target: number | undefined,
  options: SimulateOptions,
): Promise<Required<Pick<RunDocument, 'key' | 'acceptance'>>> {
  const config = verifying(given, MOST);
  const { onProgress } = options;
  const placement = placementOf(config);
  const [plain, lines] = [run.steps[0].cycles, new Map()];
  onProgress?.({ done: 0, total: 1, what: `rounds of up to ${MOST} tokens` });
  const { cycles, again } = await withRunner(options, async (own) =>
    timeAlone(config, placement, firstPosition(config), plain, lines, own),
  );
  const { clockHz } = config.wafer;
  const acceptance = acceptanceOf(cycles, again.draft + again.transport, clockHz, target);
  const { key } = identityOf([run.key, { acceptance: target ?? null }], []);
  return { key, acceptance };
}

/** The configuration with room for rounds of so many tokens. */
function verifying(config: ResolvedConfig, tokens: number): ResolvedConfig {
  const { speculation } = config.workload;
  if (speculation === undefined)
    throw new ConfigError('--acceptance: expected workload.speculation, found none');
  const { batch } = config.workload;
  if (batch > 1)
    throw new ConfigError(
      `--acceptance: expected rounds of one user, found workload.batch ${batch}`,
    );
  const acceptance = Array<number>(tokens - 1).fill(0);
  const asked = { ...speculation, tokens, acceptance };
  return { ...config, workload: { ...config.workload, speculation: asked } };
}
