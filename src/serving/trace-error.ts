/** A trace that cannot be used; one line, `file:line: what was expected, what was found`. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}
