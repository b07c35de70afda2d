/** The result made of what the machine counted. */
import { LINKS } from '../../hardware/mesh.js';
import { endIn, lastEnd, noteByCore, type Ended, type Sent, type Spent } from '../by-core.js';
import { NO_END, type RunInput, type RunResult, type Starts } from '../engine.js';
import { createInstants } from '../instants.js';
import type { Counts } from './load.js';
import type { Operations } from './operations.js';
import type { Tables } from './tables.js';
import type { Program } from '../../program/program.js';

/** What cores of a program spend in any run of it: it depends on their role alone, not on the fabric. */
export function spentOf({ roleOf }: Pick<Program, 'roleOf'>, ops: Operations): Spent {
  const { listOf } = ops;
  const compute = new Float64Array(listOf.length);
  const setup = new Float64Array(listOf.length);
  for (let role = 0; role < listOf.length; role++) {
    compute[role] = ops.compute[listOf[role]];
    setup[role] = ops.setupSum[listOf[role]];
  }
  return { kindOf: roleOf, compute, setup };
}

/** What was sent over links, by core * 4 + port of the cores that do something, and all of it. */
export interface OverLinks {
  wavelets: Sent['wavelets'];
  waveletHops: number;
}

function overLinks({ linkWavelets: wavelets }: Counts): OverLinks {
  let waveletHops = 0;
  for (let link = 0; link < wavelets.length; link++) waveletHops += wavelets[link];
  return { wavelets, waveletHops };
}

/**
 * Set-up and compute come from the operations; in all other cycles a core waited for input. Cores that do
 * nothing end when they start. What few ask for is made when it is asked for: tables of all places take much memory.
 * @param sent what was sent over links, if the machine has not counted it
 */
export function resultOf(
  { program, startAt }: RunInput,
  tables: Tables,
  counts: Counts,
  { wavelets, waveletHops } = overLinks(counts),
): RunResult {
  const { ops, placeOf, spent } = tables;
  const size = program.width * program.height;
  const { roleOf } = program;
  const ended = { placeOf, end: counts.end, others: startsOfOthers(startAt, placeOf) };
  const last = program.root === undefined ? lastEnd(ended) : endIn(ended, program.root);
  const labels = counts.labelEnd.length;
  const labelBusy = Float64Array.from(counts.labelEnd, (at, label) =>
    at === NO_END
      ? 0
      : ops.busy[ops.listOf[roleOf[placeOf[counts.labelCore[label]]]] * labels + label],
  );
  const starts = startAt && startsAt(startAt, placeOf);
  const { waitOutput: waits } = counts;
  const made: Partial<Record<CoreColumn, Float64Array>> = {};
  const result: RunResult = {
    cycles: Math.max(0, last),
    get end() {
      return (made.end ??= endsByPlace(ended, size));
    },
    get compute() {
      return (made.compute ??= byPlace(spent.compute, spent.kindOf));
    },
    get setup() {
      return (made.setup ??= byPlace(spent.setup, spent.kindOf));
    },
    get waitInput() {
      return (made.waitInput ??= waitInputOf(tables, starts, waits, ended, size));
    },
    get waitOutput() {
      return (made.waitOutput ??= scattered(waits, placeOf, size, 1));
    },
    labelEnd: counts.labelEnd,
    labelBusy,
    labelWaitInput: counts.labelWait.map((all, label) => all - counts.labelWaitOutput[label]),
    labelWaitOutput: counts.labelWaitOutput,
    get linkWavelets() {
      return (made.linkWavelets ??= scattered(wavelets, placeOf, size, LINKS));
    },
    sent: counts.sent,
    delivered: counts.delivered,
    waveletHops,
    routeHazards: counts.hazards,
    // Cores that do nothing have no entries: rows of those that do are rows of all.
    ...(counts.instants && { instants: { ...createInstants(program), ...counts.instants } }),
  };
  noteByCore(result, { placeOf, wavelets }, spent, ended);
  return result;
}

type CoreColumn = 'end' | 'compute' | 'setup' | 'waitInput' | 'waitOutput' | 'linkWavelets';

/** By place what is known by its kind. */
function byPlace(values: Float64Array, kindOf: ArrayLike<number>): Float64Array {
  const column = new Float64Array(kindOf.length);
  for (let place = 0; place < column.length; place++) column[place] = values[kindOf[place]];
  return column;
}

/** By place what cores have, so many numbers each; all others have 0. */
function scattered(
  values: ArrayLike<number>,
  placeOf: Int32Array,
  places: number,
  each: number,
): Float64Array {
  const column = new Float64Array(places * each);
  for (let core = 0, from = 0; core < placeOf.length; core++)
    for (let at = placeOf[core] * each, i = 0; i < each; i++) column[at + i] = values[from++];
  return column;
}

/** By place of the cores that do nothing: when they start, if that is not in cycle 0. */
function startsOfOthers(startAt: Starts | undefined, placeOf: Int32Array): Map<number, number> {
  const others = new Map<number, number>();
  if (startAt === undefined) return others;
  for (let place = 0, core = 0; place < startAt.length; place++)
    if (place === placeOf[core]) core++;
    else if (startAt[place] !== 0) others.set(place, startAt[place]);
  return others;
}

function endsByPlace({ placeOf, end, others }: Ended, places: number): Float64Array {
  const column = scattered(end, placeOf, places, 1);
  for (const [place, start] of others) column[place] = start;
  return column;
}

/** By core when it starts: in 32 bits, as it is kept, unless that is too far for them. */
function startsAt(startAt: Starts, placeOf: Int32Array): Starts {
  const starts = new Int32Array(placeOf.length);
  for (let core = 0; core < starts.length; core++) {
    const at = startAt[placeOf[core]];
    starts[core] = at;
    if (starts[core] !== at) return Float64Array.from(placeOf, (place) => startAt[place]);
  }
  return starts;
}

function waitInputOf(
  { placeOf, spent: { kindOf, compute, setup } }: Tables,
  starts: Starts | undefined,
  waitOutput: Float64Array,
  { end }: Ended,
  places: number,
): Float64Array {
  const waitInput = new Float64Array(places);
  for (let core = 0; core < placeOf.length; core++) {
    const place = placeOf[core];
    const all = end[core] - (starts?.[core] ?? 0);
    const kind = kindOf[place];
    waitInput[place] = all - compute[kind] - setup[kind] - waitOutput[core];
  }
  return waitInput;
}
