import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: './test/cache-folder.ts',
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
