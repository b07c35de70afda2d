/**
 * When tokens meet: the hand-off of one is under way while another is at work in a stage. Out of the
 * times of a pattern of turns that repeats.
 */
import type { Turn } from './ring.js';
import type { Visit } from './visit.js';

export interface Meeting {
  /** The visit whose hand-off it is, and the other one. */
  handOff: Visit;
  other: Visit;
  /** Cycles by which the other visit's clock starts later. */
  later: number;
}

export interface Meetings {
  list: Meeting[];
  /** The most that one token has part in, as the one or as the other. */
  most: number;
}

/**
 * How tokens meet, for a hand-off and a stage (maybe the same, then of different tokens).
 * @param turns those of the pattern, which begins again every `period` cycles
 * @param labels by stage, the operator with whose end the hand-off has arrived
 */
export function meetingsOf(turns: Turn[], period: number, labels: number[]) {
  return (handOff: number, stage: number): Meetings => {
    const list: Meeting[] = [];
    const counts = [turns.map(() => 0), turns.map(() => 0)];
    turns.forEach(({ visits: sending }, from) =>
      turns.forEach(({ visits: working }, to) => {
        const [a, b] = [sending[handOff], working[stage]];
        for (const later of latersOf(a, labels[handOff], b, period)) {
          // A token does not meet itself.
          if (from === to && later === b.first - a.first) continue;
          list.push({ handOff: a, other: b, later });
          counts[0][from]++;
          counts[1][to]++;
        }
      }),
    );
    return { list, most: Math.max(...counts.flat()) };
  };
}

/** Of the other visit's repetitions, those that are at work while the hand-off is under way. */
function latersOf(a: Visit, label: number, b: Visit, period: number): number[] {
  const received = a.start.result.labelEnd[label];
  const [lasts, later] = [b.end - b.first, b.first - a.first];
  // Those that begin before all is received, and end after it is sent.
  const first = Math.floor((-lasts - later) / period) + 1;
  const laters: number[] = [];
  for (let n = first; later + n * period < received; n++) laters.push(later + n * period);
  return laters;
}
