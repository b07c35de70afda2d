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

export type Office = SharedArrayBuffer;

/** What the command is given. */
export interface Desk {
  office: Office;
  stdout: Terminal;
  stderr: Terminal;
}

interface Terminal {
  isTTY: boolean;
  columns: number;
}

export function createOffice(): Office {
  return new SharedArrayBuffer(NUMBERS * 4 + MOST_BYTES);
}

const numbers = (office: Office) => new Int32Array(office, 0, NUMBERS);

/** Is something being written that must become whole, or vanish? */
export function isWriting(office: Office): boolean {
  return Atomics.load(numbers(office), WRITING) > 0;
}

export function wrote(office: Office): boolean {
  return Atomics.load(numbers(office), WROTE) > 0;
}

/** From now on nothing more is to be written. */
export function refuseWriting(office: Office): void {
  Atomics.store(numbers(office), REFUSED, 1);
}

export function isRefused(office: Office): boolean {
  return Atomics.load(numbers(office), REFUSED) > 0;
}

/** Writes files, all of them or none: the process waits for that before it ends. */
export function whileWriting<T>(office: Office, write: () => T): T {
  const of = numbers(office);
  Atomics.add(of, WRITING, 1);
  try {
    const result = write();
    Atomics.store(of, WROTE, 1);
    return result;
  } finally {
    Atomics.sub(of, WRITING, 1);
  }
}

/** Says what the command is doing, for who has to end it. */
export function nowDoing(office: Office, what: string): void {
  const bytes = new Uint8Array(office, NUMBERS * 4);
  const { written } = new TextEncoder().encodeInto(what, bytes);
  Atomics.store(numbers(office), LENGTH, written);
}

export function doing(office: Office): string {
  const length = Atomics.load(numbers(office), LENGTH);
  // A decoder takes no shared memory.
  const bytes = Uint8Array.from(new Uint8Array(office, NUMBERS * 4, length));
  return length === 0 ? 'reading' : new TextDecoder().decode(bytes);
}
