/** A critical path as a player shows it: what it is spent on in words. */
import type { PathEntry } from './document.js';
import type { PathStep } from './page/player-text.js';
import { PATH_KINDS } from './why-text.js';

export function pathSteps(path: readonly PathEntry[]): PathStep[] {
  return path.map(({ operator, kind, x, y, from, to }) => {
    return { operator, what: PATH_KINDS[kind], x, y, from, to };
  });
}
