/** What a configuration says of drafted tokens where requests are served, and what its rounds came to. */
import type { ResolvedConfig } from '../../config.js';
import { ConfigError } from '../../config/errors.js';
import type { ServedSpeculation } from '../../report/serving-document.js';
import { roundTimeOf, type RoundCounts, type Rounds } from '../../serving/rounds.js';
import type { ServeOptions } from '../../serving/server.js';
import type { Guesses } from '../steps/pace.js';
import type { SimulatedGrid } from '../steps/step-times.js';

/** How rounds are served, where tokens are drafted. */
export function roundsOf(
  config: ResolvedConfig,
  { roundNs, draftIntervalNs, ...grid }: SimulatedGrid,
) {
  const { speculation, seed } = config.workload;
  if (speculation === undefined || roundNs === undefined || draftIntervalNs === undefined)
    return undefined;
  return {
    tokens: speculation.tokens,
    ...guessesOf(config)!,
    seed: String(seed),
    roundTime: roundTimeOf({ ...grid, roundNs, draftIntervalNs }),
  } satisfies Rounds;
}

/** What the rounds of a configuration depend on that is not simulated; nothing where no tokens are drafted. */
export function guessesOf(config: ResolvedConfig): Guesses | undefined {
  const chances = chancesOf(config);
  return chances && { chances, policy: config.serving?.speculation ?? 'by-load' };
}

/** Chances of drafted tokens as they are assumed; what is measured is refused where requests are served. */
function chancesOf({ workload: { speculation } }: ResolvedConfig) {
  if (speculation === undefined) return undefined;
  const { acceptance } = speculation;
  if (acceptance === 'measured')
    throw new ConfigError('workload.speculation.acceptance: expected chances, found measured');
  return acceptance;
}

/** What rounds came to in a run. */
export function speculationOf(
  { model: _, workload: { speculation } }: ResolvedConfig,
  { rounds }: Pick<ServeOptions, 'rounds'>,
  counts: RoundCounts | undefined,
): ServedSpeculation | undefined {
  if (speculation === undefined || rounds === undefined || counts === undefined) return undefined;
  const { draft } = speculation;
  return {
    draft: draft.kind === 'model' ? draft.model.name : draft.kind,
    tokens: rounds.tokens,
    policy: rounds.policy,
    assumedAcceptance: rounds.chances,
    ...counts,
    tokensVerifiedPerRound: 1 + counts.drafted / counts.rounds,
    tokensPerRound: counts.emitted / counts.rounds,
  };
}
