/** Positions of a run's tokens: a prompt's come first, or those that are in the cache already. */
import type { ResolvedConfig } from '../config.js';

/** Of the token that the first step takes. */
export function firstPosition({ prompt, workload }: Pick<ResolvedConfig, 'prompt' | 'workload'>) {
  return prompt === undefined ? workload.context : prompt.length - 1;
}

/** How many the regions have room for: those of tokens too that are drafted in a last round and not wanted any more. */
export function roomOf(config: Pick<ResolvedConfig, 'positions' | 'workload'>) {
  return positionsOf(config) + inFlightOf(config) - 1;
}

/** Of the tokens that are wanted. */
function positionsOf({ positions, workload }: Pick<ResolvedConfig, 'positions' | 'workload'>) {
  return positions ?? workload.context + workload.tokens;
}

/** Tokens of a user that follow each other before it is known which are accepted. */
export function inFlightOf({ workload }: Pick<ResolvedConfig, 'workload'>): number {
  return workload.speculation?.tokens ?? 1;
}

/** The last of so many steps alone, on the same regions, and only timed. */
export function lastStepOf(config: ResolvedConfig, steps = config.workload.tokens): ResolvedConfig {
  const { prompt, weights: _, ...timed } = config;
  const context = firstPosition(config) + steps - 1;
  const workload = { ...config.workload, context, tokens: 1, data: false };
  if (prompt !== undefined) delete workload.prompt;
  return { ...timed, workload, positions: positionsOf(config) };
}
