/** Positions of a run's tokens: a prompt's come first, or those that are in the cache already. */
import type { ResolvedConfig } from '../config.js';

/** Of the token that the first step takes. */
export function firstPosition({ prompt, workload }: Pick<ResolvedConfig, 'prompt' | 'workload'>) {
  return prompt === undefined ? workload.context : prompt.length - 1;
}

/** How many the regions have room for. */
export function roomOf({ positions, workload }: Pick<ResolvedConfig, 'positions' | 'workload'>) {
  return positions ?? workload.context + workload.tokens;
}

/** The last of so many steps alone, on the same regions, and only timed. */
export function lastStepOf(config: ResolvedConfig, steps = config.workload.tokens): ResolvedConfig {
  const { prompt, weights: _, ...timed } = config;
  const context = firstPosition(config) + steps - 1;
  const workload = { ...config.workload, context, tokens: 1, data: false };
  if (prompt !== undefined) delete workload.prompt;
  return { ...timed, workload, positions: roomOf(config) };
}
