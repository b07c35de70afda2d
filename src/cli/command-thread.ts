/** The command's side of what it shares with the process (see shared-state.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import {
  createSharedState,
  doing,
  heldBack,
  isRefused,
  nowDoing as sayDoing,
} from './shared-state.js';
import { whileTrying, whileWriting } from './shared-state.js';
import type { CommandData, FromCommand, SharedState, Stop } from './shared-state.js';

/** None where the code runs on its own: in a test, or in another program of the project. */
const data = isCommandData(workerData) ? workerData : undefined;
const state: SharedState = data?.state ?? createSharedState();

function isCommandData(given: unknown): given is CommandData {
  return typeof given === 'object' && given !== null && 'state' in given;
}

/** This thread's stdout and stderr describe the terminal as the process's own do. */
export function adoptTerminal(): void {
  if (data === undefined) return;
  Object.assign(process.stdout, data.stdout);
  Object.assign(process.stderr, data.stderr);
}

export const nowDoing = (what: string): void => sayDoing(state, what);
export const doingNow = (): string => doing(state);

/** Sets when the process ends this thread, whatever it does, and what is said then. */
export function endsIn(milliseconds: number, text: string): void {
  if (data !== undefined) parentPort?.postMessage({ milliseconds, text } satisfies FromCommand, []);
}

/** Waits for a signal, which from now on does not end the process by itself; gives what it says. */
export function untilStopped(): Promise<string> {
  const port = data === undefined ? null : parentPort;
  if (port === null)
    return new Promise((resolve) => {
      process.once('SIGINT', () => resolve('interrupted'));
      process.once('SIGTERM', () => resolve('terminated'));
    });
  return new Promise((resolve) => {
    port.once('message', ({ says }: Stop) => resolve(says));
    port.postMessage({ serves: true } satisfies FromCommand, []);
  });
}

/** Has the process remove a file when a signal ends it, whatever this thread does. */
export function endsWithout(path: string): void {
  if (data !== undefined) parentPort?.postMessage({ remove: path } satisfies FromCommand, []);
}

/** Writes files, all of them or none: a signal waits for that, or has it taken back. */
export function writing<T>(write: () => T): T {
  return whileWriting(state, () => {
    unlessRefused();
    return write();
  });
}

/** Makes files and removes them again; a signal waits for that, and nothing was written. */
export function trying<T>(attempt: () => T): T {
  return whileTrying(state, () => {
    unlessRefused();
    return attempt();
  });
}

/** A signal has come: what is being written is taken back. */
class Refused extends Error {}

export function unlessRefused(): void {
  if (isRefused(state)) throw new Refused('the process is about to end');
}

/** Milliseconds between two looks for a signal. */
const LOOK = 20;

/**
 * Does something short when a signal has come, before the process ends: gives back what others wait for.
 * @returns ends the watch, without doing it
 */
export function onSignal(work: () => Promise<void>): () => void {
  const letEnd = heldBack(state);
  const timer = setInterval(() => {
    if (!isRefused(state)) return;
    clearInterval(timer);
    void work().finally(letEnd);
  }, LOOK);
  return () => {
    clearInterval(timer);
    letEnd();
  };
}
