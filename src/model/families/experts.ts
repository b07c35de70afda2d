/** Mixtures of experts: fields that families share, and what their numbers have to be. */
import { unexpected } from '../errors.js';
import { flag, whole } from '../fields.js';
import type { Act, ExpertsSpec, RouterSpec } from '../mlp-spec.js';

export const count = whole(65536);
export const width = whole(524288);

export const sparseFields = {
  norm_topk_prob: flag.nullish(),
  num_experts_per_tok: count,
  moe_intermediate_size: width,
};

/** A router that gives softmax shares of all experts but for what is said. */
export function routerSpec(of: Partial<RouterSpec>): RouterSpec {
  return {
    score: 'softmax',
    bias: 'none',
    renormalise: false,
    scale: 1,
    scalesInput: false,
    ownNorm: false,
    perExpertScale: false,
    ...of,
  };
}

interface Sizes {
  count: number;
  topK: number;
  inner: number;
  act: Act;
  router: RouterSpec;
}

/**
 * Experts, with checks of what the router chooses from.
 * @param names the fields that have the number of experts and how many are chosen
 */
export function expertsSpec(
  of: Sizes & Partial<ExpertsSpec>,
  names: { count: string; topK: string },
): ExpertsSpec {
  const { groups } = of.router;
  const open = groups ? (of.count / groups.count) * groups.keep : of.count;
  if (of.topK > open)
    throw unexpected(
      names.topK,
      groups
        ? `at most ${open}, the experts of topk_group = ${groups.keep} groups`
        : `at most ${names.count} = ${of.count}`,
      of.topK,
    );
  return { kind: 'experts', bias: false, ...of };
}

/** Groups of experts, if there are several and some are closed. */
export function groupsOf(
  experts: number,
  c: { n_group?: number | null | undefined; topk_group?: number | null | undefined },
  names: { count: string },
): RouterSpec['groups'] {
  const groups = c.n_group ?? 1;
  const keep = c.topk_group ?? groups;
  if (experts % groups !== 0)
    throw unexpected('n_group', `a divisor of ${names.count} = ${experts}`, groups);
  if (keep > groups) throw unexpected('topk_group', `at most n_group = ${groups}`, keep);
  if (groups === 1) return undefined;
  if (experts / groups < 2)
    throw unexpected('n_group', 'groups of two experts or more, as two judge a group', groups);
  return { count: groups, keep };
}

/** Which layers have experts, where every `decoder_sparse_step`-th has, but for `mlp_only_layers`. */
export function isSparse(
  c: {
    mlp_only_layers?: readonly number[] | null | undefined;
    decoder_sparse_step?: number | null | undefined;
  },
  experts: number,
): (layer: number) => boolean {
  const dense = new Set(c.mlp_only_layers ?? []);
  const step = c.decoder_sparse_step ?? 1;
  return (layer) => experts > 0 && !dense.has(layer) && (layer + 1) % step === 0;
}
