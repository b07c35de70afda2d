/** Positions of a run's tokens: a prompt's come first, or those that are in the cache already. */
import type { ResolvedConfig } from '../config.js';

/** Of the token that the first step takes. */
export function firstPosition({ prompt, workload }: Pick<ResolvedConfig, 'prompt' | 'workload'>) {
  return prompt === undefined ? workload.context : prompt.length - 1;
}

/** How many the regions have room for: those of drafted tokens that a last round verifies beyond its end too. */
export function roomOf(config: Pick<ResolvedConfig, 'positions' | 'workload'>) {
  return emittedRoom(config) + draftedBeyond(config.workload);
}

function emittedRoom({ positions, workload }: Pick<ResolvedConfig, 'positions' | 'workload'>) {
  return positions ?? workload.context + workload.tokens;
}

/** Positions that a round may verify beyond the tokens that it gives. */
export function draftedBeyond({ speculation }: Pick<ResolvedConfig['workload'], 'speculation'>) {
  return speculation === undefined ? 0 : speculation.tokens - 1;
}

/** The last of so many steps alone, on the same regions, and only timed; so is the round that begins there. */
export function lastStepOf(config: ResolvedConfig, steps = config.workload.tokens): ResolvedConfig {
  const { prompt, weights: _, ...timed } = config;
  const context = firstPosition(config) + steps - 1;
  const workload = { ...config.workload, context, tokens: 1, data: false };
  if (prompt !== undefined) delete workload.prompt;
  const { speculation } = workload;
  // What a round takes does not depend on what it accepts.
  if (speculation?.acceptance === 'measured')
    workload.speculation = { ...speculation, acceptance: Array(speculation.tokens - 1).fill(0) };
  return { ...timed, workload, positions: emittedRoom(config) };
}

/** Tokens of a user that follow each other before it is known which are accepted. */
export function inFlightOf({ workload }: Pick<ResolvedConfig, 'workload'>): number {
  return draftedBeyond(workload) + 1;
}
