/** The host did not do what it was asked: no room, no memory, a place that cannot be written. */
export class HostError extends Error {}

/**
 * Errors of the system while something is written are the host's; they name the place as it was given.
 * @throws HostError in place of them
 */
export function orHostError<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const [what] = error.message.split(" '");
    throw new HostError(`${what} '${path}'`, { cause: error });
  }
}

/** A place that holds, or is, what is not to be written over; one line says what was expected. */
export class PlaceError extends Error {
  override readonly name = 'PlaceError';
}
