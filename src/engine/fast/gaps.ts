/**
 * The cycles between sends of synthetic traffic, most of them a byte each: the machine reads one for every
 * wavelet that it sends, and what it reads has to fit a cache.
 */
import type { Operation } from '../../program/program.js';

/** Followed by the gap in four bytes, the lowest first. */
const LONG = 255;

export interface Gaps {
  all: Uint8Array;
  /** Where those of an operation begin; the first one is from the operation's own begin. */
  from: Map<Operation, number>;
}

export function gapsOf(lists: Operation[][]): Gaps {
  const from = new Map<Operation, number>();
  let size = 0;
  for (const op of lists.flat())
    if (op.kind === 'traffic') {
      from.set(op, size);
      eachGap(op.times, (gap) => (size += isShort(gap) ? 1 : 5));
    }
  const all = new Uint8Array(size);
  const view = new DataView(all.buffer);
  for (const [op, begin] of from) {
    let at = begin;
    if (op.kind === 'traffic')
      eachGap(op.times, (gap) => {
        all[at++] = isShort(gap) ? gap : LONG;
        if (isShort(gap)) return;
        view.setInt32(at, gap, true);
        at += 4;
      });
  }
  return { all, from };
}

function isShort(gap: number): boolean {
  return gap >= 0 && gap < LONG;
}

function eachGap(times: Int32Array, use: (gap: number) => void): void {
  for (let i = 0; i < times.length; i++) use(times[i] - (i === 0 ? 0 : times[i - 1]));
}
