/**
 * Which tensors are where, by family. Names are those of Hugging Face transformers,
 * src/transformers/models/*\/modeling_*.py, after `model.layers.N.`, without `.weight`.
 */

/** What a family's files have otherwise than Llama's. */
export interface Names {
  norms: {
    attention: string;
    attentionOut?: string;
    mlp: string;
    mlpOut?: string;
  };
  /** Queries, keys and values in one matrix; gates and ups of the dense MLP in another. */
  qkv?: string;
  gateUp?: string;
  mlp: string;
  router: string;
  /** The three matrices of one expert. */
  expert: { gate: string; up: string; down: string };
  shared: string;
  /**
   * How all experts of a layer lie in one tensor each, if they do: gates and ups by rows (outputs first), by
   * columns (inputs first) one after the other, or by columns in turn.
   */
  fused: 'rows' | 'columns' | 'interleaved';
}

const LLAMA: Names = {
  norms: { attention: 'input_layernorm', mlp: 'post_attention_layernorm' },
  mlp: 'mlp',
  router: 'mlp.gate',
  expert: { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
  shared: 'mlp.shared_experts',
  fused: 'rows',
};

const GEMMA: Names = {
  ...LLAMA,
  norms: {
    attention: 'input_layernorm',
    attentionOut: 'post_attention_layernorm',
    mlp: 'pre_feedforward_layernorm',
    mlpOut: 'post_feedforward_layernorm',
  },
};

const ONE_SHARED: Names = { ...LLAMA, shared: 'mlp.shared_expert' };

/** By `model_type`, without the `_text` of a model within another. */
const FAMILIES: Readonly<Record<string, Names>> = {
  phi3: { ...LLAMA, qkv: 'self_attn.qkv_proj', gateUp: 'mlp.gate_up_proj' },
  olmo2: { ...LLAMA, norms: { ...GEMMA.norms, attention: '', mlp: '' } },
  gemma2: GEMMA,
  gemma3: GEMMA,
  gemma4: { ...GEMMA, router: 'router.proj' },
  mixtral: {
    ...LLAMA,
    mlp: 'block_sparse_moe',
    router: 'block_sparse_moe.gate',
    expert: { gate: 'w1', up: 'w3', down: 'w2' },
  },
  gpt_oss: { ...LLAMA, router: 'mlp.router', fused: 'interleaved' },
  llama4: {
    ...LLAMA,
    mlp: 'feed_forward',
    router: 'feed_forward.router',
    shared: 'feed_forward.shared_expert',
    fused: 'columns',
  },
  qwen3_next: ONE_SHARED,
  qwen3_5: ONE_SHARED,
  qwen3_5_moe: ONE_SHARED,
};

export function namesOf(family: string): Names {
  const name = family.replace(/_text$/, '');
  return Object.hasOwn(FAMILIES, name) ? FAMILIES[name] : LLAMA;
}
