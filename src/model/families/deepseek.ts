/**
 * deepseek_v3, kimi_k2, deepseek_v32 and glm_moe_dsa: latent attention, experts chosen in groups by corrected
 * sigmoids, and in the latter two an indexer of the positions to attend to. Hugging Face transformers,
 * src/transformers/models/{deepseek_v3,deepseek_v32,glm_moe_dsa}/configuration_*.py.
 */
import { z } from 'zod';
import type { LatentSpec, Rope } from '../attention-spec.js';
import { unexpected } from '../errors.js';
import { between, flag, name, parse, whole, type Fields } from '../fields.js';
import type { LayerSpec } from '../model.js';
import { actOf, decoderFields, denseSpec, layerSpec, sizesOf, type Family } from './common.js';
import { ROUTED, groupedExperts, groupedFields, sparseFrom } from './grouped.js';
import { isScaled, maxContextOf, ropeGroup, ropeOf } from './rope.js';
import { mscaleOf } from './rope-scaling.js';
import { each, listed } from './spans.js';

const rank = whole(65536);
const dim = whole(1024);
const decoder = z.looseObject({
  ...decoderFields,
  ...groupedFields,
  q_lora_rank: rank.nullish(),
  kv_lora_rank: rank,
  qk_nope_head_dim: dim,
  qk_rope_head_dim: dim,
  v_head_dim: dim,
  rope_interleave: flag.nullish(),
});
type LatentFields = z.infer<typeof decoder>;
type Indexers = (fields: Fields, c: LatentFields) => LatentSpec['indexer'][];

function reader(indexersOf: Indexers): Family['read'] {
  return (fields) => {
    const c = parse(decoder, fields);
    const maxPositions = c.max_position_embeddings;
    const rope = ropeOf(c, {
      headDim: c.qk_rope_head_dim,
      field: 'qk_rope_head_dim',
      maxPositions,
      theta: 10_000,
      pairs: (c.rope_interleave ?? true) ? 'neighbours' : 'halves',
    });
    const attention = latentOf(c, rope);
    const act = actOf(c);
    const sparse = sparseFrom(c);
    const experts = groupedExperts(c, act);
    const dense = denseSpec(c.intermediate_size, act);
    const indexers = indexersOf(fields, c);
    const layers = each(c, (layer): LayerSpec => {
      const { [layer]: indexer } = indexers;
      return layerSpec({
        attention: { ...attention, ...(indexer && { indexer }) },
        mlp: sparse[layer] ? experts : dense,
      });
    });
    const drafts = c.num_nextn_predict_layers ?? 0;
    const own = indexers.find((of) => of?.own);
    const last = layerSpec({
      attention: { ...attention, ...(own && { indexer: own }) },
      mlp: experts,
    });
    return {
      ...sizesOf(c),
      maxContext: maxContextOf(maxPositions, [rope]),
      layers,
      ...(drafts > 0 && { mtp: { layers: drafts, layer: last } }),
    };
  };
}

function latentOf(c: LatentFields, rope: Rope): LatentSpec {
  const { qk_nope_head_dim: nope, q_lora_rank: qRank } = c;
  return {
    kind: 'latent',
    heads: c.num_attention_heads,
    ...(typeof qRank === 'number' && { qRank }),
    kvRank: c.kv_lora_rank,
    nope,
    rope,
    value: c.v_head_dim,
    bias: c.attention_bias ?? false,
    scale: scoreScale(c) / Math.sqrt(nope + c.qk_rope_head_dim),
  };
}

const stretched = z.looseObject({
  factor: between(1, 1e6),
  mscale_all_dim: between(0, 1e3).nullish(),
});

/** What `mscale_all_dim` multiplies the scores by: the square of its amplitude. */
function scoreScale(c: LatentFields): number {
  const { group, fields } = ropeGroup(c);
  if (!isScaled(fields)) return 1;
  const { factor, mscale_all_dim: scale } = parse(stretched, fields, `${group}.`);
  return scale ? mscaleOf(factor, scale) ** 2 : 1;
}

const indexed = z.looseObject({
  index_n_heads: whole(1024),
  index_head_dim: dim,
  index_topk: whole(2 ** 24),
  indexer_rope_interleave: flag.nullish(),
  indexer_types: z.array(name, { error: 'a list of full and shared' }).nullish(),
  index_topk_pattern: z
    .union([z.string(), z.array(z.string())], {
      error: 'letters F and S, or a list of full and shared',
    })
    .nullish(),
  index_topk_freq: whole(1024, 0).nullish(),
  index_skip_topk_offset: whole(1024, 0).nullish(),
});

