/**
 * Which experts of a layer lie in which strip of columns (docs/placement.md): the experts in the order of the
 * strips, the same number in each.
 */
export type ExpertOrder = 'contiguous' | 'in-turn' | 'popular' | 'apart';

/**
 * Numbers of `count` experts, strip after strip.
 * @param strips a divisor of `count`
 * @param history choices of tokens, by which `popular` and `apart` know experts that are chosen often, or together
 */
export function expertOrder(
  order: ExpertOrder,
  count: number,
  strips: number,
  history: readonly (readonly number[])[] = [],
): number[] {
  const all = Array.from({ length: count }, (_, expert) => expert);
  switch (order) {
    case 'contiguous':
      return all;
    case 'in-turn':
      return dealt(all, (i) => i % strips);
    case 'popular':
      return dealt(byPopularity(count, history), (i) => snake(i, strips));
    case 'apart':
      return apart(count, strips, history);
  }
}

/** Forth and back, so that no strip always has the most popular of those that are dealt in a turn. */
function snake(i: number, strips: number): number {
  const [turn, place] = [Math.floor(i / strips), i % strips];
  return turn % 2 === 0 ? place : strips - 1 - place;
}

/** Experts by strips, within each in the order in which they are given. */
function dealt(experts: readonly number[], stripOf: (i: number) => number): number[] {
  const found: number[][] = [];
  for (const [i, expert] of experts.entries()) (found[stripOf(i)] ??= []).push(expert);
  return found.flat();
}

/** The most often chosen first; of equal ones the lower number. */
function byPopularity(count: number, history: readonly (readonly number[])[]): number[] {
  const chosen = new Uint32Array(count);
  for (const choice of history) for (const expert of choice) chosen[expert]++;
  return Array.from(chosen.keys()).toSorted((a, b) => chosen[b] - chosen[a]);
}

/**
 * The most often chosen first, each into the strip whose experts were chosen with it the least often, of those
 * that have room; of equal ones that with the fewest experts, and then the first.
 */
function apart(count: number, strips: number, history: readonly (readonly number[])[]): number[] {
  const pairs = new Uint32Array(count * count);
  for (const choice of history)
    for (const a of choice) for (const b of choice) if (a !== b) pairs[a * count + b]++;
  const found = Array.from({ length: strips }, (): number[] => []);
  for (const expert of byPopularity(count, history)) {
    let best = { strip: -1, together: Infinity, size: Infinity };
    for (const [strip, held] of found.entries()) {
      if (held.length === count / strips) continue;
      let together = 0;
      for (const other of held) together += pairs[expert * count + other];
      const size = held.length;
      if (together < best.together || (together === best.together && size < best.size))
        best = { strip, together, size };
    }
    found[best.strip].push(expert);
  }
  return found.flat();
}
