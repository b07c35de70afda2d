/** A runner that runs every program as a given function does: an engine that is spoilt, or that listens. */
import type { RunInput, RunResult } from '../../src/engine/engine.js';
import { createRunner, type Runner } from '../../src/decode/runner.js';

export function runnerOf(run: (input: RunInput) => RunResult | Promise<RunResult>): Runner {
  const runner = createRunner({ engine: 'reference', shards: 1, now: () => 0 });
  return { ...runner, run: async (input) => run(input) };
}
