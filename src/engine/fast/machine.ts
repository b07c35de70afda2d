/**
 * The machine in WebAssembly (sources in assembly/), and how a program gets in and its counters out.
 */
import { TooLargeError } from '../engine.js';
import { MACHINE_CODE } from './machine-code.js';
import type { Image, Notes } from './tables.js';

/** What the machine counted, by core that does something. */
export interface Counts {
  end: Int32Array;
  waitOutput: Int32Array;
  /** Per label: latest end (-2^31 if it has none), and the lowest core that has it. */
  labelEnd: Int32Array;
  labelCore: Int32Array;
  linkWavelets: Int32Array;
  sent: number;
  delivered: number;
  hazards: number;
  /** Of synthetic traffic, if they were asked for: see ../instants.ts. */
  instants?: { entered: Int32Array; taken: Int32Array; takenColor: Uint8Array };
}

/** Where cores that do something are in their lists, in the cycle before `cycle`. */
export interface Places {
  cycle: number;
  /** The number of the core's operation in the program's records, or that behind its last one. */
  operation: Int32Array;
  /** When it acts, or the core is done; in place of that UNDER_WAY or NOT_STARTED. */
  acts: Int32Array;
}

/** In place of a cycle, as assembly/main.ts says it. */
export const UNDER_WAY = -0x80000000;
export const NOT_STARTED = 0x7fffffff;

/** How a run ended: over, failed, not over by its limit, or stopped; and what is known then. */
export type Ending =
  | { state: 'whole'; counts: Counts; atLimit?: Places }
  | { state: 'broken' }
  | { state: 'late'; atLimit: Places }
  | { state: 'stopped'; at: Places };

/** One thread's part of a machine; the memory may be that of others too. */
export interface Machine {
  memory: WebAssembly.Memory;
  code: {
    /** Forgets everything; the address of the header. */
    reset(): number;
    /** Address of so many bytes of zeros. */
    allocateTable(bytes: number): number;
    /** Begins with the program in memory, which is to be over before a cycle; others help in a run. */
    begin(start: number, before: number, run: number): void;
    /** Goes on for so many visited cycles; which of `STATES` it then has. */
    advance(visits: number, helpers: number): number;
    /** Runs a tile of the program in memory, if it has so many. */
    help(tile: number, start: number, before: number): void;
    /** The cycle visited last; of a core its operation and when it acts (see `Places`). */
    cycle(): number;
    operationOf(core: number): number;
    actsAt(core: number): number;
    sent(): number;
    delivered(): number;
    routeHazards(): number;
  };
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
}

/** Memory for a machine: a page, growing to the 4 GiB that it can address. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
}

let translated: WebAssembly.Module | undefined;

/** The machine's code, translated once; threads can share it. */
export function machineCode(): WebAssembly.Module {
  translated ??= new WebAssembly.Module(Buffer.from(MACHINE_CODE, 'base64'));
  return translated;
}

/** A machine that waits for other threads, in one cycle, for `patience` ms at most. */
export function createMachine(
  memory = createMemory(),
  code = machineCode(),
  patience = Infinity,
): Machine {
  const words = new Int32Array(memory.buffer);
  const { exports } = new WebAssembly.Instance(code, {
    env: { memory },
    memory: { outOfMemory },
    main: { reachLimit: () => machine.onLimit?.() },
    tiles: {
      sleep: (at: number, seen: number) => {
        if (Atomics.wait(words, at >> 2, seen, patience) === 'timed-out')
          throw new Error('another thread of this run does not go on');
      },
      wake: (at: number) => void Atomics.notify(words, at >> 2),
    },
  });
  const machine: Machine = { memory, code: exports as Machine['code'] };
  return machine;
}

/** Core numbers have 23 bits where one word names a core, an end and a colour. */
const MOST_CORES = 2 ** 23;

function outOfMemory(): never {
  throw new TooLargeError(
    'this program takes more than the fast engine can address (4 GiB, 8 million cores): ' +
      'fewer cores, or a smaller queueDepth or hopCycles, take less',
  );
}

/** The first of some starts; 0 if there are none. */
export function firstOf(starts: Int32Array): number {
  return starts.length === 0 ? 0 : starts.reduce((a, b) => Math.min(a, b));
}

/** As assembly/main.ts numbers them. */
const STATES = ['goes on', 'whole', 'broken', 'late', 'stopped'] as const;

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

