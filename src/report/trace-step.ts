/** What else a trace has of a step: arrows from stage to stage, counters, and other users' tokens. */
import type { RunDetail } from './detail.js';
import type { PathEntry } from './document.js';
import { stretchesOfPath } from './html-step.js';
import { shareOverTime, SPENT, stretchesOf } from './spent.js';
import {
  counterEvents,
  nameProcess,
  nameTrack,
  type Track,
  type TraceEvent,
} from './trace-events.js';

interface Places {
  /** The track of a stage's region. */
  trackOf: (stage: number) => Track;
  microseconds: (cycles: number) => number;
}

/** An arrow from each stage to the next one of the token's path, where that begins. */
export function flowEvents({ stages }: RunDetail, { trackOf, microseconds }: Places): TraceEvent[] {
  return stages.slice(1).flatMap((next, i): TraceEvent[] => {
    const before = stages[i];
    // An arrow belongs to a span that is there at its time: a stage may end after the next one has begun.
    const leaves = Math.max(before.start, Math.min(next.start, before.end - 1));
    const arrow = { name: 'hand-off', cat: 'handOff', id: i + 1 } as const;
    return [
      { ph: 's', ...arrow, ...trackOf(i), ts: microseconds(leaves) },
      { ph: 'f', bp: 'e', ...arrow, ...trackOf(i + 1), ts: microseconds(next.start) },
    ];
  });
}

/** Parts of the step in which it is counted what its time is spent on. */
const PARTS = 400;

/** Stages at work, tokens under way, and the shares of what the token's time is spent on. */
export function stepCounters(
  { stages, others = [], cycles }: RunDetail,
  path: readonly PathEntry[] | undefined,
  pid: number,
  microseconds: (cycles: number) => number,
): TraceEvent[] {
  const spans = (all: readonly { start: number; end: number }[]) =>
    all.flatMap(({ start, end }): [number, number][] => [
      [microseconds(Math.max(0, start)), 1],
      [microseconds(Math.min(cycles, end)), -1],
    ]);
  const inside = others
    .flatMap((other) => other.stages)
    .filter(({ start, end }) => end > 0 && start < cycles);
  const step = { cycles, stages, ...(path && { path: stretchesOfPath(path) }) };
  const shares = shareOverTime(stretchesOf(step), 0, cycles, PARTS);
  return [
    ...nameProcess(pid, 'counters'),
    ...counterEvents(pid, 'stages at work', spans([...stages, ...inside])),
    ...counterEvents(pid, 'tokens under way', spans([{ start: 0, end: cycles }, ...others])),
    ...Array.from({ length: PARTS }, (_, i): TraceEvent => {
      const args = SPENT.map((name, kind) => [name, Math.round(1000 * shares[kind][i]) / 10]);
      const ts = microseconds((i * cycles) / PARTS);
      const name = 'the token’s time, % in each 400th of it';
      return { ph: 'C', name, pid, ts, args: Object.fromEntries(args) as Record<string, number> };
    }),
  ];
}

/** A track for each of the other users' tokens, with the stages that it passes. */
export function otherTokenEvents(
  { stages, others = [] }: RunDetail,
  pid: number,
  microseconds: (cycles: number) => number,
): TraceEvent[] {
  if (others.length === 0) return [];
  return [
    ...nameProcess(pid, 'tokens of other users'),
    ...others.flatMap((other, i) => [
      ...nameTrack({ pid, tid: i + 1 }, `token ${i + 1}`, i),
      ...other.stages.map(({ start, end }, stage): TraceEvent => {
        const { name } = stages[stage];
        const [ts, dur] = [microseconds(start), microseconds(end - start)];
        return { ph: 'X', pid, tid: i + 1, name, cat: 'token', ts, dur };
      }),
    ]),
  ];
}
