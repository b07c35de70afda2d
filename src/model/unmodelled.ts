/**
 * What published `config.json` files may ask for and the simulator has no kernels for. Each such
 * field is refused by its name and never left out in silence. Names as in Hugging Face transformers:
 * https://huggingface.co/docs/transformers/main_classes/configuration
 */
import { ModelError, show } from './errors.js';
import { FAMILIES, type Family } from './families.js';
import { at, isFields, type Fields } from './fields.js';
import { ropeGroups, ropeTypeOf, ROPE_TYPES } from './rope-config.js';

/** Field -> what it stands for; refused unless absent, null, false or 0. */
const UNMODELLED: Record<string, string> = {
  text_config: 'several models in one file',
  vision_config: 'an image encoder',
  audio_config: 'an audio encoder',
  num_experts: 'mixture of experts',
  num_local_experts: 'mixture of experts',
  n_routed_experts: 'mixture of experts',
  enable_moe_block: 'mixture of experts',
  kv_lora_rank: 'multi-head latent attention',
  q_lora_rank: 'multi-head latent attention',
  index_topk: 'sparse attention',
  attention_chunk_size: 'chunked attention',
  full_attention_interval: 'linear attention',
  attn_output_gate: 'gated attention',
  attention_bias: 'biases in attention',
  qkv_bias: 'biases in attention',
  mlp_bias: 'biases in the MLP',
  attn_logit_softcapping: 'capped scores',
  final_logit_softcapping: 'capped logits',
  swiglu_limit: 'a clamped MLP',
  rope_interleave: 'rotary pairs of neighbours',
  num_nextn_predict_layers: 'multi-token prediction',
  mtp_num_hidden_layers: 'multi-token prediction',
};

/** What a layer's attention may be; windowed layers only where no position reaches the window. */
const LAYER_TYPES: readonly unknown[] = ['full_attention', 'sliding_attention'];

/** Families of dense decoders that differ in what none of their fields says. */
const OTHER_FAMILIES: Record<string, string> = {
  qwen2: 'biases in attention',
};

/** The family of a model that can be simulated. Throws a ModelError that names all that cannot. */
export function familyOf(config: Fields): Family {
  const found = [...unmodelledFields(config)];
  const type = config['model_type'];
  const family = typeof type === 'string' && Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : null;
  if (!family) found.push({ field: 'model_type', why: whyUnknown(type) });
  if (found.length === 0) return family!;
  const list = found.map(({ field, why }) => `${field} = ${show(at(config, field))} (${why})`);
  throw new ModelError(
    `${found[0].field}: expected a dense Llama-like decoder, found ${list.join('; ')}`,
    found[0].field,
  );
}

function whyUnknown(type: unknown): string {
  if (typeof type === 'string' && Object.hasOwn(OTHER_FAMILIES, type)) return OTHER_FAMILIES[type];
  return `known are ${Object.keys(FAMILIES).join(', ')}`;
}

function* unmodelledFields(config: Fields): Generator<{ field: string; why: string }> {
  for (const [field, why] of Object.entries(UNMODELLED))
    if (inUse(config[field])) yield { field, why };
  if (config['use_qk_norm'] === true && config['model_type'] !== 'qwen3')
    yield { field: 'use_qk_norm', why: 'query and key normalisation outside Qwen3' };
  const types = config['layer_types'] ?? [];
  if (!Array.isArray(types) || types.some((type) => !LAYER_TYPES.includes(type)))
    yield { field: 'layer_types', why: `only ${LAYER_TYPES.join(' and ')}` };
  for (const field of ['hidden_act', 'hidden_activation'])
    if ((config[field] ?? 'silu') !== 'silu') yield { field, why: 'only silu' };
  yield* unmodelledRope(config);
}

function* unmodelledRope(config: Fields): Generator<{ field: string; why: string }> {
  if ((config['partial_rotary_factor'] ?? 1) !== 1)
    yield { field: 'partial_rotary_factor', why: 'partial rotary embedding' };
  for (const [group, rope] of ropeGroups(config)) {
    if (!isFields(rope)) continue;
    const [key, type] = ropeTypeOf(rope);
    if (type !== undefined && !ROPE_TYPES.includes(type))
      yield { field: `${group}.${key}`, why: `only ${ROPE_TYPES.join(', ')}` };
    if ((rope['partial_rotary_factor'] ?? 1) !== 1)
      yield { field: `${group}.partial_rotary_factor`, why: 'partial rotary embedding' };
    if (inUse(rope['mrope_section']))
      yield { field: `${group}.mrope_section`, why: 'multimodal rotary embedding' };
  }
}

function inUse(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0;
}
