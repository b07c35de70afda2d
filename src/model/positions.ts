/** Positions that a run of a model may use, and the sliding window that bounds them. */
import { unexpected } from './errors.js';
import { MAX_WINDOW_LAYERS, type Family } from './families.js';
import type { ModelSpec } from './model.js';

/** How many, and what bounds them: those that the model has, or its window, since none slides yet. */
export function positionsOf({ name, maxContext, window }: ModelSpec): {
  most: number;
  why: string;
} {
  return window === undefined
    ? { most: maxContext, why: `${name} has ${maxContext} positions` }
    : {
        most: window,
        why: `${name} has a window of ${window} positions, which slides beyond and is then not modelled`,
      };
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
 * Positions from which on some layer does not attend to all of them; undefined if every layer always
 * does. Throws a ModelError where layers have a window of no size.
 */
export function windowOf(c: WindowFields, known: Family): number | undefined {
  const byType = c.layer_types?.includes('sliding_attention');
  if (byType === false || !(byType ?? askedFor(c, known))) return undefined;
  const size = c.sliding_window === undefined ? known.window : c.sliding_window;
  if (size) return size;
  if (!byType && !c.use_sliding_window) return undefined;
  const why = byType ? 'layer_types has sliding_attention' : 'use_sliding_window is true';
  throw unexpected('sliding_window', `a whole number from 1, as ${why}`, c.sliding_window);
}

/** Whether a file without `layer_types` has layers with a window, if there is a window. */
function askedFor(c: WindowFields, known: Family): boolean {
  if (!known.windowOnRequest) return c.use_sliding_window !== false;
  const fullLayers = c.max_window_layers ?? MAX_WINDOW_LAYERS;
  return c.use_sliding_window === true && fullLayers < c.num_hidden_layers;
}
