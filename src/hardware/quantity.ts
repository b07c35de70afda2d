/**
 * A number of a hardware file and where it comes from. It is written plain (`2`), with a unit
 * (`48 KiB`), or as `{value, source, grade, range, assumed}`. Grades as in the literature survey
 * behind the presets: A vendor or peer-reviewed, B a third party's measurement, C second-hand,
 * D derived by arithmetic.
 */
import * as z from 'zod';

export type Dimension = keyof typeof UNITS;

/** Where a number comes from; `range` is the interval in which the truth may lie, in base units. */
export interface Provenance {
  source: string;
  grade?: 'A' | 'B' | 'C' | 'D';
  range?: [number, number];
  /** Nobody has published it; the source says what the value rests on. */
  assumed?: true;
}

/** A number in its base unit; no provenance if it was written plain. */
export interface Quantity {
  value: number;
  provenance?: Provenance;
}

/** A quantity, or a word in its place (its value is then NaN). */
export type NamedQuantity = Quantity & { word?: string };

/** Keys of a quantity that states its source. */
export const QUANTITY_KEYS = ['value', 'source', 'grade', 'range', 'assumed'];

/** Reads `48 KiB` in the base unit of a dimension; undefined if the text is no such quantity. */
export type ReadUnits = (text: string, dimension: Dimension) => number | undefined;

/** What a quantity may be. `above` excludes the bound itself. */
export interface Limits {
  dimension: Dimension;
  min?: number;
  above?: number;
  max?: number;
  integer?: boolean;
  /** A word allowed in place of the number. */
  word?: string;
}


/** What the limits ask for, in words: `an integer, at least 1, at most 32`. */
export function expectationOf(limits: Limits): string {
  const { dimension, integer, min, above, max, word } = limits;
  const parts = [NOUNS[dimension] ?? (integer ? 'an integer' : 'a number')];
  if (dimension === 'cycles') parts[0] += ' of cycles';
  if (above !== undefined) parts.push(`above ${above}`);
  if (min !== undefined) parts.push(`at least ${min}`);
  if (max !== undefined) parts.push(`at most ${max}`);
  return parts.join(', ') + (word === undefined ? '' : `, or ${word}`);
}

/** Shows a value of a configuration in an error, in one short line. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Says what was expected and found, for a zod schema's `error`. */
export function expected(what: string): { error: (issue: { input?: unknown }) => string } {
  return { error: (issue) => `expected ${what}, found ${show(issue.input)}` };
}

function within(value: number, limits: Limits): boolean {
  if (!Number.isFinite(value) || (limits.integer && !Number.isInteger(value))) return false;
  if (limits.above !== undefined && value <= limits.above) return false;
  return value >= (limits.min ?? -Infinity) && value <= (limits.max ?? Infinity);
}

const annotated = z.strictObject({
  value: z.unknown().optional(),
  source: z.string(expected('a text')).min(1, expected('a source')),
  grade: z.enum(['A', 'B', 'C', 'D'], expected('A, B, C or D')).optional(),
  range: z.tuple([z.unknown(), z.unknown()], expected('a range [low, high]')).optional(),
  assumed: z.literal(true, expected('true, or no such key')).optional(),
});

const plainOrText = { type: ['number', 'string'] };

/** JSON Schema of a number that states its source, to stand as `#/definitions/stated`. */
export const STATED_JSON_SCHEMA = {
  type: 'object',
  properties: {
    value: plainOrText,
    source: { type: 'string', minLength: 1 },
    grade: { enum: ['A', 'B', 'C', 'D'] },
    range: { type: 'array', items: plainOrText, minItems: 2, maxItems: 2 },
    assumed: { const: true },
  },
  required: ['value', 'source'],
  additionalProperties: false,
};

function jsonSchemaOf({ integer, min, above, max, ...rest }: Limits): Record<string, unknown> {
  const number = {
    type: integer ? 'integer' : 'number',
    ...(min !== undefined && { minimum: min }),
    ...(above !== undefined && { exclusiveMinimum: above }),
    ...(max !== undefined && { maximum: max }),
  };
  const description = NOUNS[rest.dimension] ?? `a number of ${rest.dimension}`;
  const anyOf = [number, { type: 'string' }, { $ref: '#/definitions/stated' }];
  return { description, anyOf };
}

/** Schema of one quantity; its output is a `Quantity`, or the word that the limits allow. */
export function quantity(limits: Limits, readUnits: ReadUnits) {
  const read = (raw: unknown): number | undefined => {
    const value = typeof raw === 'string' ? readUnits(raw, limits.dimension) : raw;
    return typeof value === 'number' && within(value, limits) ? value : undefined;
  };
  const stated = (raw: unknown, path: string[], context: z.RefinementCtx): NamedQuantity => {
    if (limits.word !== undefined && raw === limits.word) return { value: NaN, word: limits.word };
    const value = read(raw);
    return value === undefined ? fail(expectationOf(limits), raw, path, context) : { value };
  };
  const base = z.unknown().meta(jsonSchemaOf(limits));
  return base.transform((raw, context): NamedQuantity => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
      return stated(raw, [], context);
    const parsed = annotated.safeParse(raw);
    if (parsed.error) return passOn(parsed.error.issues, { ...raw }, context);
    const { source, grade, range, assumed } = parsed.data;
    const result = stated(parsed.data.value, ['value'], context);
    const provenance: Provenance = { source };
    if (grade) provenance.grade = grade;
    if (assumed) provenance.assumed = true;
    if (range && result !== z.NEVER) {
      const [low, high] = range.map(read);
      if (low === undefined || high === undefined || !(low <= result.value && result.value <= high))
        return fail(`a range [low, high] around ${result.value}`, range, ['range'], context);
      provenance.range = [low, high];
    }
    return { ...result, provenance };
  });
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
