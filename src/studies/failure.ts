/** What a failure means to whoever asked: an exit code, and one line. */
import { ConfigError } from '../config/errors.js';
import { LimitError, MachineError } from '../engine/engine.js';
import { EXIT } from '../exit.js';
import { ModelError } from '../model/errors.js';
import { CapacityError } from '../placement/placement.js';
import { shown } from '../report/format.js';
import { HostError } from '../store/host-error.js';
import { IncomparableError } from './incomparable.js';

export interface Failure {
  exitCode: number;
  /** One line without a line break. */
  message: string;
}

/** What an error of a simulation, or of what it reads and writes, is to its caller. */
export function failureOf(error: unknown): Failure {
  const failure = (exitCode: number, message: string) => ({ exitCode, message: oneLine(message) });
  if (error instanceof ConfigError || error instanceof ModelError)
    return failure(EXIT.usage, error.message);
  if (error instanceof IncomparableError) return failure(EXIT.incomparable, error.message);
  if (isOfMachine(error)) return failure(EXIT.machine, error.message);
  if (error instanceof HostError || isExhaustion(error))
    return failure(EXIT.host, (error as Error).message);
  if (isSystemError(error)) return failure(EXIT.usage, error.message);
  return failure(EXIT.internal, `internal error: ${describe(error)}`);
}

/** A model does not fit, the machine failed or reached a limit, or its times are more than can be counted. */
function isOfMachine(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error instanceof CapacityError || error instanceof MachineError) return true;
  // By its name: it may come from another thread.
  return error instanceof LimitError || error.name === 'TooLargeError';
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
