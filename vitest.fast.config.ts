/**
 * `npm run test:fast`: what another version of Node could change, in a minute or two. Left out are the
 * files that simulate for long, or start many commands, on top of what the others see of them.
 */
import { mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

const SLOW = [
  'bench-cli',
  'calibration',
  'check',
  'compare',
  'decode-computes',
  'decode-monolith',
  'engines-contract',
  'examples',
  'kernel-waferllm',
  'package',
  'placement-caches',
  'placement-defects',
  'placement-strategies',
  'readme',
  'sensitivity',
  'serving-cli',
  'serving-steps',
  'shape-search',
  'validate',
  'validate-documents',
  'validate-prefill',
];

export default mergeConfig(base, {
  test: { exclude: SLOW.map((name) => `test/${name}.test.ts`) },
});
