/** What the tokens of decode steps cost. */
import type { ResolvedConfig } from '../../config.js';
import type { RunDocument } from '../../report/document.js';
import { speculativeSpeed } from '../../report/speculation-text.js';
import { costOfWafers } from '../../serving/cost.js';

/** What tokens cost at the run's speed: with rounds that of one user with drafted tokens, else that of all users. */
export function costAt(
  { decode: { speculation, tokensPerSecond }, placement }: RunDocument,
  { economics, wafer }: ResolvedConfig,
): Pick<RunDocument, 'cost'> {
  const cost = costOfWafers(economics, {
    systems: placement.wafers ?? 1,
    watts: wafer.powerWatts,
    tokensPerSecond: speculation ? speculativeSpeed(speculation) : tokensPerSecond,
  });
  return cost ? { cost } : {};
}
