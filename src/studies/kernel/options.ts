/**
 * Options of a kernel, read one by one as they come from a command line or a script: whole numbers,
 * numbers, choices, grids. What is wrong is said in one line that names the kernel and the option.
 */
import { closest } from '../../config/problems.js';
import { ConfigError } from '../../config/errors.js';

/** As parsed from the command line; values may be numbers or their text. */
export type KernelOptions = Record<string, unknown>;

interface Limits {
  /** Least value allowed; 1 if not given. */
  min?: number;
  max?: number;
  /** Why there is a most, for the error: `the width of WSE-3`. */
  because?: string;
  /** Value of an option that is not given; without one it must be given. */
  otherwise?: number;
}

export interface OptionReader {
  /** Was an option given? */
  has(name: string): boolean;
  integer(name: string, limits?: Limits): number;
  /** Over 0 and at most `max`. */
  positive(name: string, max: number): number;
  choice<T extends string>(name: string, among: readonly T[], otherwise?: T): T;
  flag(name: string): boolean;
  text(name: string, otherwise: string): string;
  /** `4x4` or [4, 4]: width and height, at most these. */
  grid(name: string, most: { width: number; height: number; name: string }): [number, number];
  /**
   * One whole number for both or `8x16`, at most these; `otherwise` if not given. Kept as one number where
   * both are equal.
   */
  pair(name: string, most: [number, number], otherwise: [number, number]): [number, number];
  /** Every option that was read with its value. Throws if others were given. */
  finish(): Record<string, unknown>;
}

const MOST = 1e9;

/** Reads the options of kernel `kernel`; every method throws ConfigError. */
export function optionReader(kernel: string, given: KernelOptions): OptionReader {
  const read: Record<string, unknown> = {};

  function refuse(name: string, expected: string, found: unknown): never {
    const shown = found === undefined ? 'nothing' : text(found);
    throw new ConfigError(`kernel ${kernel}: ${name}: expected ${expected}, found ${shown}`);
  }

  function value(name: string, otherwise: unknown): unknown {
    const own = Object.hasOwn(given, name) ? given[name] : undefined;
    return own ?? otherwise;
  }

  function keep<T>(name: string, found: T): T {
    read[name] = found;
    return found;
  }

  const reader: OptionReader = {
    has: (name) => value(name, undefined) !== undefined,
    integer(name, { min = 1, max = MOST, because, otherwise } = {}) {
      const found = value(name, otherwise);
      const number = numberOf(found);
      const range = `a whole number from ${min} to ${max}${because ? ` (${because})` : ''}`;
      if (!Number.isInteger(number) || number < min || number > max) refuse(name, range, found);
      return keep(name, number);
    },
    positive(name, max) {
      const found = value(name, undefined);
      const number = numberOf(found);
      if (!(number > 0 && number <= max)) refuse(name, `a number over 0 and up to ${max}`, found);
      return keep(name, number);
    },
    choice(name, among, otherwise) {
      const found = value(name, otherwise);
      const choice = among.find((one) => one === found);
      return keep(name, choice ?? refuse(name, `one of ${among.join(', ')}`, found));
    },
    flag(name) {
      const found = value(name, false);
      if (typeof found !== 'boolean') refuse(name, 'no value', found);
      return keep(name, found);
    },
    text(name, otherwise) {
      return keep(name, String(value(name, otherwise)));
    },
    grid(name, most) {
      const found = value(name, undefined);
      const sides = twoNumbers(found);
      if (sides === undefined) refuse(name, 'WIDTHxHEIGHT in cores, such as 4x4', found);
      const [width, height] = sides;
      if (width > most.width || height > most.height)
        refuse(name, `at most ${most.width}x${most.height} (the cores of ${most.name})`, found);
      keep(name, `${width}x${height}`);
      return [width, height];
    },
    pair(name, most, otherwise) {
      const found = value(name, otherwise);
      const two = twoNumbers(found);
      if (two === undefined) {
        const both = reader.integer(name, { max: Math.min(...most) });
        return [both, both];
      }
      if (two[0] > most[0] || two[1] > most[1]) refuse(name, `at most ${most.join('x')}`, found);
      keep(name, two[0] === two[1] ? two[0] : two.join('x'));
      return two;
    },
    finish() {
      const known = Object.keys(read);
      for (const [name, found] of Object.entries(given)) {
        if (found === undefined || known.includes(name)) continue;
        const near = closest(name, known);
        const hint = near ? `; did you mean ${near}?` : '';
        const expected = `expected one of ${known.join(', ')}`;
        const problem = `${expected}, found an option that it does not take here${hint}`;
        throw new ConfigError(`kernel ${kernel}: ${name}: ${problem}`);
      }
      return read;
    },
  };
  return reader;
}

/** Two whole numbers above 0, of a text such as `4x4` or of a list. */
function twoNumbers(found: unknown): [number, number] | undefined {
  const parts = typeof found === 'string' ? found.split('x') : found;
  const [a, b, ...more] = Array.isArray(parts) ? parts.map(numberOf) : [];
  const isCount = (number: number | undefined) => Number.isInteger(number) && number! >= 1;
  return isCount(a) && isCount(b) && more.length === 0 ? [a, b] : undefined;
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;
}

function text(value: unknown): string {
  return Array.isArray(value) ? value.join('x') : String(value);
}
