/** Every failure of a command, as one line and an exit code. */
import { CommanderError } from 'commander';
import { ConfigError, failureOf as failureOfWork, ModelError, oneLine } from '../index.js';
import type { Failure } from '../index.js';
import { EXIT } from '../exit.js';

/** The line of a failure; none if the command line parser has said it already. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError)
    return { exitCode: error.exitCode === 0 ? EXIT.fine : EXIT.usage, message: '' };
  const failure = failureOfWork(error);
  // Begins with file:line:col, which editors follow: nothing stands before it.
  if (error instanceof ConfigError || error instanceof ModelError) return failure;
  return { ...failure, message: prefixed(failure.message) };
}

/** A line of the program about itself. */
export function prefixed(message: string): string {
  return oneLine(`wafersim: ${message}`);
}
