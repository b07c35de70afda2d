/** The mappings by name; `LOWERINGS` (lowering/lowering.ts) has their programs under the same names. */
import { gqa } from './gqa.js';
import type { Mapping } from './mapping.js';
import { waferllm } from './waferllm.js';

const mappings = { gqa, waferllm } satisfies Record<string, Mapping>;
export const MAPPINGS: Readonly<Record<keyof typeof mappings, Mapping>> = mappings;

export type MappingName = keyof typeof MAPPINGS;
export const MAPPING_NAMES = Object.keys(MAPPINGS) as MappingName[];
