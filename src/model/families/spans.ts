/** Which positions each layer attends to, as files ask for it: kinds of layers, windows, chunks. */
import { z } from 'zod';
import type { Span } from '../attention-spec.js';
import { unexpected } from '../errors.js';
import { flag, whole } from '../fields.js';

export const FULL = 'full_attention';
export const SLIDING = 'sliding_attention';
export const CHUNKED = 'chunked_attention';
export const LINEAR = 'linear_attention';

export const spanFields = {
  num_hidden_layers: whole(1024),
  layer_types: z.array(z.string(), { error: 'a list of kinds of layers' }).nullish(),
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
export function windowsOf(
  types: readonly string[],
  size: number | null | undefined,
  maxContext: number,
  why = 'layer_types has sliding_attention',
): Span[] {
  const full: Span = { kind: 'full' };
  if (!types.includes(SLIDING)) return types.map(() => full);
  if (!size) throw unexpected('sliding_window', `a whole number from 1, as ${why}`, size);
  const window: Span = size < maxContext ? { kind: 'window', size } : full;
  return types.map((type) => (type === SLIDING ? window : full));
}

/** A window in every layer of a file that has one, unless `use_sliding_window` or `layer_types` say otherwise. */
export function windowIfGiven(c: WindowFields, maxContext: number): Span[] {
  const wanted = c.use_sliding_window !== false && !!c.sliding_window;
  if (c.use_sliding_window === true && !c.sliding_window && !c.layer_types)
    throw unexpected(
      'sliding_window',
      'a whole number from 1, as use_sliding_window is true',
      c.sliding_window,
    );
  const types = layerTypes(c, [FULL, SLIDING], () => (wanted ? SLIDING : FULL));
  return windowsOf(types, c.sliding_window, maxContext);
}

/** A window only where `use_sliding_window` asks for it, and in the layers from `max_window_layers` on. */
export function windowOnRequest(c: WindowFields, maxContext: number): Span[] {
  const { use_sliding_window: asked, max_window_layers: from } = c;
  const types = layerTypes(c, [FULL, SLIDING], (layer) =>
    asked === true && layer >= (from ?? 0) ? SLIDING : FULL,
  );
  if (c.layer_types && types.includes(SLIDING) && asked === false)
    throw unexpected('use_sliding_window', 'true, as layer_types has sliding_attention', asked);
  const why = c.layer_types ? undefined : 'use_sliding_window is true';
  return windowsOf(types, c.sliding_window, maxContext, why);
}
