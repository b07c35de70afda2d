/** Positions that a run of a model may use, and the sliding window that bounds them. */
import { unexpected } from './errors.js';
import { MAX_WINDOW_LAYERS, type Family } from './families.js';
import type { Span } from './attention-spec.js';
import type { ModelSpec } from './model.js';

/** How many, and what bounds them: those that the model has, or its window, since none slides yet. */
export function positionsOf(model: ModelSpec): { most: number; why: string } {
  const { name, maxContext } = model;
  const window = leastWindow(model);
  return window === undefined
    ? { most: maxContext, why: `${name} has ${maxContext} positions` }
    : {
        most: window,
        why: `${name} has a window of ${window} positions, which slides beyond and is then not modelled`,
      };
}

/** Positions from which on some layer does not attend to all of them; undefined if every layer always does. */
function leastWindow({ kinds }: ModelSpec): number | undefined {
  const sizes = kinds.flatMap(({ attention: of }) =>
    of.kind === 'gqa' && of.span.kind !== 'full' ? [of.span.size] : [],
  );
  return sizes.length > 0 ? Math.min(...sizes) : undefined;
}

/**
 * Sliding-window attention as files ask for it: in layers with a window a token attends to the last
 * `sliding_window` positions, its own included, so that nothing changes up to that many positions.
 * Hugging Face transformers, src/transformers/masking_utils.py, `sliding_window_overlay`, and
 * src/transformers/models/qwen3/configuration_qwen3.py for `max_window_layers`.
 */
export interface WindowFields {
  num_hidden_layers: number;
  sliding_window?: number | null | undefined;
  use_sliding_window?: boolean | null | undefined;
  max_window_layers?: number | null | undefined;
  layer_types?: string[] | null | undefined;
}

/**
 * Which positions each layer attends to. A window as long as `maxContext` is none. Throws a ModelError where
 * layers have a window of no size.
 */
export function spansOf(c: WindowFields, known: Family, maxContext: number): Span[] {
  const { num_hidden_layers: layers, layer_types: types } = c;
  const slides = Array.from({ length: layers }, (_, layer) =>
    types ? types[layer] === 'sliding_attention' : slidesUnasked(c, known, layer),
  );
  const full: Span = { kind: 'full' };
  if (!slides.includes(true)) return slides.map(() => full);
  const size = c.sliding_window === undefined ? known.window : c.sliding_window;
  if (!size && !types && !c.use_sliding_window) return slides.map(() => full);
  if (!size) {
    const why = types ? 'layer_types has sliding_attention' : 'use_sliding_window is true';
    throw unexpected('sliding_window', `a whole number from 1, as ${why}`, c.sliding_window);
  }
  const window: Span = size < maxContext ? { kind: 'window', size } : full;
  return slides.map((of) => (of ? window : full));
}

/** Whether a layer of a file without `layer_types` has a window, if there is a window. */
function slidesUnasked(c: WindowFields, known: Family, layer: number): boolean {
  if (!known.windowOnRequest) return c.use_sliding_window !== false;
  return c.use_sliding_window === true && layer >= (c.max_window_layers ?? MAX_WINDOW_LAYERS);
}
