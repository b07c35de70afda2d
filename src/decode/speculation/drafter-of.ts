/** What drafts for a run that computes, as `workload.speculation` asks for it. */
import type { ResolvedConfig } from '../../config.js';
import { seededRandom } from '../../numeric/random.js';
import type { Placement } from '../../placement/placement.js';
import { mtpWeightsOf, type Numbers } from '../compute.js';
import type { SimulateOptions } from '../options.js';
import type { Runner } from '../runner.js';
import { createDraftModel, createMtpLayer } from './draft-model.js';
import { ngramDrafter, seededDrafter, type Drafter } from './drafters.js';

/** A draft model: the run's configuration with it in place of the run's own, and where it is placed. */
export interface PlacedDraft {
  config: ResolvedConfig;
  placement: Placement;
}

/**
 * What computes the drafted tokens where their acceptance is measured; else tokens that are right by the chances asked.
 * @param numbers of the model that verifies
 * @param draft where another model drafts
 */
export async function drafterOf(
  config: ResolvedConfig,
  { plain, model, hiddens = [] }: Pick<Numbers, 'plain' | 'model' | 'hiddens'>,
  draft: PlacedDraft | undefined,
  options: SimulateOptions & { runner: Runner },
): Promise<Drafter> {
  const { speculation, seed } = config.workload;
  if (speculation === undefined) throw new TypeError('nothing is drafted');
  const { acceptance, draft: asked } = speculation;
  if (acceptance !== 'measured')
    return seededDrafter(plain, model.vocab, acceptance, seededRandom(`drafts ${seed}`));
  if (asked.kind === 'ngram') return ngramDrafter(asked.n);
  if (draft === undefined) throw new TypeError('a draft that computes has no placement');
  if (asked.kind === 'mtp')
    return createMtpLayer(draft.config, draft.placement, options, hiddens, mtpWeightsOf(config));
  return createDraftModel(draft.config, draft.placement, options);
}
