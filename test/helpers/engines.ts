/** The engines that keep the contract; every test of it runs on each of them. */
import type { Engine } from '../../src/engine/engine.js';
import { fast } from '../../src/engine/fast.js';
import { reference } from '../../src/engine/reference.js';

export const engines: [string, Engine][] = [
  ['reference', reference],
  ['fast', fast],
];
