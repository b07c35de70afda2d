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
          isDense
            ? `All positions are attended to, where the published model attends to ${chosen} that an indexer chooses (model.indexer=dense): an upper bound of time and memory, whose numbers beyond ${chosen} positions are not the published model's. Its scores are found; nothing is chosen by them.`
            : `Beyond ${chosen} positions a layer attends to the ${chosen} with the largest scores, of equal ones the earliest: its indexer's own, or those of the last layer before that has an indexer. Up to ${chosen} all are chosen.`,
          ...(isDense
            ? []
            : [
                'Rows hold whatever positions were dealt to them, chosen or not. Scores of all of them are found, and those that are not chosen get no share: times do not depend on numbers, and are those of attention to all positions plus the choice.',
                'The least score that is chosen is found digit by digit of its number in memory, the same in every column, by how many scores come up to each number that a digit may lead to.',
              ]),
        ]),
  ];
}
