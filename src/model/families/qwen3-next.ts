/**
 * qwen3_next, qwen3_5 and qwen3_5_moe: gated delta nets, and now and then gated attention; norms whose weights
 * are added to one. Hugging Face transformers,
 * src/transformers/models/{qwen3_next,qwen3_5,qwen3_5_moe}/configuration_*.py.
 */
import { z } from 'zod';
import type { DeltaSpec, GqaSpec } from '../attention-spec.js';
import { unexpected } from '../errors.js';
import { flag, parse, whole, type Fields } from '../fields.js';
import type { MlpSpec } from '../mlp-spec.js';
import { actOf, decoderFields, denseSpec, gqaSpec, headsOf, layerSpec, sizesOf } from './common.js';
import type { Decoder, Family } from './common.js';
import { expertsSpec, isSparse, routerSpec, width } from './experts.js';
import { stepFields } from './qwen3-moe.js';
import { maxContextOf, ropeOf } from './rope.js';
import { FULL, LINEAR, each, layerTypes } from './spans.js';

const heads = whole(1024);
const linear = {
  linear_num_key_heads: heads,
  linear_num_value_heads: heads,
  linear_key_head_dim: heads,
  linear_value_head_dim: heads,
  linear_conv_kernel_dim: heads,
  full_attention_interval: heads.nullish(),
  attn_output_gate: flag.nullish(),
  mtp_num_hidden_layers: whole(64, 0).nullish(),
};
const decoder = z.looseObject({ ...decoderFields, ...linear });
const mixture = z.looseObject({ ...stepFields, shared_expert_intermediate_size: width });
type NextFields = z.infer<typeof decoder>;

function reader(mlpOf: (fields: Fields, c: NextFields) => MlpSpec[]): Family['read'] {
  return (fields: Fields, given: Fields): Decoder => {
    const c = parse(decoder, fields);
    checkGated(c);
    const own = headsOf(c, given);
    const maxPositions = c.max_position_embeddings;
    const rope = ropeOf(c, {
      headDim: own.headDim,
      maxPositions,
      theta: 10_000,
      part: 0.25,
      sections: true,
    });
    const attention: GqaSpec = gqaSpec({
      ...own,
      span: { kind: 'full' },
      qkNorm: 'head',
      gate: true,
      rope,
    });
    const delta = deltaOf(c);
    const interval = c.full_attention_interval ?? 4;
    const types = layerTypes(c, [LINEAR, FULL], (layer) =>
      (layer + 1) % interval === 0 ? FULL : LINEAR,
    );
    const mlps = mlpOf(fields, c);
    const layers = types.map((type, layer) =>
      layerSpec({ attention: type === FULL ? attention : delta, mlp: mlps[layer] }),
    );
    const drafts = c.mtp_num_hidden_layers ?? 0;
    return {
      ...sizesOf(c),
      maxContext: maxContextOf(maxPositions, [rope]),
      layers,
      normPlusOne: true,
      ...(drafts > 0 && {
        mtp: { layers: drafts, layer: layerSpec({ attention, mlp: mlps.at(-1)! }) },
      }),
    };
  };
}

function checkGated(c: NextFields): void {
  if (c.attention_bias)
    throw unexpected('attention_bias', 'false, as gated attention has no biases', true);
  if (c.attn_output_gate === false)
    throw unexpected('attn_output_gate', "true, as this family's attention is gated", false);
}

function deltaOf(c: NextFields): DeltaSpec {
  const { linear_num_key_heads: keyHeads, linear_num_value_heads: valueHeads } = c;
  if (valueHeads % keyHeads !== 0)
    throw unexpected(
      'linear_num_value_heads',
      `a multiple of linear_num_key_heads = ${keyHeads}`,
      valueHeads,
    );
  return {
    kind: 'delta',
    keyHeads,
    valueHeads,
    keyDim: c.linear_key_head_dim,
    valueDim: c.linear_value_head_dim,
    conv: c.linear_conv_kernel_dim,
  };
}

/** Experts with a shared one that has a gate of its own; `renormalise`: whatever the file says. */
function sparseMlps(renormalise?: true) {
  return (fields: Fields, c: NextFields): MlpSpec[] => {
    const m = parse(mixture, fields);
    const act = actOf(c);
    const sparse = isSparse(m, m.num_experts);
    const experts = () =>
      expertsSpec(
        {
          count: m.num_experts,
          topK: m.num_experts_per_tok,
          inner: m.moe_intermediate_size,
          act,
          router: routerSpec({ renormalise: renormalise ?? m.norm_topk_prob ?? true }),
          shared: { inner: m.shared_expert_intermediate_size, gate: true },
        },
        { count: 'num_experts', topK: 'num_experts_per_tok' },
      );
    return each(c, (layer) => (sparse(layer) ? experts() : denseSpec(c.intermediate_size, act)));
  };
}

const LINEAR_HEADS = {
  head_dim: 256,
  linear_num_key_heads: 16,
  linear_num_value_heads: 32,
  linear_key_head_dim: 128,
  linear_value_head_dim: 128,
  linear_conv_kernel_dim: 4,
};
const COMMON = { max_position_embeddings: 32_768, rms_norm_eps: 1e-6, ...LINEAR_HEADS };
const EXPERTS = { moe_intermediate_size: 512, shared_expert_intermediate_size: 512 };
const FIELDS = [
  ...['full_attention_interval', 'attn_output_gate', 'attention_bias', 'mtp_num_hidden_layers'],
  ...['num_experts', 'shared_expert_intermediate_size', 'use_qk_norm'],
];

export const qwen3Next: Family = {
  defaults: {
    ...COMMON,
    ...EXPERTS,
    intermediate_size: 5632,
    num_key_value_heads: 2,
    num_experts: 512,
    num_experts_per_tok: 10,
    norm_topk_prob: true,
  },
  sizes: {
    vocab_size: 151_936,
    hidden_size: 2048,
    num_hidden_layers: 48,
    num_attention_heads: 16,
  },
  fields: FIELDS,
  read: reader(sparseMlps()),
};

export const qwen35: Family = {
  defaults: { ...COMMON, num_key_value_heads: 4 },
  sizes: {
    vocab_size: 248_320,
    hidden_size: 4096,
    intermediate_size: 12_288,
    num_hidden_layers: 32,
    num_attention_heads: 16,
  },
  fields: FIELDS.filter((field) => !field.includes('expert')),
  read: reader((_, c) => {
    const mlp = denseSpec(c.intermediate_size, actOf(c));
    return each(c, () => mlp);
  }),
};

export const qwen35Moe: Family = {
  defaults: {
    ...COMMON,
    ...EXPERTS,
    // No layer of the family is dense.
    intermediate_size: 512,
    num_key_value_heads: 2,
    num_experts: 256,
    num_experts_per_tok: 8,
  },
  sizes: {
    vocab_size: 248_320,
    hidden_size: 2048,
    num_hidden_layers: 40,
    num_attention_heads: 16,
  },
  fields: FIELDS,
  read: reader(sparseMlps(true)),
};
