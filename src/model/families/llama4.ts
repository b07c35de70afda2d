/**
 * llama4_text: chunks, layers without rotary embedding, one expert of many whose input is scaled. Hugging Face
 * transformers, src/transformers/models/llama4/configuration_llama4.py.
 */
import { z } from 'zod';
import type { GqaSpec, Span } from '../attention-spec.js';
import { unexpected } from '../errors.js';
import { between, flag, parse, whole } from '../fields.js';
import { actOf, decoderFields, denseSpec, gqaSpec, headsOf, layerSpec, sizesOf } from './common.js';
import type { Family } from './common.js';
import { count, expertsSpec, routerSpec, width } from './experts.js';
import { maxContextOf, ropeOf } from './rope.js';
import { CHUNKED, FULL, each, layerTypes } from './spans.js';

const layer = whole(1024, 0);
const decoder = z.looseObject({
  ...decoderFields,
  num_local_experts: count,
  num_experts_per_tok: count,
  intermediate_size_mlp: width,
  interleave_moe_layer_step: whole(1024),
  moe_layers: z.array(layer, { error: 'a list of layers' }).nullish(),
  no_rope_layers: z.array(whole(1, 0), { error: 'a list of 0 and 1' }).nullish(),
  no_rope_layer_interval: whole(1024),
  attention_chunk_size: whole(2 ** 31).nullish(),
  use_qk_norm: flag,
  // The first files have a number for it.
  attn_temperature_tuning: z.union([flag, whole(1024, 0)], { error: 'true or false' }),
  floor_scale: between(1, 1e9),
  attn_scale: between(0, 1e3),
});
type Llama4Fields = z.infer<typeof decoder>;

export const llama4: Family = {
  defaults: {
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 131_072,
    rms_norm_eps: 1e-5,
    intermediate_size_mlp: 16_384,
    num_local_experts: 16,
    num_experts_per_tok: 1,
    interleave_moe_layer_step: 1,
    no_rope_layer_interval: 4,
    attention_chunk_size: 8192,
    use_qk_norm: true,
    attn_temperature_tuning: true,
    floor_scale: 8192,
    attn_scale: 0.1,
  },
  sizes: {
    vocab_size: 202_048,
    hidden_size: 5120,
    intermediate_size: 8192,
    num_hidden_layers: 48,
    num_attention_heads: 40,
  },
  fields: ['num_local_experts', 'attention_chunk_size', 'attention_bias', 'use_qk_norm'],
  read(fields, given) {
    const c = parse(decoder, fields);
    const heads = headsOf(c, given);
    const maxPositions = c.max_position_embeddings;
    const rope = ropeOf(c, {
      headDim: heads.headDim,
      maxPositions,
      theta: 500_000,
      pairs: 'neighbours',
    });
    const maxContext = maxContextOf(maxPositions, [rope]);
    const bias = c.attention_bias ?? false;
    const turns = turningLayers(c);
    const spans = spansOf(c, turns, maxContext);
    const sparse = sparseLayers(c);
    const [dense, experts] = [denseSpec(c.intermediate_size_mlp, actOf(c)), expertsIn(c)];
    const attentionOf = (of: number): GqaSpec =>
      gqaSpec({
        ...heads,
        span: spans[of],
        bias,
        outBias: bias,
        ...(turns[of] ? { rope, ...(c.use_qk_norm && AFTER) } : temperatureOf(c)),
      });
    const layers = each(c, (of) =>
      layerSpec({ attention: attentionOf(of), mlp: sparse.has(of) ? experts : dense }),
    );
    return { ...sizesOf(c), maxContext, layers };
  },
};

const AFTER = { qkNorm: 'head-after-rope' } as const;

function temperatureOf(c: Llama4Fields): Pick<GqaSpec, 'temperature'> {
  return c.attn_temperature_tuning
    ? { temperature: { floor: c.floor_scale, scale: c.attn_scale } }
    : {};
}

/** Whether each layer has rotary embedding; an empty list is none, as in the first files. */
function turningLayers(c: Llama4Fields): boolean[] {
  const { no_rope_layers: list, no_rope_layer_interval: interval } = c;
  if (!list || list.length === 0) return each(c, (of) => (of + 1) % interval !== 0);
  if (list.length < c.num_hidden_layers)
    throw unexpected(
      'no_rope_layers',
      `one for each of num_hidden_layers = ${c.num_hidden_layers}`,
      list.length,
    );
  return each(c, (of) => list[of] !== 0);
}

function spansOf(c: Llama4Fields, turns: readonly boolean[], maxContext: number): Span[] {
  const types = layerTypes(c, [CHUNKED, FULL], (of) => (turns[of] ? CHUNKED : FULL));
  const size = c.attention_chunk_size ?? maxContext;
  const full: Span = { kind: 'full' };
  const chunk: Span = size < maxContext ? { kind: 'chunk', size } : full;
  return types.map((type) => (type === CHUNKED ? chunk : full));
}

function sparseLayers(c: Llama4Fields): Set<number> {
  const { moe_layers: list, interleave_moe_layer_step: step } = c;
  const beyond = list?.find((of) => of >= c.num_hidden_layers);
  if (beyond !== undefined)
    throw unexpected(
      'moe_layers',
      `layers below num_hidden_layers = ${c.num_hidden_layers}`,
      beyond,
    );
  return new Set(list ?? each(c, (of) => of).filter((of) => (of + 1) % step === 0));
}

function expertsIn(c: Llama4Fields) {
  return expertsSpec(
    {
      count: c.num_local_experts,
      topK: c.num_experts_per_tok,
      inner: c.intermediate_size,
      act: actOf(c),
      router: routerSpec({ score: 'sigmoid', scalesInput: true }),
      shared: { inner: c.intermediate_size, gate: false },
    },
    { count: 'num_local_experts', topK: 'num_experts_per_tok' },
  );
}
