/** What cores of the reference are at in the middle of a run, for errors and progress. */
import { colorOfWavelet, sendsOf, takeColors, takesOf } from '../../program/program.js';
import { trafficColors } from '../../program/program.js';
import type { Operation } from '../../program/program.js';
import type { OpTiming } from '../../program/timing.js';
import type { Waiter } from '../checks.js';
import type { Standing } from '../engine.js';
import { NEVER } from './fabric.js';
import { END, START, STREAM, WAIT_INPUT, isDone, operationOf, timingOf } from './machine.js';
import type { Machine } from './machine.js';

/** What a core that will never be done waits for. */
export function waitersAt(m: Machine, core: number): Waiter[] {
  const op = operationOf(m, core);
  const { source, destination } = timingOf(m, core);
  const input: Waiter = { core, color: source, for: 'input', label: op.label };
  const output: Waiter = { core, color: destination, for: 'output', label: op.label };
  if (op.kind !== 'traffic') return [m.cause[core] === WAIT_INPUT ? input : output];
  const color = colorOfWavelet(op, m.sent[core]);
  const both = m.sent[core] < sendsOf(op) ? [{ ...output, color }] : [];
  if (m.taken[core] >= takesOf(op)) return both;
  return [...both, ...takeColors(op).map((received) => ({ ...input, color: received }))];
}

/** The cycle from which a core of synthetic traffic that is not done has a wavelet to send, or none. */
export function nextInjection(m: Machine, core: number): number {
  const op = operationOf(m, core);
  if (isDone(m, core) || op.kind !== 'traffic' || m.sent[core] === sendsOf(op)) return -NEVER;
  return m.start[core] + op.times[m.sent[core]];
}

/** What cores that have begun and are not done do since the last visits. */
export function standingOf(m: Machine): Standing[] {
  return Array.from({ length: m.cores }, (_, core) => core)
    .filter((core) => m.next[core] !== START && !isDone(m, core))
    .map((core) => {
      const op = operationOf(m, core);
      const streams = m.next[core] === STREAM || m.next[core] === END;
      return { core, label: op.label, ...colorsOf(op, streams, timingOf(m, core)) };
    });
}

function colorsOf(op: Operation, streams: boolean, { source, destination, wavelets }: OpTiming) {
  if (!streams) return { receives: [], sends: [] };
  if (op.kind === 'traffic') return trafficColors(op);
  const used = (color: number) => (color >= 0 && wavelets > 0 ? [color] : []);
  return { receives: used(source), sends: used(destination) };
}
