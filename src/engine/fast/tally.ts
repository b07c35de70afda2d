/** The result made of what the machine counted. */
import { NO_END, type RunInput, type RunResult, latestOf } from '../engine.js';
import { createInstants } from '../instants.js';
import type { Counts } from './load.js';
import type { Tables } from './tables.js';
import type { Program } from '../../program/program.js';

/** What cores of a program spend in any run of it, by place: it does not depend on the fabric. */
export type Spent = Pick<RunResult, 'compute' | 'setup'>;

export function spentIn(
  { roleOf }: Pick<Program, 'roleOf'>,
  { ops, placeOf }: Pick<Tables, 'ops' | 'placeOf'>,
): Spent {
  const compute = new Float64Array(roleOf.length);
  const setup = new Float64Array(roleOf.length);
  for (let core = 0; core < placeOf.length; core++) {
    const place = placeOf[core];
    const list = ops.listOf[roleOf[place]];
    compute[place] = ops.compute[list];
    setup[place] = ops.setupSum[list];
  }
  return { compute, setup };
}

/** What was sent over links, by place * 4 + port. */
export type OverLinks = Pick<RunResult, 'linkWavelets' | 'waveletHops'>;

function overLinks(size: number, { placeOf }: Tables, { linkWavelets: own }: Counts): OverLinks {
  const linkWavelets = new Float64Array(size * 4);
  let waveletHops = 0;
  for (let core = 0; core < placeOf.length; core++)
    for (let port = 0; port < 4; port++) {
      const wavelets = own[core * 4 + port];
      linkWavelets[placeOf[core] * 4 + port] = wavelets;
      waveletHops += wavelets;
    }
  return { linkWavelets, waveletHops };
}

/**
 * Set-up and compute come from the operations; in all other cycles a core waited for input. Cores that do
 * nothing end when they start. What few ask for is made when it is asked for.
 * @param sent what was sent over links, if it is known by place
 */
export function resultOf(
  { program, startAt }: RunInput,
  tables: Tables,
  counts: Counts,
  sent = overLinks(program.roleOf.length, tables, counts),
): RunResult {
  const { ops, placeOf } = tables;
  const size = program.width * program.height;
  const end = startAt === undefined ? new Float64Array(size) : new Float64Array(startAt);
  const waitOutput = new Float64Array(size);
  const { roleOf } = program;
  for (let core = 0; core < placeOf.length; core++) {
    end[placeOf[core]] = counts.end[core];
    waitOutput[placeOf[core]] = counts.waitOutput[core];
  }
  const last = program.root === undefined ? latestOf(end) : end[program.root];
  const labels = counts.labelEnd.length;
  const labelBusy = Float64Array.from(counts.labelEnd, (at, label) =>
    at === NO_END
      ? 0
      : ops.busy[ops.listOf[roleOf[placeOf[counts.labelCore[label]]]] * labels + label],
  );
  let waitInput: Float64Array | undefined;
  return {
    cycles: Math.max(0, last),
    end,
    get compute() {
      return tables.spent.compute;
    },
    get setup() {
      return tables.spent.setup;
    },
    get waitInput() {
      return (waitInput ??= waitInputOf(tables, startAt, { end, waitOutput }));
    },
    waitOutput,
    labelEnd: counts.labelEnd,
    labelBusy,
    labelWaitInput: counts.labelWait.map((all, label) => all - counts.labelWaitOutput[label]),
    labelWaitOutput: counts.labelWaitOutput,
    linkWavelets: sent.linkWavelets,
    sent: counts.sent,
    delivered: counts.delivered,
    waveletHops: sent.waveletHops,
    routeHazards: counts.hazards,
    // Cores that do nothing have no entries: rows of those that do are rows of all.
    ...(counts.instants && { instants: { ...createInstants(program), ...counts.instants } }),
  };
}

function waitInputOf(
  { placeOf, spent: { compute, setup } }: Tables,
  startAt: RunInput['startAt'],
  { end, waitOutput }: Pick<RunResult, 'end' | 'waitOutput'>,
): Float64Array {
  const waitInput = new Float64Array(end.length);
  for (let core = 0; core < placeOf.length; core++) {
    const place = placeOf[core];
    const all = end[place] - (startAt?.[place] ?? 0);
    waitInput[place] = all - compute[place] - setup[place] - waitOutput[place];
  }
  return waitInput;
}
