/**
 * The machine in WebAssembly (sources in assembly/), and how a program gets in and its counters out.
 */
import { LAST_CYCLE, TooLargeError } from '../engine.js';
import { latestOf } from '../latest.js';
import { MACHINE_CODE } from './machine-code.js';
import type { Image, Notes } from './tables.js';

/** What the machine counted, by core that does something. */
export interface Counts {
  end: Float64Array;
  waitOutput: Float64Array;
  /** Per label: latest end (`NO_END` if it has none), and the lowest core that has it. */
  labelEnd: Float64Array;
  labelCore: Int32Array;
  linkWavelets: Float64Array;
  sent: number;
  delivered: number;
  hazards: number;
  /** Of synthetic traffic, if they were asked for: see ../instants.ts. */
  instants?: { entered: Float64Array; taken: Float64Array; takenColor: Uint8Array };
}

/** Where cores that do something are in their lists, in the cycle before `cycle`. */
export interface Places {
  cycle: number;
  /** The number of the core's operation in the program's records, or that behind its last one. */
  operation: Int32Array;
  /** When it acts, or the core is done; in place of that UNDER_WAY or NOT_STARTED. */
  acts: Float64Array;
}

/** In place of a cycle, as assembly/main.ts says it. */
export const UNDER_WAY = -Infinity;
export const NOT_STARTED = Infinity;

/**
 * How a run ended: over, failed, not over by its limit, or stopped; and what is known then. Or it goes
 * beyond what can be counted.
 */
export type Ending =
  | { state: 'whole'; counts: Counts; atLimit?: Places }
  | { state: 'broken' }
  | { state: 'beyond' }
  | { state: 'late'; atLimit: Places }
  | { state: 'stopped'; at: Places };

/** Bits of the machine's times, which count from the first start of a run. */
export type Bits = 32 | 64;

interface Code {
  /** Forgets everything; the address of the header. */
  reset(): number;
  /** Address of so many bytes of zeros. */
  allocateTable(bytes: number): number;
  /** Begins with the program in memory, which is to be over before a cycle; others help in a run. */
  begin(before: number, run: number): void;
  /** Goes on for so many visited cycles; which of `STATES` it then has. */
  advance(visits: number, helpers: number): number;
  /** Runs a tile of the program in memory, if it has so many. */
  help(tile: number, before: number): void;
  /** The cycle visited last; of a core its operation and when it acts (see `Places`). */
  cycle(): number;
  operationOf(core: number): number;
  actsAt(core: number): number;
  sent(): number;
  delivered(): number;
  routeHazards(): number;
}

/** One thread's part of a machine; the memory may be that of others too. */
export interface Machine {
  memory: WebAssembly.Memory;
  /** The code for times of so many bits. */
  code(bits: Bits): Code;
  /** Called when the run's limit is reached. */
  onLimit?: (() => void) | undefined;
}

/** Tiles that there can be: as many as assembly/tiles.ts has room for. */
export const MOST_THREADS = 40;

/** The threads of a run, each of which can have a tile; they have one memory. */
export interface Team {
  /** The first thread's. */
  machine: Machine;
  threads: number;
  /** Cores that a tile should have at least. */
  leastCores: number;
  /** A number for each run, rising from 1, by which the others help in it. */
  run: number;
  bits: Bits;
}

/** Memory for a machine: a page, growing to the 4 GiB that it can address. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
}

const translated: Partial<Record<Bits, WebAssembly.Module>> = {};

/** The machine's code, translated once; threads can share it. */
export function machineCode(bits: Bits): WebAssembly.Module {
  return (translated[bits] ??= new WebAssembly.Module(Buffer.from(MACHINE_CODE[bits], 'base64')));
}

