import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { compiled } from './test/compiled.js';
import { SLOW } from './test/slow.js';

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      SLOW.some((path) => moduleId.endsWith(`/${path}`)) ? 0 : 1;
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  plugins: [compiled()],
  test: {
    globalSetup: ['./test/cache-folder.ts', './test/compiled.ts'],
    forceRerunTriggers: ['**/src/**'],
    server: { deps: { external: [/\/\.compiled\//] } },
    setupFiles: './test/fresh-modules.ts',
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // All cores, and one more for the files that wait.
    maxWorkers: availableParallelism() + 1,
    // A worker goes on to the next file without starting afresh: nothing in the project keeps global state.
    isolate: false,
    sequence: { sequencer: SlowFirst },
  },
});
