/** Every way a command can fail, as one line and an exit code. */
import { CommanderError } from 'commander';
import { MachineError } from '../engine/engine.js';
import { ConfigError } from '../hardware/errors.js';
import { ModelError } from '../model/errors.js';
import { CapacityError } from '../placement/errors.js';
import { shown } from '../report/format.js';
import { IncomparableError } from '../tools/incomparable.js';

export const EXIT = {
  fine: 0,
  /** A regression, a difference or a failed check. */
  difference: 1,
  /** Usage, configuration, or a file that cannot be read or written. */
  usage: 2,
  /** A file or a run that cannot be held against the other. */
  incomparable: 3,
  /** The simulated machine failed (does not fit, deadlock, route violation), or the simulator did. */
  machine: 4,
  /** As shells count a process that was interrupted. */
  interrupted: 130,
} as const;

/** Ctrl-C. */
export class Interrupted extends Error {}

export interface Failure {
  exitCode: number;
  /** One line without a line break; none if the command line parser has said it already. */
  message: string;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError)
    return { exitCode: error.exitCode === 0 ? EXIT.fine : EXIT.usage, message: '' };
  // Begins with file:line:col, which editors follow: nothing stands before it.
  if (error instanceof ConfigError || error instanceof ModelError)
    return { exitCode: EXIT.usage, message: oneLine(error.message) };
  if (error instanceof IncomparableError)
    return { exitCode: EXIT.incomparable, message: prefixed(error.message) };
  if (error instanceof Interrupted)
    return { exitCode: EXIT.interrupted, message: prefixed('interrupted; nothing was written') };
  if (error instanceof CapacityError || error instanceof MachineError)
    return { exitCode: EXIT.machine, message: prefixed(error.message) };
  // By its name: it may come from another thread.
  if (error instanceof Error && error.name === 'TooLargeError')
    return { exitCode: EXIT.machine, message: prefixed(error.message) };
  if (isSystemError(error)) return { exitCode: EXIT.usage, message: prefixed(error.message) };
  return { exitCode: EXIT.machine, message: prefixed(`internal error: ${describe(error)}`) };
}

/** A line of the program about itself. */
export function prefixed(message: string): string {
  return oneLine(`wafersim: ${message}`);
}

/** Longest line of an error; what quotes a longer input is cut. */
const MOST_CHARACTERS = 2000;

/** Folds a text into one line of bounded length and drops what a terminal would obey. */
export function oneLine(text: string): string {
  const line = shown(text.replaceAll(/\s*[\r\n]+\s*/g, ' ')).trim();
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS - 3)}...` : line;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** What happened and in which line of the simulator, for a report of the fault. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /[\w.-]+\.[jt]s:\d+/.exec(error.stack?.replace(error.message, '') ?? '')?.[0];
  return place === undefined ? error.message : `${error.message} (${place})`;
}
