/** The engines by name. All give the same result for every program (test/engines-contract.test.ts). */
import type { Engine } from './engine.js';
import { fast } from './fast.js';
import { reference } from './reference.js';

export type EngineName = 'fast' | 'reference';

export const ENGINES: Record<EngineName, Engine> = { fast, reference };
