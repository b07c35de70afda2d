/** Which positions each layer attends to, as files ask for it: kinds of layers, windows, chunks. */
import { z } from 'zod';
import type { Span } from '../attention-spec.js';
import { unexpected } from '../errors.js';
import { flag, name, whole } from '../fields.js';

export const FULL = 'full_attention';
export const SLIDING = 'sliding_attention';
export const CHUNKED = 'chunked_attention';
export const LINEAR = 'linear_attention';

export const spanFields = {
  num_hidden_layers: whole(1024),
  layer_types: z.array(name, { error: 'a list of kinds of layers' }).nullish(),
  sliding_window: whole(2 ** 31, 0).nullish(),
  use_sliding_window: flag.nullish(),
  max_window_layers: whole(2 ** 31, 0).nullish(),
};

interface Layered {
  num_hidden_layers: number;
  layer_types?: string[] | null | undefined;
}

export interface WindowFields extends Layered {
  sliding_window?: number | null | undefined;
  use_sliding_window?: boolean | null | undefined;
  max_window_layers?: number | null | undefined;
}

/**
 * The kind of each layer: as `layer_types` says, or else by the family's rule.
 * @throws ModelError on a kind that is none of `known`, and on too many or too few
 */
export function layerTypes(
  c: Layered,
  known: readonly string[],
  otherwise: (layer: number) => string,
): string[] {
  return listed('layer_types', c.layer_types, c.num_hidden_layers, known) ?? each(c, otherwise);
}

/** A list with one of some words for each layer; undefined if a file has none. */
export function listed(
  field: string,
  list: readonly string[] | null | undefined,
  layers: number,
  known: readonly string[],
): string[] | undefined {
  if (!list) return undefined;
  const other = list.find((word) => !known.includes(word));
  if (other !== undefined)
    throw unexpected(field, `each of them to be ${known.join(' or ')}`, other);
  if (list.length !== layers)
    throw unexpected(field, `one for each of num_hidden_layers = ${layers}`, list.length);
  return [...list];
}

export function each<T>(
  { num_hidden_layers }: Pick<Layered, 'num_hidden_layers'>,
  of: (layer: number) => T,
): T[] {
  return Array.from({ length: num_hidden_layers }, (_, layer) => of(layer));
}

/**
 * A span for each layer's kind. In layers with a window a token attends to the last `sliding_window`
 * positions, its own included; a window as long as `maxContext` is none.
 * @throws ModelError where layers have a window of no size
 */
export function windowsOf(types: readonly string[], c: WindowFields, maxContext: number): Span[] {
  const { sliding_window: size } = c;
  const full: Span = { kind: 'full' };
  if (!types.includes(SLIDING)) return types.map(() => full);
  if (!size) throw unexpected('sliding_window', `a whole number from 1, as ${whySliding(c)}`, size);
  const window: Span = size < maxContext ? { kind: 'window', size } : full;
  return types.map((type) => (type === SLIDING ? window : full));
}

function whySliding(c: WindowFields): string {
  if (c.layer_types) return 'layer_types has sliding_attention';
  return c.use_sliding_window === true
    ? 'use_sliding_window is true'
    : 'layers of this family slide';
}

/** Kinds of layers of a family without windows, whatever a file says of them. */
export const neverSliding = (c: WindowFields): string[] => alike(c, FULL);

/** Kinds of layers of a family where each has the window of the file, if there is one. */
export const slidingIfGiven = (c: WindowFields): string[] =>
  alike(c, c.sliding_window ? SLIDING : FULL);

/** The family's model does not read `layer_types`: a list is checked, and says nothing. */
function alike(c: Layered, kind: string): string[] {
  listed('layer_types', c.layer_types, c.num_hidden_layers, [FULL, SLIDING]);
  return each(c, () => kind);
}

/**
 * The same where `use_sliding_window` has to ask for it, and `max_window_layers` are without.
 * @throws ModelError where `layer_types` has windows that are not asked for
 */
export function slidingOnRequest(c: WindowFields): string[] {
  const { use_sliding_window: asked, max_window_layers: from } = c;
  const types = layerTypes(c, [FULL, SLIDING], (layer) =>
    asked === true && layer >= (from ?? 0) ? SLIDING : FULL,
  );
  if (asked !== true && types.includes(SLIDING))
    throw unexpected('use_sliding_window', 'true, as layer_types has sliding_attention', asked);
  return types;
}