/** Loads a program and begins to run it, alone or in a team. */
export function startMachine(
  image: Image,
  starts: Int32Array,
  team: Team,
  { limit = Infinity, notes }: Wants = {},
): RunningMachine {
  const { machine } = team;
  const { code } = machine;
  const results = load(image, starts, team, notes);
  const places = () => placesOf(machine, image.cores);
  let atLimit: Places | undefined;
  machine.onLimit = () => (atLimit = places());
  code.begin(firstOf(starts), Math.min(limit, LAST_CYCLE), team.run);
  const visits =
    team.threads > 1 ? LAST_CYCLE : Math.max(1, Math.floor(SLICE / Math.max(1, image.cores)));
  return {
    places,
    advance() {
      const state = STATES[code.advance(visits, team.threads - 1)];
      if (state === 'goes on') return undefined;
      if (state === 'broken') return { state };
      if (state === 'late') return { state, atLimit: atLimit! };
      if (state === 'stopped') return { state, at: places() };
      const counts = countsOf(code, results());
      if (counts.end.some((end) => end > limit)) atLimit ??= places();
      return { state, counts, ...(atLimit && { atLimit }) };
    },
  };
}

/** The last cycle that the machine can count to; a limit beyond is none. */
const LAST_CYCLE = 0x7fffffff;

/** Runs a program as one, in a team. */
export function runMachine(image: Image, starts: Int32Array, team: Team, wants?: Wants): Ending {
  const running = startMachine(image, starts, team, wants);
  for (;;) {
    const ending = running.advance();
    if (ending) return ending;
  }
}

function countsOf(
  code: Machine['code'],
  { columns, instants }: { columns: Int32Array[]; instants?: Counts['instants'] | undefined },
): Counts {
  const [end, waitOutput, linkWavelets, labelEnd, labelCore] = columns;
  const sent = code.sent();
  const delivered = code.delivered();
  const hazards = code.routeHazards();
  const counts = { end, waitOutput, linkWavelets, labelEnd, labelCore, sent, delivered, hazards };
  return instants ? { ...counts, instants } : counts;
}

function placesOf({ code }: Machine, cores: number): Places {
  const operation = new Int32Array(cores);
  const acts = new Int32Array(cores);
  for (let core = 0; core < cores; core++) {
    operation[core] = code.operationOf(core);
    acts[core] = code.actsAt(core);
  }
  return { cycle: code.cycle() + 1, operation, acts };
}

/** Addresses of the run to be stopped, and of the run that threads are at (assembly/tiles.ts). */
const STOP_AT = 768;

/** Ends a run of a team, between two cycles; from any thread. */
export function stopRun(memory: WebAssembly.Memory, run: number): void {
  Atomics.store(new Int32Array(memory.buffer), STOP_AT >> 2, run);
}

const RUN_AT = 896;

/**
 * Helps in a run with a tile, from cycle `start` on, once its program is in memory. A thread hears that
 * others made the memory larger when it comes from JavaScript next, so it is here that it waits.
 */
export function helpRun(
  { memory, code }: Machine,
  tile: number,
  { start, limit = Infinity, run }: { start: number; limit?: number | undefined; run: number },
): void {
  const words = new Int32Array(memory.buffer);
  for (;;) {
    const seen = Atomics.load(words, RUN_AT >> 2);
    if (seen >= run) break;
    Atomics.wait(words, RUN_AT >> 2, seen);
  }
  code.help(tile, start, Math.min(limit, LAST_CYCLE));
}

/** Writes the header (`Header` in assembly/machine.ts) and the tables; gives copies of the results. */
function load(image: Image, starts: Int32Array, team: Team, notes?: Notes) {
  const { memory, code } = team.machine;
  const { cores, labels } = image;
  if (cores > MOST_CORES) outOfMemory();
  const threads = Math.min(team.threads, MOST_THREADS);
  const tiles = Math.max(1, Math.min(threads, Math.floor(cores / team.leastCores)));
  const header = code.reset();
  const allocate = (bytes: number) => code.allocateTable(bytes) >>> 0;
  const write = (table: Int32Array | Uint16Array | Uint8Array) => {
    if (table.length === 0) return 0;
    const at = allocate(table.byteLength);
    new Uint8Array(memory.buffer, at).set(
      new Uint8Array(table.buffer, table.byteOffset, table.byteLength),
    );
    return at;
  };
  const addresses = [starts, ...image.tables].map(write);
  const sizes = [cores, cores, cores * 4, labels, labels];
  const results = sizes.map((size) => allocate(size * 4));
  const { next, sends, takes } = notes ?? { next: new Int32Array(0), sends: 0, takes: 0 };
  const noted = [write(next), allocate(sends * 4), allocate(takes * 4), allocate(takes)];
  const words = new Int32Array(memory.buffer, header);
  words.set([...image.numbers, tiles, ...addresses, ...results, ...noted]);
  const column = (at: number, size: number) => new Int32Array(memory.buffer, at, size).slice();
  return () => ({
    columns: results.map((at, i) => column(at, sizes[i])),
    instants: notes && {
      entered: column(noted[1], sends),
      taken: column(noted[2], takes),
      takenColor: new Uint8Array(memory.buffer, noted[3], takes).slice(),
    },
  });
}
