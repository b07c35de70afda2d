/**
 * What the thread of the command and that of the process know of each other, in memory that both share:
 * whether files are being written, whether that is to stop, and what the command is doing.
 */

/** Numbers: files being written, writing is refused, something was written, bytes of the text. */
const WRITING = 0;
const REFUSED = 1;
const WROTE = 2;
const LENGTH = 3;
const NUMBERS = 4;
/** Bytes that say what the command is doing. */
const MOST_BYTES = 240;

export type SharedState = SharedArrayBuffer;

/** What the command is given. */
export interface CommandData {
  state: SharedState;
  stdout: Terminal;
  stderr: Terminal;
}

/** What it says to the process: that it ends by itself when it is asked to, when its time is up, what is to go with it. */
export type FromCommand =
  | { serves: true }
  | { milliseconds: number; text: string }
  | { remove: string };

/** What the process says to a command that serves: why it is to end. */
export interface Stop {
  says: string;
}

interface Terminal {
  isTTY: boolean;
  columns: number;
}

export function createSharedState(): SharedState {
  return new SharedArrayBuffer(NUMBERS * 4 + MOST_BYTES);
}

const numbers = (state: SharedState) => new Int32Array(state, 0, NUMBERS);

/** Is something being written that must become whole, or vanish? */
export function isWriting(state: SharedState): boolean {
  return Atomics.load(numbers(state), WRITING) > 0;
}

export function wrote(state: SharedState): boolean {
  return Atomics.load(numbers(state), WROTE) > 0;
}

/** What is said of a command that is ended so: whether it has written anything. */
export function ended(state: SharedState, says: string): string {
  return wrote(state) ? says : `${says}; nothing was written`;
}

/** From now on nothing more is to be written. */
export function refuseWriting(state: SharedState): void {
  Atomics.store(numbers(state), REFUSED, 1);
}

export function isRefused(state: SharedState): boolean {
  return Atomics.load(numbers(state), REFUSED) > 0;
}

/** Writes files, all of them or none: the process waits for that before it ends. */
export function whileWriting<T>(state: SharedState, write: () => T): T {
  return whileTrying(state, () => {
    const result = write();
    Atomics.store(numbers(state), WROTE, 1);
    return result;
  });
}

/** Makes files that are removed again, for which the process waits as well. */
export function whileTrying<T>(state: SharedState, attempt: () => T): T {
  const of = numbers(state);
  Atomics.add(of, WRITING, 1);
  try {
    return attempt();
  } finally {
    Atomics.sub(of, WRITING, 1);
  }
}

/**
 * Keeps the process from ending at once with a signal, for what is to be put in order outside of this host first. What
 * is returned lets it end.
 */
export function heldBack(state: SharedState): () => void {
  Atomics.add(numbers(state), WRITING, 1);
  return () => {
    Atomics.store(numbers(state), WROTE, 1);
    Atomics.sub(numbers(state), WRITING, 1);
  };
}

/** Notes what the command is doing, for the thread that has to end it. */
export function nowDoing(state: SharedState, what: string): void {
  const bytes = new Uint8Array(state, NUMBERS * 4);
  const { written } = new TextEncoder().encodeInto(what, bytes);
  Atomics.store(numbers(state), LENGTH, written);
}

export function doing(state: SharedState): string {
  const length = Atomics.load(numbers(state), LENGTH);
  // A decoder takes no shared memory.
  const bytes = Uint8Array.from(new Uint8Array(state, NUMBERS * 4, length));
  return length === 0 ? 'reading' : new TextDecoder().decode(bytes);
}
