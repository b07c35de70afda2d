/**
 * A number of a hardware file and where it comes from. It is written plain (`2`), with a unit
 * (`48 KiB`), or as `{value, source, grade, range, assumed}`. Grades: A vendor document or
 * peer-reviewed, B a third party's measurement, C second-hand, D derived by arithmetic.
 */
import * as z from 'zod';
import { show } from '../model/errors.js';
import { expected, text } from './errors.js';
import Qty from 'js-quantities';

export type Dimension =
  | 'memory'
  | 'frequency'
  | 'power'
  | 'time'
  | 'bandwidth'
  | 'cycles'
  | 'count'
  | 'rate'
  | 'price'
  | 'energyPrice'
  | 'hourPrice';

/** Where a number comes from; the truth may lie anywhere in `range` (base units). */
export interface Provenance {
  source: string;
  grade?: 'A' | 'B' | 'C' | 'D';
  range?: [number, number];
  /** It is not published; the source says what the value rests on. */
  assumed?: true;
}

/** A number in its base unit (bytes, Hz, W, s, bit/s, cycles, USD, USD/kWh, USD/h), with what the file says of its origin. */
export interface Quantity {
  value: number;
  provenance: Partial<Provenance>;
}

/** A quantity, or a word in its place (its value is then NaN). */
export type NamedQuantity = Quantity & { word?: 'auto' };

/** Keys of a number that states its source. */
export const QUANTITY_KEYS = ['value', 'source', 'grade', 'range', 'assumed'];

/** Reads `48 KiB` in the base unit of a dimension; undefined if the text is no such quantity. */
export type ReadUnits = (text: string, dimension: Dimension) => number | undefined;

/** What a quantity may be. */
export interface Limits {
  dimension: Dimension;
  integer?: boolean;
  min?: number;
  /** Excludes the bound itself. */
  above?: number;
  max?: number;
  /** Allowed in place of a number. */
  word?: 'auto';
}

const NOUNS: Record<Dimension, string> = {
  memory: 'memory such as 48 KiB',
  frequency: 'a frequency such as 1.0 GHz',
  power: 'a power such as 23 kW',
  time: 'a time such as 5 us',
  bandwidth: 'a bandwidth such as 1.2 Tbit/s',
  cycles: 'a number of cycles',
  count: 'a number',
  rate: 'a number per cycle',
  price: 'a price such as 2 MUSD',
  energyPrice: 'a price of energy such as 0.08 USD/kWh',
  hourPrice: 'a price of an hour such as 2.5 USD/h',
};

/** What the limits ask for, in words: `a number of cycles, an integer, at least 1, at most 1024`. */
export function expectationOf({ dimension, integer, min, above, max, word }: Limits): string {
  const parts = [NOUNS[dimension]];
  if (integer && dimension !== 'memory') parts.push('an integer');
  if (above !== undefined) parts.push(`above ${above}`);
  if (min !== undefined) parts.push(`at least ${min}`);
  if (max !== undefined) parts.push(`at most ${max}`);
  if (word !== undefined) parts.push(`or ${word}`);
  return parts.join(', ');
}

function within(value: number, { integer, min, above, max }: Limits): boolean {
  if (!Number.isFinite(value) || (integer && !Number.isInteger(value))) return false;
  return value >= (min ?? -Infinity) && value > (above ?? -Infinity) && value <= (max ?? Infinity);
}

const stated = z.strictObject({
  value: z.unknown().optional(),
  source: text('a text').optional(),
  grade: z.enum(['A', 'B', 'C', 'D'], expected('A, B, C or D')).optional(),
  range: z.tuple([z.unknown(), z.unknown()], expected('a range [low, high]')).optional(),
  assumed: z.literal(true, expected('true, or no such key')).optional(),
});

