/**
 * The events of a recording as bytes. A cycle in which nothing changed has none. Of the others each is a gap (cycles
 * since the one before) and the number of a block: what moved and which cores changed. Streams do the same in cycle
 * after cycle, so a block that was there before is its number only; a new one stands where it is first used.
 *
 * All numbers are whole, 7 bits to a byte, lowest first (LEB128). The lists of a block rise, and have differences.
 */
import { PORTS } from '../hardware/mesh.js';
import { STATES } from './recording.js';

/** Kinds of events; a place is core * colors + color. */
export const KINDS = ['departs', 'sends', 'takes', 'states'] as const;

/** What happened in a cycle, as numbers that rise; `departOf` and `stateOf` say what they mean. */
export type Block = Record<(typeof KINDS)[number], number[]>;

export const noEvents = (): Block => ({ departs: [], sends: [], takes: [], states: [] });

const MASKS = 1 << PORTS;

/** A wavelet leaves a router from the queue of a port, to a set of ports. */
export function departCode(place: number, port: number, outputs: number): number {
  return (place * PORTS + port) * MASKS + outputs;
}

export function departOf(code: number): { place: number; port: number; outputs: number } {
  const queue = Math.floor(code / MASKS);
  return { place: Math.floor(queue / PORTS), port: queue % PORTS, outputs: code % MASKS };
}

/** A core is in another state, or `steps` operations further. */
export function stateCode(cores: number, core: number, steps: number, state: number): number {
  return (steps * cores + core) * STATES.length + state;
}

export function stateOf(
  cores: number,
  code: number,
): { core: number; steps: number; state: number } {
  const place = Math.floor(code / STATES.length);
  return { core: place % cores, steps: Math.floor(place / cores), state: code % STATES.length };
}

export interface EventWriter {
  /** Cycles come in rising order. */
  add(cycle: number, block: Block): void;
  size(): number;
  bytes(): Uint8Array;
}

export function createEventWriter(from: number): EventWriter {
  const bytes: number[] = [];
  const numberOf = new Map<string, number>();
  let last = from;

  function write(into: number[], value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) into.push((rest % 128) + 128);
    into.push(rest);
  }

  return {
    add(cycle, block) {
      const own: number[] = [];
      for (const kind of KINDS) {
        const codes = Float64Array.from(block[kind]).sort();
        write(own, codes.length);
        codes.forEach((code, i) => write(own, i === 0 ? code : code - codes[i - 1]));
      }
      // A cycle has some thousand events at most.
      const key = String.fromCharCode(...own);
      const known = numberOf.get(key);
      write(bytes, cycle - last);
      write(bytes, known ?? numberOf.size);
      last = cycle;
      if (known !== undefined) return;
      numberOf.set(key, numberOf.size);
      for (const byte of own) bytes.push(byte);
    },
    size: () => bytes.length,
    bytes: () => Uint8Array.from(bytes),
  };
}

/** The cycles that have events, in order, and the block of each; equal blocks are one object. */
export interface Events {
  cycles: number[];
  blocks: Block[];
}

export function readEvents(bytes: Uint8Array, from: number): Events {
  const events: Events = { cycles: [], blocks: [] };
  const known: Block[] = [];
  let at = 0;
  let cycle = from;

  function read(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('the recording is damaged');
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  }

  function readBlock(): Block {
    const block = noEvents();
    for (const kind of KINDS) {
      const count = read();
      let code = 0;
      for (let i = 0; i < count; i++) block[kind].push((code += read()));
    }
    return block;
  }

  while (at < bytes.length) {
    cycle += read();
    const number = read();
    if (number === known.length) known.push(readBlock());
    events.cycles.push(cycle);
    events.blocks.push(known[number]);
  }
  return events;
}
