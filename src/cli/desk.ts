/** The command's side of what it shares with the process (see office.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { createOffice, doing, isRefused, nowDoing as sayDoing, whileWriting } from './office.js';
import type { Desk, Office } from './office.js';

/** None where the code runs on its own: in a test, or in another program of the project. */
const desk = hasDesk(workerData) ? workerData : undefined;
const office: Office = desk?.office ?? createOffice();

function hasDesk(data: unknown): data is Desk {
  return typeof data === 'object' && data !== null && 'office' in data;
}

/** This thread's stdout and stderr tell what the process's own tell of a terminal. */
export function sitDown(): void {
  if (desk === undefined) return;
  Object.assign(process.stdout, desk.stdout);
  Object.assign(process.stderr, desk.stderr);
}

export const nowDoing = (what: string): void => sayDoing(office, what);
export const doingNow = (): string => doing(office);

/** Tells the process when to end this thread whatever it does, and what to say then. */
export function endsIn(milliseconds: number, text: string): void {
  if (desk !== undefined) parentPort?.postMessage({ milliseconds, text }, []);
}

/** Writes files, all of them or none: a signal waits for that, or has it taken back. */
export function writing<T>(write: () => T): T {
  return whileWriting(office, () => {
    unlessRefused();
    return write();
  });
}

/** A signal has come: what is being written is taken back. */
class Refused extends Error {}

export function unlessRefused(): void {
  if (isRefused(office)) throw new Refused('the process is about to end');
}
