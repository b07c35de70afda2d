import { defineConfig } from 'vitest/config';

/** Tests that need Chromium; `npm test` does without. CHROMIUM names one that is not at /usr/bin/chromium. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.browser.ts'],
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
