/**
 * Files that simulate for long, or start many commands, on top of what the others see of them: they come
 * first, so that none of them is left alone at the end, and `npm run test:fast` leaves them out.
 */
import { existsSync } from 'node:fs';

const NAMES = [
  'attention-flags',
  'bad-input',
  'batch',
  'calibration',
  'check',
  'compare',
  'compare-configs',
  'contention',
  'decode-computes',
  'decode-monolith',
  'decode-pipeline',
  'dense-checkpoints',
  'dense-families',
  'engine-generated',
  'engine-limit',
  'engines-contract',
  'examples',
  'expert-families',
  'format-runs',
  'hand-off-colors',
  'kernel-traffic',
  'kernel-waferllm',
  'kill',
  'kv-groups',
  'long-times',
  'lowering-properties',
  'model-runs',
  'output-places',
  'package',
  'placement',
  'placement-caches',
  'placement-capacity',
  'placement-defects',
  'placement-fewer-wafers',
  'placement-forms',
  'placement-hand-off-cost',
  'placement-strategies',
  'prompt-runs',
  'readme',
  'refusals',
  'router',
  'sensitivity',
  'serve-cli',
  'serving-cli',
  'serving-deployment',
  'serving-steps',
  'shape-search',
  'shared-links',
  'split-layers',
  'step-cache',
  'story',
  'validate',
  'validate-documents',
  'validate-figures',
  'validate-prefill',
];

export const SLOW = NAMES.map((name) => `test/${name}.test.ts`);

// A name that no file has any more would say nothing.
for (const path of SLOW) if (!existsSync(path)) throw new Error(`test/slow.ts: no ${path}`);
