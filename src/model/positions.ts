/** Positions that a run of a model may use, and the sliding window that bounds them. */
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
