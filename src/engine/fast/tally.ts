/** The result made of what the machine counted. */
import { NO_END, type RunInput, type RunResult, latestOf } from '../engine.js';
import { createInstants } from '../instants.js';
import type { Counts } from './load.js';
import type { Tables } from './tables.js';

/**
 * Set-up and compute come from the operations; in all other cycles a core waited for input. Cores that do
 * nothing end when they start.
 */
export function resultOf(
  { program, startAt }: RunInput,
  { ops, placeOf }: Tables,
  counts: Counts,
): RunResult {
  const size = program.width * program.height;
  const column = () => new Float64Array(size);
  const end = startAt === undefined ? column() : new Float64Array(startAt);
  const [compute, setup, waitInput, waitOutput] = [column(), column(), column(), column()];
  const linkWavelets = new Float64Array(size * 4);
  const { roleOf } = program;
  let waveletHops = 0;
  for (let core = 0; core < placeOf.length; core++) {
    const place = placeOf[core];
    const list = ops.listOf[roleOf[place]];
    const all = counts.end[core] - end[place];
    end[place] = counts.end[core];
    compute[place] = ops.compute[list];
    setup[place] = ops.setupSum[list];
    waitOutput[place] = counts.waitOutput[core];
    waitInput[place] = all - compute[place] - setup[place] - waitOutput[place];
    for (let port = 0; port < 4; port++) {
      const wavelets = counts.linkWavelets[core * 4 + port];
      linkWavelets[place * 4 + port] = wavelets;
      waveletHops += wavelets;
    }
  }
  const last = program.root === undefined ? latestOf(end) : end[program.root];
  const labels = counts.labelEnd.length;
  const labelBusy = Float64Array.from(counts.labelEnd, (at, label) =>
    at === NO_END
      ? 0
      : ops.busy[ops.listOf[roleOf[placeOf[counts.labelCore[label]]]] * labels + label],
  );
  return {
    cycles: Math.max(0, last),
    end,
    compute,
    setup,
    waitInput,
    waitOutput,
    labelEnd: counts.labelEnd,
    labelBusy,
    labelWaitInput: counts.labelWait.map((all, label) => all - counts.labelWaitOutput[label]),
    labelWaitOutput: counts.labelWaitOutput,
    linkWavelets,
    sent: counts.sent,
    delivered: counts.delivered,
    waveletHops,
    routeHazards: counts.hazards,
    // Cores that do nothing have no entries: rows of those that do are rows of all.
    ...(counts.instants && { instants: { ...createInstants(program), ...counts.instants } }),
  };
}
