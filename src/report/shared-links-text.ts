/** One line on what the hand-offs of several users share with the work of other users. */
import type { SharedLinksResult } from './document.js';
import { count } from './format.js';

/** Pairs that are named; the document has all. */
const NAMED = 2;

/** Hand-offs that pass links of another stage, the costliest first: what that may cost, and how it is known. */
export function sharedLinksText({ pairs, cycles, cyclesAtMost }: SharedLinksResult): string {
  if (pairs.length === 0) return 'none that a hand-off passes is in use by another user then';
  const named = pairs
    .toSorted((a, b) => b.cyclesAtMost - a.cyclesAtMost || b.links - a.links)
    .slice(0, NAMED)
    .map(({ handOff, other, links }) => `${handOff} on ${count(links)} of ${other}`);
  const more = pairs.length > NAMED ? [`${count(pairs.length - NAMED)} more pairs`] : [];
  const cost = pairs.every(({ simulated }) => simulated)
    ? `${count(cycles)} of the cycles above come of it`
    : `not in the cycles above, as one program of all would be too large: at most ${count(cyclesAtMost)} per token`;
  return `hand-offs pass links in use by other users (${[...named, ...more].join(', ')}): ${cost}`;
}
