/** The engines that the contract tests run on. */
import type { Engine } from '../../src/engine/engine.js';
import { reference } from '../../src/engine/reference.js';

export const engines: [string, Engine][] = [['reference', reference]];
