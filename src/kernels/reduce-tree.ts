/**
 * Tree reduce: in round r every second of the cores that are left sends its sum 2^r cores to the
 * west, where it is added. Each round has its own colour, so all routes are static.
 */
import { EAST, RAMP, WEST, accumulate } from '../program/builder.js';
import { route, send, type WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { rowKernel } from './collectives.js';
import type { ReduceOptions } from './reduce.js';

/** Rounds, and so colours, that a row of `pes` cores needs. */
export function treeRounds(pes: number): number {
  return Math.ceil(Math.log2(pes));
}

type Part = 'send' | 'take' | 'pass' | 'none';

/** What core x does in a round. */
function partOf(x: number, round: number, pes: number): Part {
  const half = 2 ** round;
  const place = x % (2 * half);
  const sender = x - place + half;
  if (sender >= pes || place > half) return 'none';
  if (place === half) return 'send';
  return place === 0 ? 'take' : 'pass';
}

/** A row of `pes` cores; ends when core 0 has stored the sum. */
export function treeReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const rounds = treeRounds(o.pes);
  const labels = Array.from({ length: rounds }, (_, r) => `round ${r + 1}`);
  const partsAt = (x: number) => labels.map((_, round) => partOf(x, round, o.pes));
  const roleAt = (x: number) => partsAt(x).join(' ');
  return rowKernel('reduce tree', o, wafer, labels, roleAt, (core, vector, x) =>
    partsAt(x).forEach((part, round) => {
      core.label = round;
      if (part === 'send') {
        core.routes.push(route(round, RAMP, WEST));
        send(core, vector, round);
      } else if (part === 'take') {
        core.routes.push(route(round, EAST, RAMP));
        accumulate(core, vector, round);
      } else if (part === 'pass') core.routes.push(route(round, EAST, WEST));
    }),
  );
}