/** Schema of one quantity; its output is a `Quantity`, or the word that the limits allow. */
export function quantity(limits: Limits, readUnits: ReadUnits) {
  const read = (raw: unknown): number | undefined => {
    const value = typeof raw === 'string' ? readUnits(raw, limits.dimension) : raw;
    return typeof value === 'number' && within(value, limits) ? value : undefined;
  };
  const valueOf = (raw: unknown, path: string[], context: z.RefinementCtx): NamedQuantity => {
    if (limits.word !== undefined && raw === limits.word)
      return { value: NaN, word: limits.word, provenance: {} };
    const value = read(raw);
    return value === undefined
      ? fail(expectationOf(limits), raw, path, context)
      : { value, provenance: {} };
  };
  const transform = (raw: unknown, context: z.RefinementCtx): NamedQuantity => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
      return valueOf(raw, [], context);
    const { data, error } = stated.safeParse(raw);
    if (error) return passOn(error.issues, { ...raw }, context);
    const { range, value: _, ...rest } = data;
    const result = valueOf(data.value, ['value'], context);
    const provenance = definedOf(rest);
    if (range && result !== z.NEVER) {
      const [low, high] = range.map(read);
      if (low === undefined || high === undefined || !(low <= result.value && result.value <= high))
        return fail(`a range [low, high] around ${result.value}`, range, ['range'], context);
      provenance.range = [low, high];
    }
    return { ...result, provenance };
  };
  return z.unknown().meta(jsonSchemaOf(limits)).transform(transform);
}

function definedOf({ source, grade, assumed }: z.output<typeof stated>): Partial<Provenance> {
  return { ...(source && { source }), ...(grade && { grade }), ...(assumed && { assumed }) };
}

function fail(what: string, input: unknown, path: string[], context: z.RefinementCtx): never {
  const message = `expected ${what}, found ${show(input)}`;
  context.issues.push({ code: 'custom', message, input, path });
  return z.NEVER;
}

function passOn(
  issues: z.core.$ZodIssue[],
  input: Record<string, unknown>,
  context: z.RefinementCtx,
): never {
  for (const issue of issues) {
    const { path, message } = issue;
    if (issue.code === 'unrecognized_keys')
      context.issues.push({ code: issue.code, keys: issue.keys, input, path });
    else context.issues.push({ code: 'custom', message, input, path });
  }
  return z.NEVER;
}

const plainOrText = { type: ['number', 'string'] };

/** JSON Schema of a number that states its source, to stand at `#/definitions/stated`. */
export const STATED_JSON_SCHEMA = {
  type: 'object',
  properties: {
    value: plainOrText,
    source: { type: 'string', minLength: 1 },
    grade: { enum: ['A', 'B', 'C', 'D'] },
    range: { type: 'array', items: plainOrText, minItems: 2, maxItems: 2 },
    assumed: { const: true },
  },
  required: ['value'],
  additionalProperties: false,
};

function jsonSchemaOf(limits: Limits): Record<string, unknown> {
  const number: Record<string, unknown> = { type: limits.integer ? 'integer' : 'number' };
  if (limits.min !== undefined) number['minimum'] = limits.min;
  if (limits.above !== undefined) number['exclusiveMinimum'] = limits.above;
  if (limits.max !== undefined) number['maximum'] = limits.max;
  const anyOf = [number, { type: 'string' }, { $ref: '#/definitions/stated' }];
  return { description: NOUNS[limits.dimension], anyOf };
}

/** The unit of each dimension: `48 KiB` is memory, `48 kHz` is not. */
const BASE_UNIT: Partial<Record<Dimension, string>> = {
  memory: 'B',
  frequency: 'Hz',
  power: 'W',
  time: 's',
  bandwidth: 'bit/s',
  price: 'USD',
  energyPrice: 'USD/kWh',
  hourPrice: 'USD/h',
};

/**
 * Reads a number with its unit.
 * @returns the number in bytes, Hz, W, s, bit/s, cycles or USD; undefined if the text is not of that dimension.
 */
export function readUnits(text: string, dimension: Dimension): number | undefined {
  const trimmed = text.trim();
  if (!/^[+-]?\.?\d/.test(trimmed)) return undefined;
  if (dimension === 'cycles') {
    const match = /^(\S+) ?cycles?$/.exec(trimmed);
    return match ? Number(match[1]) : undefined;
  }
  const unit = BASE_UNIT[dimension];
  if (unit === undefined) return undefined;
  try {
    // Prefixes multiply in floating point; what that loses is beyond 12 digits.
    return Number(Qty(trimmed).to(unit).scalar.toPrecision(12));
  } catch {
    return undefined;
  }
}
