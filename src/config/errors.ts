/** A configuration that cannot be used; the message is one line, `file:line:col: path: expected, found`. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}