/** A machine that waits for other threads, in one cycle, for `patience` ms at most. */
export function createMachine(
  memory = createMemory(),
  code = machineCode(32),
  patience = Infinity,
): Machine {
  const words = new Int32Array(memory.buffer);
  const start = (module: WebAssembly.Module) => {
    const { exports } = new WebAssembly.Instance(module, {
      env: { memory },
      memory: { outOfMemory, noMemory },
      main: { reachLimit: () => machine.onLimit?.() },
      tiles: {
        sleep: (at: number, seen: number) => {
          if (Atomics.wait(words, at >> 2, seen, patience) === 'timed-out')
            throw new Error('another thread of this run does not go on');
        },
        wake: (at: number) => void Atomics.notify(words, at >> 2),
      },
    });
    return exports as Code;
  };
  const started: Partial<Record<Bits, Code>> = { 32: start(code) };
  const machine: Machine = {
    memory,
    code: (bits) => (started[bits] ??= start(machineCode(bits))),
  };
  return machine;
}

/** Core numbers have 23 bits where one word names a core, an end and a colour. */
const MOST_CORES = 2 ** 23;

function noMemory(): never {
  throw new RangeError('could not allocate memory for the fast engine');
}

function outOfMemory(): never {
  throw new TooLargeError(
    'this program takes more than the fast engine can address (4 GiB, 8 million cores): ' +
      'fewer cores, or a smaller queueDepth or hopCycles, take less',
  );
}

/** The first of some starts; 0 if there are none. */
export function firstOf(starts: Float64Array): number {
  return starts.length === 0 ? 0 : starts.reduce((a, b) => Math.min(a, b));
}

/** As assembly/main.ts numbers them. */
const STATES = ['goes on', 'whole', 'broken', 'late', 'stopped', 'beyond'] as const;

/** The largest number of visits of cores at once that take a few milliseconds. */
const SLICE = 1 << 18;

/** A machine that runs a program, to be advanced in slices (as one, with all of the team). */
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
 * The last cycle, from the first start on, that a run with times of so many bits may visit. With a limit
 * it is late before it is too long.
 */
function furthest({ ahead }: Image, first: number, bits: Bits, limit: number): number {
  // One less than `NEVER` of assembly/time.ts.
  if (bits === 32) return 2 ** 31 - 2 - ahead;
  return limit <= LAST_CYCLE ? 2 ** 60 : LAST_CYCLE - Math.max(0, first);
}

/** Bits for the times of a run to begin with: 64 if with 32 some could not be set. */
export function bitsFor(image: Image, starts: Float64Array): Bits {
  const first = firstOf(starts);
  const latest = starts.reduce((a, b) => Math.max(a, b), first) - first;
  return latest <= furthest(image, first, 32, Infinity) ? 32 : 64;
}

/** Loads a program and begins to run it, alone or in a team. */
export function startMachine(
  image: Image,
  starts: Float64Array,
  team: Team,
  { limit = Infinity, notes }: Wants = {},
): RunningMachine {
  const { machine } = team;
  const code = machine.code(team.bits);
  const first = firstOf(starts);
  const results = load(image, starts, team, furthest(image, first, team.bits, limit), notes);
  const places = () => placesOf(code, image.cores, first);
  let atLimit: Places | undefined;
  machine.onLimit = () => (atLimit = places());
  code.begin(limit - first, team.run);
  const visits =
    team.threads > 1 ? ALL_VISITS : Math.max(1, Math.floor(SLICE / Math.max(1, image.cores)));
  return {
    places,
    advance() {
      const state = STATES[code.advance(visits, team.threads - 1)];
      if (state === 'goes on') return undefined;
      if (state === 'broken' || state === 'beyond') return { state };
      if (state === 'late') return { state, atLimit: atLimit! };
      if (state === 'stopped') return { state, at: places() };
      const counts = countsOf(code, results(), first);
      if (latestOf(counts.end) > limit) atLimit ??= places();
      return { state, counts, ...(atLimit && { atLimit }) };
    },
  };
}

const ALL_VISITS = 0x7fffffff;

/** Runs a program as one, in a team. */
export function runMachine(image: Image, starts: Float64Array, team: Team, wants?: Wants): Ending {
  const running = startMachine(image, starts, team, wants);
  for (;;) {
    const ending = running.advance();
    if (ending) return ending;
  }
}

