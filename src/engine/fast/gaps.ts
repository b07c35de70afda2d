/**
 * The cycles between sends of synthetic traffic, most of them a byte each: the machine reads one for every
 * wavelet that it sends, and what it reads has to fit a cache. LONG is followed by the gap as a double, the
 * lowest byte first; RECOLOR by the colour on which wavelets are sent from here on, then by the gap. Before those
 * of an exchange that takes several vectors: how many wavelets of each colour, in rising order, as doubles.
 */
import { LONG, RECOLOR } from './machine-code.js';
import { countedTakes } from '../../program/exchange.js';
import { colorOfWavelet } from '../../program/program.js';
import type { Operation, TrafficOp } from '../../program/program.js';

export interface Gaps {
  all: Uint8Array;
  /** Where those of an operation begin; the first one is from the operation's own begin. */
  from: Map<TrafficOp, number>;
}

export function gapsOf(lists: Operation[][]): Gaps {
  const from = new Map<TrafficOp, number>();
  let size = 0;
  for (const op of trafficIn(lists)) {
    size += 8 * countedTakes(op).length;
    from.set(op, size);
    eachGap(op, (gap, color) => (size += (color < 0 ? 0 : 2) + (isShort(gap) ? 1 : 9)));
  }
  const all = new Uint8Array(size);
  const view = new DataView(all.buffer);
  for (const [op, begin] of from) {
    let at = begin;
    const counts = countedTakes(op);
    counts.forEach(({ count }, i) => view.setFloat64(begin - 8 * (counts.length - i), count, true));
    eachGap(op, (gap, color) => {
      if (color >= 0) {
        all[at++] = RECOLOR;
        all[at++] = color;
      }
      all[at++] = isShort(gap) ? gap : LONG;
      if (isShort(gap)) return;
      view.setFloat64(at, gap, true);
      at += 8;
    });
  }
  return { all, from };
}

/** Each once: one operation may stand in several places. */
function trafficIn(lists: Operation[][]): Set<TrafficOp> {
  const found = new Set<TrafficOp>();
  for (const list of lists)
    for (let i = 0; i < list.length; i++) {
      const op = list[i];
      if (op.kind === 'traffic') found.add(op);
    }
  return found;
}

function isShort(gap: number): boolean {
  return gap >= 0 && gap < RECOLOR;
}

/** Calls `use` for each wavelet, with its colour if it is another than before (at first: the first). */
function eachGap(op: TrafficOp, use: (gap: number, color: number) => void): void {
  const { color, times } = op;
  for (let i = 0, before = color; i < times.length; i++) {
    const now = colorOfWavelet(op, i);
    use(times[i] - (i === 0 ? 0 : times[i - 1]), now === before ? -1 : now);
    before = now;
  }
}
