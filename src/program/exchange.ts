/** Exchanges: a core sends vectors while it takes others, each on a colour of its own. */
import { append, type Code } from './builder.js';
import type { Passed, TrafficOp } from './program.js';
import { elementsPerWavelet, type FloatType } from '../numeric/types.js';

/**
 * Appends an exchange: vectors are sent while others are taken, each on a colour of its own; `setup` is the
 * time of setting one transfer up. Nothing is appended for one of no vectors.
 */
export function exchange(
  code: Code,
  type: FloatType,
  { sends, takes, setup }: { sends: Passed[]; takes: Passed[]; setup: number },
): void {
  if (sends.length + takes.length === 0) return;
  // Set up in turns: the next vector to send comes after one that is taken, if there is one.
  const begins = sends.map((_, i) => setup * (i + Math.min(i, takes.length)));
  const due = dueOf(
    sends.map((vector) => waveletsOf(type, vector)),
    begins,
  );
  const colors = (list: Passed[]) => list.map(({ color }) => color);
  append(code, {
    kind: 'traffic',
    color: sends[0]?.color ?? -1,
    times: Int32Array.from(due, ({ time }) => time),
    receive: takes[0]?.color ?? -1,
    expect: takes.reduce((sum, vector) => sum + waveletsOf(type, vector), 0),
    exchange: { type, sends, takes },
    ...(sends.length > 1 && {
      sends: colors(sends),
      turns: Uint8Array.from(due, ({ which }) => which),
    }),
    ...(takes.length > 1 && { receives: colors(takes) }),
  });
}

/**
 * Which vector each wavelet is of, and the cycle from which it may leave: one a cycle, of the vectors that
 * have begun by turns.
 */
function dueOf(counts: number[], begins: number[]): { which: number; time: number }[] {
  const due: { which: number; time: number }[] = [];
  const left = [...counts];
  let last = -1;
  for (let cycle = 0; left.some((count) => count > 0); cycle++) {
    const ready = left.map((count, i) => count > 0 && begins[i] <= cycle);
    if (!ready.includes(true)) continue;
    // The next one after the last in turn.
    for (let i = 1; i <= counts.length; i++) {
      const which = (last + i + counts.length) % counts.length;
      if (!ready[which]) continue;
      due.push({ which, time: cycle });
      left[which]--;
      last = which;
      break;
    }
  }
  return due;
}

/**
 * Wavelets that an exchange takes of each colour, in rising order of the colours, if there are several: it leaves
 * those that come of a colour after the last one wanted to the next operation.
 */
export function countedTakes({ exchange }: TrafficOp): { color: number; count: number }[] {
  if (exchange === undefined || exchange.takes.length < 2) return [];
  const { takes, type } = exchange;
  return takes
    .map((vector) => ({ color: vector.color, count: waveletsOf(type, vector) }))
    .sort((a, b) => a.color - b.color);
}

/** Wavelets of a vector. */
export function waveletsOf(type: FloatType, { length }: Pick<Passed, 'length'>): number {
  return Math.ceil(length / elementsPerWavelet(type));
}
