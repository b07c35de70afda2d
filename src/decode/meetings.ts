/**
 * When tokens meet: a hand-off of one is on its way while another is at work in a stage. Out of the
 * times of a pattern of turns that repeats for ever.
 */
import type { Turn } from './ring.js';

/** A visit of a stage: from the first sender's start, until all have received, until all are done. */
interface Span {
  start: number;
  received: number;
  end: number;
}

/**
 * How often tokens meet: for a hand-off and a stage, the most other tokens at work in the stage that one
 * token's hand-off meets, or hand-offs that one token at work meets.
 * @param turns those of the pattern, which begins again every `period` cycles
 * @param labels by stage, the operator whose end is that of the hand-off
 */
export function meetingsOf(turns: Turn[], period: number, labels: number[]) {
  const spans = turns.map(({ visits }) =>
    visits.map(({ first: start, end, start: { result } }, stage): Span => {
      return { start, received: start + result.labelEnd[labels[stage]], end };
    }),
  );
  return (handOff: number, stage: number): number => {
    let most = 0;
    const ofWork = turns.map(() => 0);
    spans.forEach((sending, from) => {
      let met = 0;
      spans.forEach((working, to) => {
        const times = timesTogether(sending[handOff], working[stage], period, from === to);
        met += times;
        ofWork[to] += times;
      });
      most = Math.max(most, met);
    });
    return Math.max(most, ...ofWork);
  };
}

/** Longest hand-off of each stage, in cycles. */
export function handOffCycles(turns: Turn[], labels: number[]): number[] {
  return labels.map((label, stage) =>
    turns.reduce((most, { visits }) => {
      return Math.max(most, visits[stage].start.result.labelEnd[label]);
    }, 0),
  );
}

/** Repetitions of the second span that overlap the first's hand-off; a token does not meet itself. */
function timesTogether(sending: Span, working: Span, period: number, sameTurn: boolean): number {
  const first = Math.floor((sending.start - working.end) / period) + 1;
  const last = Math.ceil((sending.received - working.start) / period) - 1;
  const count = Math.max(0, last - first + 1);
  return sameTurn && first <= 0 && last >= 0 ? count - 1 : count;
}
