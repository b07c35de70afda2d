/** Tests with a Slurm and a Redis of their own (daemons.ts); `npm test` does without. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/cluster/**/*.cluster.ts'],
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