function indexers(pairsOtherwise: Rope['pairs'], shared: boolean): Indexers {
  return (fields, c) => {
    const i = parse(indexed, fields);
    if (i.index_head_dim < c.qk_rope_head_dim)
      throw unexpected(
        'index_head_dim',
        `at least qk_rope_head_dim = ${c.qk_rope_head_dim}`,
        i.index_head_dim,
      );
    if (c.q_lora_rank === null)
      throw unexpected('q_lora_rank', 'a whole number, as the indexer reads that latent', null);
    const given = i.indexer_rope_interleave;
    const pairs = (given ?? pairsOtherwise === 'neighbours') ? 'neighbours' : 'halves';
    const { index_n_heads: heads, index_head_dim: width, index_topk: topK } = i;
    const owns = shared ? indexerTypes(i, c) : each(c, () => 'full');
    return owns.map((type) => ({ heads, dim: width, topK, own: type === 'full', pairs }));
  };
}

/** Layers with an indexer: by list, by a pattern of letters, or every so many from an offset on. */
function indexerTypes(i: z.infer<typeof indexed>, c: LatentFields): string[] {
  const { index_topk_pattern: pattern } = i;
  const letters = typeof pattern === 'string' ? pattern.split('').map(ofLetter) : pattern;
  const known = ['full', 'shared'];
  const list =
    listed('indexer_types', i.indexer_types, c.num_hidden_layers, known) ??
    listed('index_topk_pattern', letters, c.num_hidden_layers, known);
  const every = Math.max(i.index_topk_freq ?? 1, 1);
  const offset = i.index_skip_topk_offset ?? 2;
  const types =
    list ?? each(c, (layer) => (Math.max(layer - offset + 1, 0) % every === 0 ? 'full' : 'shared'));
  if (types[0] !== 'full')
    throw unexpected('indexer_types', 'full in the first layer, as none is before it', types[0]);
  return types;
}

function ofLetter(letter: string): string {
  return letter === 'F' ? 'full' : letter === 'S' ? 'shared' : letter;
}

const COMMON = {
  rms_norm_eps: 1e-6,
  n_routed_experts: 256,
  n_shared_experts: 1,
  num_experts_per_tok: 8,
  moe_intermediate_size: 2048,
  routed_scaling_factor: 2.5,
  norm_topk_prob: true,
  first_k_dense_replace: 3,
  n_group: 8,
  topk_group: 4,
  q_lora_rank: 1536,
  kv_lora_rank: 512,
  qk_nope_head_dim: 128,
  qk_rope_head_dim: 64,
  v_head_dim: 128,
};
const SIZES = {
  vocab_size: 129_280,
  hidden_size: 7168,
  intermediate_size: 18_432,
  num_hidden_layers: 61,
  num_attention_heads: 128,
};
const FIELDS = [
  ...['n_routed_experts', 'kv_lora_rank', 'q_lora_rank', 'attention_bias', 'rope_interleave'],
  'num_nextn_predict_layers',
];

export const deepseekV3: Family = {
  defaults: { ...COMMON, max_position_embeddings: 4096 },
  sizes: SIZES,
  fields: FIELDS,
  aliases: ROUTED,
  read: reader(() => []),
};

export const deepseekV32: Family = {
  defaults: {
    ...COMMON,
    max_position_embeddings: 163_840,
    index_n_heads: 64,
    index_head_dim: 128,
    index_topk: 2048,
  },
  sizes: SIZES,
  fields: [...FIELDS, 'index_topk'],
  aliases: { ...ROUTED, num_experts: 'n_routed_experts' },
  read: reader(indexers('halves', false)),
};

export const glmMoeDsa: Family = {
  defaults: {
    ...deepseekV32.defaults,
    max_position_embeddings: 202_752,
    rms_norm_eps: 1e-5,
    n_group: 1,
    topk_group: 1,
    q_lora_rank: 2048,
    qk_nope_head_dim: 192,
    v_head_dim: 256,
    index_n_heads: 32,
  },
  sizes: {
    vocab_size: 154_880,
    hidden_size: 6144,
    intermediate_size: 12_288,
    num_hidden_layers: 78,
    num_attention_heads: 64,
  },
  fields: deepseekV32.fields,
  aliases: deepseekV32.aliases!,
  read: reader(indexers('neighbours', true)),
};
