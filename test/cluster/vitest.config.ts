/** Tests with a Slurm and a Redis of their own (daemons.ts); `npm test` does without. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/cluster/**/*.cluster.ts'],
    reporters: ['default', './test/reporter.ts'],
    // A busy machine takes several times as long as one that does nothing else.
    testTimeout: 240_000,
    hookTimeout: 60_000,
  },
});
