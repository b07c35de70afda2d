/** Positions that a run of a model may use. */
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
