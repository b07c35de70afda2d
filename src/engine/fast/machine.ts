/** The machine in WebAssembly (sources in assembly/): one thread's part of it, and its memory. */
import { TooLargeError } from '../engine.js';
import type { Laid } from './load.js';
import { MACHINE_CODE } from './machine-code.js';

/** Bits of the machine's times, which count from the first start of a run. */
export type Bits = 32 | 64;

/** Translations of the machine: by the bits of its times, and for lines (moves.ts) and for paths (events.ts), which have 32. */
export type Translation = Bits | 'lines' | 'paths';

interface Code {
  /** Forgets everything; the address of the header. */
  reset(): number;
  /** Address of so many bytes of zeros. */
  allocateTable(bytes: number): number;
  /** Begins with the program in memory, which is to be over before a cycle; others help in a run. It may be kept. */
  begin(before: number, run: number, keeps: boolean): void;
  /** Has a small program in memory as it was at its begin, for other starts; false if that is not known. */
  rewind(): number;
  /** Begins with it. */
  beginAgain(before: number, run: number): void;
  /** Continues for so many cycles with something to do; returns the run's state (`STATE`). */
  advance(cycles: number, helpers: number): number;
  /** Runs a tile of the program in memory, if it has so many. */
  help(tile: number, before: number): void;
  /** The last cycle; of a core its operation and when it acts (see `Places`). */
  cycle(): number;
  operationOf(core: number): number;
  actsAt(core: number): number;
  sent(): number;
  delivered(): number;
  routeHazards(): number;
  /** Routers in delay lines (assembly/delays.ts), which only the translation for lines has. */
  delayed(): number;
}

/** One thread's part of a machine; the memory may be that of others too. */
export interface Machine {
  memory: WebAssembly.Memory;
  code(translation: Translation): Code;
  /** The line that is in its memory (load.ts). */
  laid?: Laid | undefined;
  /** Called when the run's limit is reached. */
  onLimit?: (() => void) | undefined;
}

/** A page of the web has no memory that threads share, unless its server sends headers for that; nor has it threads here. */
const SHARED = typeof SharedArrayBuffer === 'function';

/** Memory for a machine: a page, growing to the 4 GiB that it can address. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: SHARED });
}

/** What stands in the code before the flags of its memory's limits, and these if it is one thread's alone. */
const BEFORE_FLAGS = '\u0003env\u0006memory\u0002';
const UNSHARED_FLAGS = 1;

const translated: Partial<Record<Translation, WebAssembly.Module>> = {};

/** The machine's code, translated once; threads can share it. */
export function machineCode(of: Translation): WebAssembly.Module {
  return (translated[of] ??= new WebAssembly.Module(bytesOf(atob(MACHINE_CODE[of]))));
}

function bytesOf(binary: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  if (!SHARED) bytes[binary.indexOf(BEFORE_FLAGS) + BEFORE_FLAGS.length] = UNSHARED_FLAGS;
  return bytes;
}

/** A machine that waits for other threads, in one cycle, for up to `patience` ms. */
export function createMachine(
  memory = createMemory(),
  code = machineCode(32),
  patience = Infinity,
): Machine {
  // Memory that is not shared has another buffer whenever it has grown.
  const words = () => new Int32Array(memory.buffer);
  const start = (module: WebAssembly.Module) => {
    const instance: { exports: unknown } = new WebAssembly.Instance(module, {
      env: { memory },
      memory: { outOfMemory, noMemory },
      main: { reachLimit: () => machine.onLimit?.() },
      threads: {
        sleep: (at: number, seen: number) => {
          if (Atomics.wait(words(), at >> 2, seen, patience) === 'timed-out')
            throw new Error('another thread of this run does not continue');
        },
        wake: (at: number) => void Atomics.notify(words(), at >> 2),
      },
    });
    return instance.exports as Code;
  };
  const started: Partial<Record<Translation, Code>> = { 32: start(code) };
  const machine: Machine = {
    memory,
    code: (of) => (started[of] ??= start(machineCode(of))),
  };
  return machine;
}

function noMemory(): never {
  throw new RangeError('could not allocate memory for the fast engine');
}

export function outOfMemory(): never {
  throw new TooLargeError(
    'this program takes more than the fast engine can address (4 GiB, 8 million cores): ' +
      'fewer cores, or a smaller queueDepth or hopCycles, take less',
  );
}
