/** A run of the machine, alone or in a team of threads: in slices, to a limit, stopped from outside. */
import { LAST_CYCLE, latestOf } from '../engine.js';
import { firstOf, load, loadAgain, translationOf, type Counts, type Team } from './load.js';
import { NEVER, RUN_AT, STATE, STOP_AT } from './machine-code.js';
import type { Bits, Machine } from './machine.js';
import { areForThreads } from './parts.js';
import type { Image, Notes } from './tables.js';

/** Where cores that do something are in their lists, in the cycle before `cycle`. */
export interface Places {
  cycle: number;
  /** The number of the core's operation in the program's records, or one past its last. */
  operation: Int32Array;
  /** When it acts, or the core is done; in place of that UNDER_WAY or NOT_STARTED. */
  acts: Float64Array;
}

/**
 * How a run ended: over, failed, not over by its limit, or stopped; and what is known then. Or it goes
 * beyond what can be counted. Or its parts, each run on its own, are not all over as they should be.
 */
export type Ending =
  | { state: 'whole'; counts: Counts; atLimit?: Places }
  | { state: 'broken' }
  | { state: 'beyond' }
  | { state: 'late'; atLimit: Places }
  | { state: 'apart' }
  | { state: 'stopped'; at: Places };

/** The largest number of visits of cores at once that take a few milliseconds. */
const SLICE = 1 << 18;

/** A machine that runs a program in slices; with a team, in one slice. */
export interface RunningMachine {
  advance(): Ending | undefined;
  /** Where cores are after the last slice. */
  places(): Places;
}

/** What is wanted of a run: to be over by a cycle, and notes of when its traffic is sent and taken. */
export interface Wants {
  limit?: number | undefined;
  notes?: Notes | undefined;
}

/**
 * The last cycle, from the first start on, that a run with times of so many bits may reach. With a limit
 * it is late before it is too long.
 */
function furthest({ ahead }: Image, first: number, bits: Bits, limit: number): number {
  if (bits === 32) return NEVER[32] - 1 - ahead;
  return limit <= LAST_CYCLE ? 2 ** 60 : LAST_CYCLE - Math.max(0, first);
}

/** Bits for the times of a run to begin with: 64 if with 32 some could not be set. */
export function bitsFor(image: Image, starts: Float64Array): Bits {
  const first = firstOf(starts);
  const latest = latestOf(starts) - first;
  return latest <= furthest(image, first, 32, Infinity) ? 32 : 64;
}

/** How a program is run: with times of so many bits; its parts, if it has several, one by one. */
export type Way = Required<Pick<Team, 'bits' | 'apart'>>;

/** How it is to be run again after it ended so; undefined if that is its end. */
export function nextWay({ state }: Ending, { bits, apart }: Way): Way | undefined {
  if (state === 'apart') return { bits, apart: false };
  return state === 'beyond' && bits === 32 ? { bits: 64, apart } : undefined;
}

/** The way to begin with, on so many threads. */
export function firstWay(image: Image, starts: Float64Array, threads = 1): Way {
  const apart = image.parts !== undefined && areForThreads(image.parts, threads);
  return { bits: bitsFor(image, starts), apart };
}

/** Loads a program and begins to run it, alone or in a team. */
export function startMachine(
  image: Image,
  starts: Float64Array,
  team: Team,
  { limit = Infinity, notes }: Wants = {},
): RunningMachine {
  const { machine } = team;
  const code = machine.code(translationOf(team));
  const first = firstOf(starts);
  const again = loadAgain(image, starts, first, team);
  const isSecond = machine.laid?.image === image;
  const last = furthest(image, first, team.bits, limit);
  const results = again ?? load(image, starts, first, team, last, notes);
  const places = () => placesOf(code, image.cores, first);
  let atLimit: Places | undefined;
  machine.onLimit = () => (atLimit = places());
  if (again) code.beginAgain(limit - first, team.run);
  else code.begin(limit - first, team.run, isSecond);
  const apart = team.apart === true && image.parts !== undefined;
  const atOnce = apart ? image.cores / (image.parts!.length - 1) : image.cores;
  const cycles =
    team.threads > 1 ? ALL_CYCLES : Math.max(1, Math.floor(SLICE / Math.max(1, atOnce)));
  return {
    places,
    advance() {
      const state = code.advance(cycles, team.threads - 1);
      if (state === STATE.continues) return undefined;
      if (state === STATE.stopped) return { state: 'stopped', at: places() };
      if (apart && state !== STATE.whole) return { state: 'apart' };
      if (state === STATE.broken) return { state: 'broken' };
      if (state === STATE.beyond) return { state: 'beyond' };
      if (state === STATE.late) return { state: 'late', atLimit: atLimit! };
      const counts = results();
      if (latestOf(counts.end) > limit) atLimit ??= places();
      return { state: 'whole', counts, ...(atLimit && { atLimit }) };
    },
  };
}

const ALL_CYCLES = 0x7fffffff;

/** Runs a program to its end, in a team. */
export function runMachine(image: Image, starts: Float64Array, team: Team, wants?: Wants): Ending {
  const running = startMachine(image, starts, team, wants);
  for (;;) {
    const ending = running.advance();
    if (ending) return ending;
  }
}

function placesOf(code: ReturnType<Machine['code']>, cores: number, first: number): Places {
  const operation = new Int32Array(cores);
  const acts = new Float64Array(cores);
  for (let core = 0; core < cores; core++) {
    operation[core] = code.operationOf(core);
    acts[core] = code.actsAt(core) + first;
  }
  return { cycle: code.cycle() + first + 1, operation, acts };
}

/** Ends a run of a team, between two cycles; from any thread. */
export function stopRun(memory: WebAssembly.Memory, run: number): void {
  Atomics.store(new Int32Array(memory.buffer), STOP_AT >> 2, run);
}

/**
 * Helps in a run, whose first core starts in cycle `start`, with a tile, once its program is in memory. A
 * thread sees that others made the memory larger when it next comes from JavaScript, so it waits here.
 */
export function helpRun(
  machine: Machine,
  tile: number,
  { start, limit = Infinity, run, bits }: Help,
): void {
  const words = new Int32Array(machine.memory.buffer);
  for (;;) {
    const seen = Atomics.load(words, RUN_AT >> 2);
    if (seen >= run) break;
    Atomics.wait(words, RUN_AT >> 2, seen);
  }
  machine.code(bits).help(tile, limit - start);
}

/** What a helper has to know of a run. */
export interface Help extends Pick<Team, 'run' | 'bits'> {
  start: number;
  limit?: number | undefined;
}
