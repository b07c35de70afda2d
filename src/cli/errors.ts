/** Every failure of a command, as one line and an exit code. */
import { CommanderError } from 'commander';
import { LimitError, MachineError, ConfigError, ModelError, CapacityError } from '../index.js';
import { IncomparableError } from '../index.js';
import { shown } from '../report/format.js';
import { EXIT } from './exit.js';

/** The host did not do what it was asked: no room, no memory, a place that cannot be written. */
export class HostError extends Error {}

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
  if (isOfMachine(error)) return { exitCode: EXIT.machine, message: prefixed(error.message) };
  if (error instanceof HostError || isExhaustion(error))
    return { exitCode: EXIT.host, message: prefixed((error as Error).message) };
  if (isSystemError(error)) return { exitCode: EXIT.usage, message: prefixed(error.message) };
  return { exitCode: EXIT.internal, message: prefixed(`internal error: ${describe(error)}`) };
}

/** A model does not fit, the machine failed or reached a limit, or its times are more than can be counted. */
function isOfMachine(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error instanceof CapacityError || error instanceof MachineError) return true;
  // By its name: it may come from another thread.
  return error instanceof LimitError || error.name === 'TooLargeError';
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

/** Codes of the system that say that there is no more of something, for any caller. */
const EXHAUSTED = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'];
const EXHAUSTED_CODES = new Set([...EXHAUSTED, 'EAGAIN', 'ERR_WORKER_OUT_OF_MEMORY']);

/** As V8 says it where there is no memory, or no room in one array or text. */
const NO_MEMORY =
  /allocation failed|could not allocate memory|out of memory|Invalid (?:array|string) length|Invalid typed array length: \d|Array buffer|longer than 0x/;

function isExhaustion(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (EXHAUSTED_CODES.has(code) || isExhaustion(error.cause)) return true;
  return (
    (error.name === 'RangeError' || code === 'ERR_STRING_TOO_LONG') && NO_MEMORY.test(error.message)
  );
}

/** What happened and in which line of the simulator, for a report of the fault. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /[\w.-]+\.[jt]s:\d+/.exec(error.stack?.replace(error.message, '') ?? '')?.[0];
  return place === undefined ? error.message : `${error.message} (${place})`;
}
