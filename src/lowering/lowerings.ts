/** The lowerings by name; `MAPPINGS` (mapping/mappings.ts) has what they hold to under the same names. */
import type { MappingName } from '../mapping/mappings.js';
import { gqaMemory } from './images.js';
import type { Lowering } from './lowering.js';
import { planToken } from './token.js';
import { planRepeated, waferllmMemory } from './waferllm/plan.js';

export const LOWERINGS: Record<MappingName, Lowering> = {
  gqa: { plan: planToken, images: gqaMemory },
  waferllm: { plan: planRepeated, images: waferllmMemory },
};
