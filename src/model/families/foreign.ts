/**
 * Fields of other architectures: what a file may ask for that its family does not have. Each is refused by its
 * name and never left out in silence. Names as in Hugging Face transformers:
 * https://huggingface.co/docs/transformers/main_classes/configuration
 */
import { ModelError, show } from '../errors.js';
import { isFields, type Fields } from '../fields.js';
import type { Family } from './common.js';

/** Field -> what it stands for; in use unless absent, null, false, 0 or empty. */
const ARCHITECTURE: Record<string, string> = {
  num_experts: 'mixture of experts',
  num_local_experts: 'mixture of experts',
  n_routed_experts: 'mixture of experts',
  enable_moe_block: 'mixture of experts',
  shared_expert_intermediate_size: 'mixture of experts',
  kv_lora_rank: 'multi-head latent attention',
  q_lora_rank: 'multi-head latent attention',
  index_topk: 'sparse attention',
  attention_chunk_size: 'chunked attention',
  full_attention_interval: 'linear attention',
  attn_output_gate: 'gated attention',
  attention_bias: 'biases in attention',
  qkv_bias: 'biases in attention',
  mlp_bias: 'biases in the MLP',
  use_qk_norm: 'query and key normalisation',
  attn_logit_softcapping: 'capped scores',
  final_logit_softcapping: 'capped logits',
  swiglu_limit: 'a clamped MLP',
  rope_interleave: 'rotary pairs of neighbours',
  num_nextn_predict_layers: 'multi-token prediction',
  mtp_num_hidden_layers: 'multi-token prediction',
  per_layer_config: 'layers of sizes of their own',
};

/** Throws a ModelError that names all that the family does not have. */
export function refuseForeign(config: Fields, family: Family, name: string): void {
  const found = Object.entries(ARCHITECTURE).filter(
    ([field]) => !family.fields.includes(field) && isInUse(config[field]),
  );
  if (found.length === 0) return;
  const list = found.map(([field, why]) => `${field} = ${show(config[field])} (${why})`);
  const [[field]] = found;
  throw new ModelError(
    `${field}: expected none in a model of the family ${name}, found ${list.join('; ')}`,
    field,
  );
}

export function isInUse(value: unknown): boolean {
  if (isFields(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false && value !== 0;
}
