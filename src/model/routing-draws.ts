/**
 * Choices of experts that are not computed: drawn for tokens whose numbers nobody knows, or taken from a trace of
 * real ones. Experts are drawn one after the other without putting back, each as often as its weight says among
 * those that are left; of experts in groups the groups are drawn first, by the sums of their weights.
 */
import { seededRandom } from '../numeric/random.js';
import type { ExpertsSpec } from './mlp-spec.js';
import { layerOf, type ModelSpec } from './model.js';
import type { ChosenExperts } from './plain/decoder.js';

/** How choices are had: drawn alike for all experts, by popularity, or by lines of a file. */
export type RoutingSource =
  | { kind: 'uniform' }
  /** The most popular expert of a layer has this many times the mean of all weights. */
  | { kind: 'skewed'; ratio: number }
  | { kind: 'trace'; tokens: readonly ChosenExperts[] };

/** Where tokens are drawn from whose choices say which experts are popular: no token of them is one of a run. */
const HISTORY = 1024;

export interface RoutingDraws {
  /** The choices of so many tokens of a run, fewer if a trace has no more. */
  tokens: ChosenExperts[];
  /** Those of other tokens, by which experts are dealt to strips. */
  history: () => ChosenExperts[];
}

/**
 * @param count tokens that are asked for
 * @param learns whether others are needed too: of a trace those are its first half, and no token is of both
 */
export function drawRouting(
  model: ModelSpec,
  source: RoutingSource,
  { seed, count, learns }: { seed: number; count: number; learns: boolean },
): RoutingDraws {
  if (source.kind === 'trace') {
    const half = learns ? Math.floor(source.tokens.length / 2) : 0;
    const random = seededRandom(`routing ${seed} of a trace`);
    const rest = shuffled(source.tokens.slice(half), random);
    return { tokens: rest.slice(0, count), history: () => source.tokens.slice(0, half) };
  }
  const weights = weightsOf(model, source, seed);
  const token = (name: string): ChosenExperts => {
    const random = seededRandom(name);
    return model.layers.map((_, layer) => {
      const { mlp } = layerOf(model, layer);
      return mlp.kind === 'experts' ? drawExperts(mlp, weights[layer]!, random) : undefined;
    });
  };
  const named = (length: number, what: string) =>
    Array.from({ length }, (_, i) => token(`routing ${seed} ${what} ${i}`));
  return { tokens: named(count, 'token'), history: () => named(HISTORY, 'history') };
}

/** What each expert of each layer is drawn by; which of them are popular differs from layer to layer. */
function weightsOf(model: ModelSpec, source: RoutingSource, seed: number) {
  return model.layers.map((_, layer) => {
    const { mlp } = layerOf(model, layer);
    if (mlp.kind !== 'experts') return undefined;
    if (source.kind !== 'skewed') return Array.from({ length: mlp.count }, () => 1);
    const random = seededRandom(`routing ${seed} popularity of layer ${layer}`);
    return shuffled(popularity(mlp.count, source.ratio), random);
  });
}

/**
 * Weights 1 / (rank + c) of experts by rank from 0 on, with c such that the first has `ratio` times the mean of
 * all; of a ratio of 1 or less all alike, of one that is out of reach as near as can be.
 */
export function popularity(count: number, ratio: number): number[] {
  const of = (c: number) => Array.from({ length: count }, (_, rank) => 1 / (rank + c));
  const ratioOf = (weights: number[]) =>
    (weights[0] * count) / weights.reduce((sum, weight) => sum + weight, 0);
  if (ratio <= 1) return Array.from({ length: count }, () => 1);
  // The ratio falls from the number of experts to 1 as c grows.
  let [low, high] = [-20, 40];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (ratioOf(of(2 ** middle)) > ratio) low = middle;
    else high = middle;
  }
  return of(2 ** high);
}

/** Numbers of a token's experts in the order in which they were drawn. */
export function drawExperts(
  { topK, router: { groups } }: Pick<ExpertsSpec, 'topK' | 'router'>,
  weights: readonly number[],
  random: () => number,
): number[] {
  if (groups === undefined) return drawn(weights, topK, random);
  const size = weights.length / groups.count;
  const groupOf = (expert: number) => Math.floor(expert / size);
  const sums = Array.from({ length: groups.count }, () => 0);
  for (const [expert, weight] of weights.entries()) sums[groupOf(expert)] += weight;
  const open = new Set(drawn(sums, groups.keep, random));
  const among = weights.map((weight, expert) => (open.has(groupOf(expert)) ? weight : 0));
  return drawn(among, topK, random);
}

/** Numbers drawn one after the other, each by its weight among those that are left. */
function drawn(weights: readonly number[], count: number, random: () => number): number[] {
  const left = [...weights];
  return Array.from({ length: count }, () => {
    const sum = left.reduce((all, weight) => all + weight, 0);
    let rest = random() * sum;
    let found = -1;
    for (const [i, weight] of left.entries()) {
      if (weight === 0) continue;
      found = i;
      rest -= weight;
      if (rest < 0) break;
    }
    left[found] = 0;
    return found;
  });
}

/** Fisher and Yates. */
function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const all = [...values];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}
