/** Tokens of other users that are under way in the step that a document describes. */
import type { OtherToken } from '../report/detail.js';
import type { PipelineTiming } from './pipeline.js';

/** What is known of a step; of stages that start together no more than of one token. */
export type Round = Pick<PipelineTiming, 'timing' | 'results' | 'uses'> &
  Partial<Pick<PipelineTiming, 'turn' | 'turns' | 'period' | 'repeatsAfter'>>;

const MOST_OTHERS = 64;

/** The tokens that are under way while the described one is, as they repeat. */
export function othersOf({
  timing,
  turn,
  turns = [],
  period = 0,
  repeatsAfter = 0,
}: Round): OtherToken[] {
  if (turn === undefined) return [];
  const others: OtherToken[] = [];
  for (const one of turns) {
    const length = one.timing.cycles;
    const apart = one.chosen - turn.chosen;
    // Those that begin before the step's end, the first one that has not ended when it begins.
    const repeats = repeatsAfter > 0 && period > 0;
    const first = repeats ? Math.floor((-apart - length) / period) + 1 : 0;
    for (let i = first; apart + i * period < timing.cycles; i++) {
      const start = apart + i * period;
      const isItself = one === turn && i === 0;
      if (!isItself && start + length > 0)
        others.push({
          start,
          end: start + length,
          stages: one.timing.stages.map((stage) => ({
            start: start + stage.start,
            end: start + stage.end,
          })),
        });
      if (!repeats || others.length >= turns.length * MOST_OTHERS) break;
    }
  }
  return others.sort((a, b) => a.start - b.start).slice(0, MOST_OTHERS);
}
