/** The rules that a simulation of latent attention rests on, in words. */
import type { LayerSpec } from '../model/model.js';

/** How latent attention, and its indexers, are done, in words. */
export function latentRules(kinds: readonly LayerSpec[]): string[] {
  const attentions = kinds.flatMap(({ attention }) =>
    attention.kind === 'latent' ? [attention] : [],
  );
  if (attentions.length === 0) return [];
  const indexers = attentions.flatMap(({ indexer }) => (indexer ? [indexer] : []));
  const [chosen] = indexers.map(({ topK }) => topK);
  const isDense = indexers.some(({ dense }) => dense);
  return [
    'The cache of latent attention has keys and values of every head, or on the columns of each group of heads the latent vectors and rotary keys; the key and value matrices of heads are then multiplied with queries and with what was attended to (mapping.latent).',
    'What rows have and columns want is added up along the columns, each row with its own part; a core finds its part by an address that it keeps as a number.',
    ...(indexers.length === 0
      ? []
      : [
          'An indexer finds its scores of all positions and keeps their keys; what it takes to choose the best of them is not simulated.',
          isDense
            ? `All positions are attended to, where the published model attends to ${chosen} that an indexer chooses (model.indexer=dense): an upper bound of time and memory, whose numbers beyond ${chosen} positions are not the published model's.`
            : `Up to ${chosen} positions an indexer chooses all of them, so that attention to all is exact; longer runs are refused.`,
        ]),
  ];
}
