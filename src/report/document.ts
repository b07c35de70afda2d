/**
 * What a simulation says: one JSON document per run and per kernel. Everything outside `host` is a
 * function of the configuration alone. Later fields are added, never renamed. The types are those of the
 * schemas, which `wafersim schema` prints.
 */
export type * from './schema/check.js';
export type * from './schema/cycles.js';
export type * from './schema/decode.js';
export type * from './schema/kernel.js';
export type * from './schema/placement.js';
export type * from './schema/run.js';
export type * from './schema/speculation.js';
