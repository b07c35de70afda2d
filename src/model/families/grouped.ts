/** Experts as DeepSeek-V3 chooses them, by corrected sigmoids and in groups; glm4_moe's are chosen alike. */
import { z } from 'zod';
import { unexpected } from '../errors.js';
import { between, flag, name, whole } from '../fields.js';
import type { Act, ExpertsSpec } from '../mlp-spec.js';
import { count, expertsSpec, groupsOf, routerSpec, sparseFields } from './experts.js';
import { each, listed } from './spans.js';

export const groupedFields = {
  ...sparseFields,
  norm_topk_prob: flag,
  n_routed_experts: count,
  n_shared_experts: whole(1024, 0).nullish(),
  n_group: count.nullish(),
  topk_group: count.nullish(),
  routed_scaling_factor: between(1e-6, 1e6),
  first_k_dense_replace: whole(1024, 0),
  moe_layer_freq: count.nullish(),
  mlp_layer_types: z.array(name, { error: 'a list of dense and sparse' }).nullish(),
  scoring_func: name.nullish(),
  topk_method: name.nullish(),
  num_nextn_predict_layers: whole(64, 0).nullish(),
};
/** The other name of the number of experts. */
export const ROUTED = { num_local_experts: 'n_routed_experts' };

const grouped = z.looseObject({ ...groupedFields, num_hidden_layers: count });
type GroupedFields = z.infer<typeof grouped>;

export function groupedExperts(c: GroupedFields, act: Act): ExpertsSpec {
  only(c, 'scoring_func', 'sigmoid');
  only(c, 'topk_method', 'noaux_tc');
  const { n_routed_experts: experts, moe_intermediate_size: inner, n_shared_experts: shared } = c;
  const names = { count: 'n_routed_experts', topK: 'num_experts_per_tok' };
  const groups = groupsOf(experts, c, names);
  const router = routerSpec({
    score: 'sigmoid',
    bias: 'choice',
    renormalise: c.norm_topk_prob,
    scale: c.routed_scaling_factor,
    ...(groups && { groups }),
  });
  return expertsSpec(
    {
      count: experts,
      topK: c.num_experts_per_tok,
      inner,
      act,
      router,
      ...(shared && { shared: { inner: inner * shared, gate: false } }),
    },
    names,
  );
}

/** Whether each layer has experts: those from `first_k_dense_replace` on, or what `mlp_layer_types` says. */
export function sparseFrom(c: GroupedFields): boolean[] {
  if ((c.moe_layer_freq ?? 1) !== 1)
    throw unexpected('moe_layer_freq', '1, experts in every layer', c.moe_layer_freq);
  const types = listed('mlp_layer_types', c.mlp_layer_types, c.num_hidden_layers, [
    'dense',
    'sparse',
  ]);
  return types?.map((type) => type === 'sparse') ?? each(c, (at) => at >= c.first_k_dense_replace);
}

function only(c: GroupedFields, field: 'scoring_func' | 'topk_method', value: string): void {
  if ((c[field] ?? value) !== value)
    throw unexpected(field, `${value}, the one that is known of this family`, c[field]);
}
