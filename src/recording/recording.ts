/**
 * What a program did in each of its cycles, as compact data: the reference engine writes it (engine/reference/record.ts),
 * and a player reads it (replay.ts). All of it is simulated, nothing is drawn in between.
 */

/** A player shows every core and every link: meshes have at most so many cores in a row and in a column. */
export const MOST_SIDE = 16;

/** What a core does in a cycle, as engines count it; idle before its start and after its end. */
export const STATES = ['setup', 'compute', 'waitInput', 'waitOutput', 'idle'] as const;
export const IDLE = STATES.indexOf('idle');

/** A core's own queue for a colour, next to those of the five ports of its router. */
export const CORE_QUEUE = 5;
export const QUEUES = 6;

export interface RecordedRole {
  name: string;
  /** Buffers and routes, a line each. */
  memory: string[];
  /** Its operations: which of the lists. */
  list: number;
}

export interface Recording {
  name: string;
  width: number;
  height: number;
  /** Of the fabric: its colours, wavelets that a queue holds, cycles of a link and of a ramp. */
  colors: number;
  queueDepth: number;
  hopCycles: number;
  rampCycles: number;
  /** Hops of each link, by core * 4 + port, where they are not 1 each. */
  linkHops?: number[];
  roles: RecordedRole[];
  roleOf: number[];
  /** Lists of operations as text, in order; roles often share them. */
  lists: string[][];
  /** The first cycle, and one past the last that is recorded. */
  from: number;
  to: number;
  /** Why it does not go to the end of the program, if it does not: what there was enough of. */
  cut?: 'cycles' | 'bytes';
  /** See events.ts. */
  events: Uint8Array;
}

/** Why there can be no recording of a mesh; undefined if there can. */
export function whyNotRecorded({ width, height }: { width: number; height: number }) {
  if (width <= MOST_SIDE && height <= MOST_SIDE) return undefined;
  return `wavelets are shown on up to ${MOST_SIDE} x ${MOST_SIDE} cores, and the mesh has ${width} x ${height}`;
}

const HEAD_BYTES = 4;

/** A recording as bytes for a file or a page: the length of its head, the head as JSON, its events. */
export function recordingBytes({ events, ...head }: Recording): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const bytes = new Uint8Array(HEAD_BYTES + text.length + events.length);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, HEAD_BYTES);
  bytes.set(events, HEAD_BYTES + text.length);
  return bytes;
}

/** The reverse. */
export function recordingOf(bytes: Uint8Array): Recording {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = HEAD_BYTES + view.getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(HEAD_BYTES, end)));
  return { ...(head as Omit<Recording, 'events'>), events: Uint8Array.from(bytes.subarray(end)) };
}
