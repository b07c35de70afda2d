/** The draft of a speculating run as a run of its own: its model in place of the one whose tokens are verified. */
import type { ResolvedConfig } from '../../config.js';
import type { ModelSpec } from '../../model/model.js';
import { mtpModel } from '../../model/mtp.js';

/** The model that drafts; none where the host looks tokens up, and none where nothing is drafted. */
export function draftModelOf({
  model,
  workload: { speculation },
}: Pick<ResolvedConfig, 'model' | 'workload'>): ModelSpec | undefined {
  if (speculation === undefined || speculation.tokens === 1) return undefined;
  const { draft } = speculation;
  switch (draft.kind) {
    case 'model':
      return draft.model;
    case 'mtp':
      return mtpModel(model, draft.assumed);
    case 'ngram':
      return undefined;
  }
}

/** What only the model itself was asked for: sizes of its regions, groups of its lines, its experts' places. */
const OWN = ['rows', 'layerColumns', 'groups'] as const;

/**
 * The run's configuration with the draft's model, which is placed and simulated like any. Its positions are the
 * model's; its regions are as large as fills their share of the wafers, or as is asked for.
 */
export function draftConfigOf(config: ResolvedConfig): ResolvedConfig | undefined {
  const model = draftModelOf(config);
  if (model === undefined) return undefined;
  const { draft } = config.workload.speculation!;
  const { weights: _, latent: __, ...rest } = config;
  const placement = { ...config.placement, kvReplicas: 'auto' as const, layers: 'auto' as const };
  for (const key of OWN) delete placement[key];
  return {
    ...rest,
    model,
    modelFile: draft.kind === 'model' ? draft.modelFile : config.modelFile,
    ...(draft.kind === 'model' && draft.weights && { weights: draft.weights }),
    placement: {
      ...placement,
      growth: config.placement.growth === 'minimal' ? 'minimal' : 'fill',
      experts: 'sliced',
      strips: 'auto',
    },
  };
}
