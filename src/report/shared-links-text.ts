/** One line on what the hand-offs of several users share with the work of other users. */
import type { SharedLinksResult } from './document.js';
import { count } from './format.js';

/** Pairs that are named; the document has all. */
const NAMED = 2;

/** Hand-offs that pass links of another stage, the costliest first: what that may cost, and how it is known. */
export function sharedLinksText({ pairs, cyclesAtMost }: SharedLinksResult): string {
  if (pairs.length === 0) return 'none that a hand-off passes is in use by another user then';
  const named = pairs
    .toSorted((a, b) => b.cyclesAtMost - a.cyclesAtMost)
    .slice(0, NAMED)
    .map(({ handOff, other, links }) => `${handOff} on ${count(links)} of ${other}`);
  const more = pairs.length > NAMED ? [`${count(pairs.length - NAMED)} more pairs`] : [];
  const known = pairs.every(({ simulated }) => simulated)
    ? 'simulated two by two'
    : pairs.some(({ simulated }) => simulated)
      ? 'simulated two by two, or bounded by a formula'
      : 'bounded by a formula';
  return (
    `hand-offs pass links in use by other users (${[...named, ...more].join(', ')}); not in the ` +
    `cycles above: at most ${count(cyclesAtMost)} per token, ${known}`
  );
}
