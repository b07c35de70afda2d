/** The critical path of a program that is simulated as a whole, once more, with all that moves noted. */
import type { RunInput, RunResult } from '../engine.js';
import { tablesOf } from '../fast/fast.js';
import { EVENT } from '../fast/machine-code.js';
import type { Machine } from '../fast/machine.js';
import { bitsFor, startMachine } from '../fast/run.js';
import { firstOf } from '../fast/load.js';
import { startsOf } from '../fast/tables.js';
import { startReference } from '../reference/reference.js';
import type { Image } from '../fast/tables.js';
import type { Program } from '../../program/program.js';
import { operationsOf } from '../../program/timing.js';
import type { Counts, LineWants, Team } from '../fast/load.js';
import { logOf, type EventLog } from './log.js';
import { spansOf, type OpSpan } from './spans.js';
import { timesOf } from './times.js';
import { walkBack, type Scene, type Walked } from './walk.js';

/** How many events there are at most where so much was sent. */
export function eventsOf({
  waveletHops,
  sent,
  delivered,
}: Pick<RunResult, 'waveletHops' | 'sent' | 'delivered'>): number {
  // Each departure is by a link or to a core at least.
  return waveletHops + sent + 2 * delivered;
}

/** Is something sent by a schedule, so that nothing comes before it? */
export function isScheduled({ roles }: Program): boolean {
  for (const list of operationsOf(roles))
    for (let i = 0; i < list.length; i++) {
      const op = list[i];
      if (op.kind === 'traffic' && op.exchange === undefined) return true;
    }
  return false;
}

/** Runs tables with events noted; undefined if the run is too long for 32 bits. */
export function* noteEvents(
  machine: Machine,
  image: Image,
  starts: Float64Array,
  line: LineWants,
  events: NonNullable<Team['events']>,
): Generator<void, Required<Pick<Counts, 'events' | 'end'>> | undefined> {
  const team = { machine, threads: 1, leastCores: 1, run: 0, bits: 32, line } as const;
  const running = startMachine(image, starts, { ...team, events });
  for (;;) {
    const ending = running.advance();
    if (ending?.state === 'whole') return { events: ending.counts.events!, end: ending.counts.end };
    if (ending !== undefined) return undefined;
    yield;
  }
}

/**
 * The path to the end of a core's program.
 * @param result of the program
 * @param by the path is that to the end of its last operation that is over by then
 * @returns undefined if it cannot be had: the program is too long for 32 bits, or is not only timed
 */
export function* pathOfWhole(
  machine: Machine,
  input: RunInput,
  result: RunResult,
  core: number,
  by?: number,
): Generator<void, Walked | undefined> {
  const noted = yield* noteWhole(machine, input, result);
  return noted && { ...walkBack(sceneOf(input, noted.log), core, by), events: noted.most };
}

/** All that moves in a program, and how many events there are at most. */
function* noteWhole(
  machine: Machine,
  input: RunInput,
  result: RunResult,
): Generator<void, { log: EventLog; most: number } | undefined> {
  const tables = tablesOf(input);
  if (tables === undefined) return undefined;
  const { image, placeOf } = tables;
  const starts = startsOf(input, tables);
  if (bitsFor(image, starts) === 64) return undefined;
  const pointers = new Int32Array(placeOf.length);
  const line = { pointers, nudges: NONE, noted: NONE, moveWords: 0 };
  const all = { most: eventsOf(result), colors: new Int32Array(placeOf.length).fill(-1) };
  const noted = yield* noteEvents(machine, image, starts, line, all);
  if (noted === undefined) return undefined;
  const numberOf = (place: number) => image.tables.coreAt[place];
  const { events: words } = noted;
  const begin = firstOf(starts);
  const log = logOf({ words, colors: all.colors, numberOf, begin, changes: true });
  return { log, most: all.most };
}

const NONE = new Int32Array(0);

/** When a core was at which operation, of a program that is simulated as a whole; undefined as of `pathOfWhole`. */
export function* spansOfWhole(
  machine: Machine,
  input: RunInput,
  result: RunResult,
  core: number,
): Generator<void, OpSpan[] | undefined> {
  const noted = yield* noteWhole(machine, input, result);
  return noted && coreSpans(input, noted.log, core);
}

/** The same by the reference engine. */
export function* spansByReference(input: RunInput, core: number): Generator<void, OpSpan[]> {
  return coreSpans(input, yield* noteReference(input), core);
}

function coreSpans(input: RunInput, log: EventLog, core: number): OpSpan[] {
  const { codeOf, wafer } = sceneOf(input, log);
  const { operations, begin } = codeOf(core);
  return spansOf(timesOf(log, core, operations, begin, wafer.costs));
}

function sceneOf({ program, wafer, startAt }: RunInput, log: EventLog): Scene {
  const { width, height, linkHops, roles, roleOf } = program;
  return {
    ...{ width, height, wafer, log },
    ...(linkHops && { linkHops }),
    codeOf: (core) => ({
      operations: roles[roleOf[core]].operations,
      begin: (startAt?.[core] ?? 0) + wafer.costs.programStart,
    }),
  };
}

/** The same path by the reference engine. */
export function* pathByReference(
  input: RunInput,
  core: number,
  by?: number,
): Generator<void, Walked> {
  return walkBack(sceneOf(input, yield* noteReference(input)), core, by);
}

function* noteReference(input: RunInput): Generator<void, EventLog> {
  const words: number[] = [];
  const running = startReference(input, undefined, (kind, at, color, t, port = 0, outputs = 0) => {
    words.push((at << 8) | (EVENT[kind] << 5) | color, t, port | (outputs << 8));
  });
  while (running.advance() === undefined) yield;
  const colors = new Int32Array(input.program.roleOf.length).fill(-1);
  return logOf({ words, colors, numberOf: (place) => place, begin: 0, changes: true });
}
