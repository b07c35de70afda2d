/** Two things that cannot be held against each other: a foreign, damaged or newer file, other work. */
export class IncomparableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'IncomparableError';
  }
}
