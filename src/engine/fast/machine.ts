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

/** One thread's part of a machine; the memory may be that of others too. */
export interface Machine {
  memory: WebAssembly.Memory;
  code: {
    /** Forgets everything; the address of the header. */
    reset(): number;
    /** Address of so many bytes of zeros. */
    allocateTable(bytes: number): number;
    /** Runs the program in memory while others help in the run of that number; 0 if it fails. */
    run(start: number, number: number, helpers: number): number;
    /** Runs a tile of the program in memory, if it has so many. */
    help(tile: number, start: number): void;
    sent(): number;
    delivered(): number;
    routeHazards(): number;
  };
  onProgress?: ((cycle: number) => void) | undefined;
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
    main: { progress: (cycle: number) => machine.onProgress?.(cycle) },
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

/**
 * Runs a program, alone or in a team, and notes when its traffic is sent and taken if it is given the
 * room for that; undefined if the machine fails somewhere.
 */
export function runMachine(
  image: Image,
  starts: Int32Array,
  team: Team,
  notes?: Notes,
): Counts | undefined {
  const { code } = team.machine;
  const results = load(image, starts, team, notes);
  if (code.run(firstOf(starts), team.run, team.threads - 1) === 0) return undefined;
  const { columns, instants } = results();
  const [end, waitOutput, linkWavelets, labelEnd, labelCore] = columns;
  const sent = code.sent();
  const delivered = code.delivered();
  const hazards = code.routeHazards();
  const counts = { end, waitOutput, linkWavelets, labelEnd, labelCore, sent, delivered, hazards };
  return instants ? { ...counts, instants } : counts;
}

/** Address of the run that threads are at (`RUN_AT` in assembly/tiles.ts). */
const RUN_AT = 896;

/**
 * Helps in a run with a tile, from cycle `start` on, once its program is in memory. A thread hears that
 * others made the memory larger when it comes from JavaScript next, so it is here that it waits.
 */
export function helpRun({ memory, code }: Machine, tile: number, start: number, run: number): void {
  const words = new Int32Array(memory.buffer);
  for (;;) {
    const seen = Atomics.load(words, RUN_AT >> 2);
    if (seen >= run) break;
    Atomics.wait(words, RUN_AT >> 2, seen);
  }
  code.help(tile, start);
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