/** What was counted; times count from the first start in the machine. */
function countsOf(
  code: Code,
  { columns, labelCore, instants }: ReturnType<ReturnType<typeof load>>,
  first: number,
): Counts {
  const [end, waitOutput, linkWavelets, labelEnd] = columns;
  for (const times of [end, labelEnd, ...(instants ? [instants.entered, instants.taken] : [])])
    for (let i = 0; i < times.length; i++) times[i] += first;
  const sent = code.sent();
  const delivered = code.delivered();
  const hazards = code.routeHazards();
  const counts = { end, waitOutput, linkWavelets, labelEnd, labelCore, sent, delivered, hazards };
  return instants ? { ...counts, instants } : counts;
}

function placesOf(code: Code, cores: number, first: number): Places {
  const operation = new Int32Array(cores);
  const acts = new Float64Array(cores);
  for (let core = 0; core < cores; core++) {
    operation[core] = code.operationOf(core);
    acts[core] = code.actsAt(core) + first;
  }
  return { cycle: code.cycle() + first + 1, operation, acts };
}

/** Addresses of the run to be stopped, and of the run that threads are at (assembly/tiles.ts). */
const STOP_AT = 768;

/** Ends a run of a team, between two cycles; from any thread. */
export function stopRun(memory: WebAssembly.Memory, run: number): void {
  Atomics.store(new Int32Array(memory.buffer), STOP_AT >> 2, run);
}

const RUN_AT = 896;

/**
 * Helps in a run, whose first core starts in cycle `start`, with a tile, once its program is in memory. A
 * thread hears that others made the memory larger when it comes from JavaScript next, so it is here that it
 * waits.
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
export interface Help {
  start: number;
  limit?: number | undefined;
  run: number;
  bits: Bits;
}

/** Writes the header (`Header` in assembly/machine.ts) and the tables; gives copies of the results. */
function load(
  image: Image,
  starts: Float64Array,
  team: Team,
  furthestCycle: number,
  notes: Notes | undefined,
) {
  const { memory } = team.machine;
  const code = team.machine.code(team.bits);
  const { cores, labels } = image;
  if (cores > MOST_CORES) outOfMemory();
  const threads = Math.min(team.threads, MOST_THREADS);
  const tiles = Math.max(1, Math.min(threads, Math.floor(cores / team.leastCores)));
  const first = firstOf(starts);
  const header = code.reset();
  const allocate = (bytes: number) => code.allocateTable(bytes) >>> 0;
  const write = (table: Image['tables'][number] | Float64Array) => {
    if (table.length === 0) return 0;
    const at = allocate(table.byteLength);
    new Uint8Array(memory.buffer, at).set(
      new Uint8Array(table.buffer, table.byteOffset, table.byteLength),
    );
    return at;
  };
  const addresses = [starts.map((at) => at - first), ...image.tables].map(write);
  const sizes = [cores, cores, cores * 4, labels];
  const results = sizes.map((size) => allocate(size * 8));
  const labelCore = allocate(labels * 4);
  const { next, sends, takes } = notes ?? { next: new Int32Array(0), sends: 0, takes: 0 };
  const noted = [write(next), allocate(sends * 8), allocate(takes * 8), allocate(takes)];
  const times = [image.programStart, furthestCycle];
  new Float64Array(memory.buffer, header).set(times);
  const words = new Int32Array(memory.buffer, header + 8 * times.length);
  words.set([...image.numbers, tiles, ...addresses, ...results, labelCore, ...noted]);
  const column = (at: number, size: number) => new Float64Array(memory.buffer, at, size).slice();
  return () => ({
    columns: results.map((at, i) => column(at, sizes[i])),
    labelCore: new Int32Array(memory.buffer, labelCore, labels).slice(),
    instants: notes && {
      entered: column(noted[1], sends),
      taken: column(noted[2], takes),
      takenColor: new Uint8Array(memory.buffer, noted[3], takes).slice(),
    },
  });
}
