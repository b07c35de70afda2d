/** Programs on the machine as lines are run there. */
import type { Counts, LineWants } from '../../src/engine/fast/load.js';
import type { Machine } from '../../src/engine/fast/machine.js';
import { startMachine } from '../../src/engine/fast/run.js';
import type { Image } from '../../src/engine/fast/tables.js';

/** What is known at the end of a run, and how many of its routers were in delay lines. */
export interface LineRun {
  state: string;
  of: ReturnType<typeof known> | undefined;
  delayed: number;
}

/**
 * Runs a program as a line is run.
 * @param delays without delay lines if not: in the translation in which each router's events may be noted
 */
export function runLine(
  machine: Machine,
  image: Image,
  starts: Float64Array,
  line: LineWants,
  delays = true,
): LineRun {
  const team = { machine, threads: 1, leastCores: 1, run: 0, bits: 32, line } as const;
  const events = { most: 0, colors: new Int32Array(image.cores) };
  const running = startMachine(image, starts, { ...team, ...(!delays && { events }) });
  for (;;) {
    const ending = running.advance();
    if (ending === undefined) continue;
    const of = ending.state === 'whole' ? known(ending.counts) : undefined;
    return { state: ending.state, of, delayed: delays ? machine.code('lines').delayed() : 0 };
  }
}

/** What lines know; copies of what is in the machine's memory until it runs again. */
function known(counts: Counts) {
  const { end, waitOutput, linkWavelets, labelEnd, labelCore, labelWait, labelWaitOutput } = counts;
  const { sent, delivered, hazards, moves } = counts;
  return {
    ...{
      end,
      waitOutput,
      labelEnd,
      labelCore,
      labelWait,
      labelWaitOutput,
      sent,
      delivered,
      hazards,
    },
    linkWavelets: linkWavelets.slice(),
    records: moves!.records.slice(),
    bits: moves!.bits.slice(),
  };
}
