/** The families that are read, by `model_type`; a multimodal model's text has a type of its own. */
import { deepseekV3, deepseekV32, glmMoeDsa } from './deepseek.js';
import type { Family } from './common.js';
import { gemma2, gemma3 } from './gemma2.js';
import { gemma4 } from './gemma4.js';
import { glm4Moe } from './glm4-moe.js';
import { gptOss } from './gpt-oss.js';
import { llama, mistral, olmo2, qwen2, qwen3 } from './llama.js';
import { llama4 } from './llama4.js';
import { mixtral } from './mixtral.js';
import { phi3 } from './phi3.js';
import { qwen3Moe } from './qwen3-moe.js';
import { qwen3Next, qwen35, qwen35Moe } from './qwen3-next.js';

export const FAMILIES: Readonly<Record<string, Family>> = {
  llama,
  mistral,
  qwen2,
  qwen3,
  phi3,
  olmo2,
  gemma2,
  gemma3,
  gemma4,
  mixtral,
  qwen3_moe: qwen3Moe,
  gpt_oss: gptOss,
  deepseek_v3: deepseekV3,
  kimi_k2: deepseekV3,
  deepseek_v32: deepseekV32,
  glm_moe_dsa: glmMoeDsa,
  glm4_moe: glm4Moe,
  llama4,
  qwen3_next: qwen3Next,
  qwen3_5: qwen35,
  qwen3_5_moe: qwen35Moe,
};

/** A family by the name of its text model, or by that of the multimodal one around it. */
export function familyName(type: unknown): string | undefined {
  if (typeof type !== 'string') return undefined;
  const name = type.replace(/_text$/, '');
  return Object.hasOwn(FAMILIES, name) ? name : undefined;
}
