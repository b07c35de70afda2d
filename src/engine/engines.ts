/** The engines by name. All give the same result for every program (test/engines-contract.test.ts). */
import type { Engine, SlicedEngine } from './engine.js';
import { fast, startFast } from './fast/fast.js';
import { reference, startReference } from './reference/reference.js';

export type EngineName = 'fast' | 'reference';

export const ENGINES: Record<EngineName, Engine> = { fast, reference };

/** The same in slices. */
export const SLICED_ENGINES: Record<EngineName, SlicedEngine> = {
  fast: startFast,
  reference: startReference,
};
