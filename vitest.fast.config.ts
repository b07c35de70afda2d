/**
 * `npm run test:fast`: what another version of Node could change, in a minute or two. Left out are the
 * files that simulate for long, or start many commands, on top of what the others see of them.
 */
import { existsSync } from 'node:fs';
import { mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

const SLOW = [
  'bench-cli',
  'calibration',
  'check',
  'cli-run',
  'compare',
  'compare-configs',
  'decode-computes',
  'decode-monolith',
  'engine-limit',
  'engines-contract',
  'examples',
  'identity',
  'kernel-waferllm',
  'kill',
  'long-times',
  'package',
  'placement-caches',
  'placement-defects',
  'placement-strategies',
  'readme',
  'refusals',
  'sensitivity',
  'serving-cli',
  'serving-steps',
  'shape-search',
  'shared-links',
  'step-cache',
  'validate',
  'validate-documents',
  'validate-prefill',
];

// A name that no file has any more would leave nothing out.
for (const name of SLOW)
  if (!existsSync(`test/${name}.test.ts`))
    throw new Error(`vitest.fast.config.ts: no test/${name}.test.ts`);

export default mergeConfig(base, {
  test: { exclude: SLOW.map((name) => `test/${name}.test.ts`) },
});
