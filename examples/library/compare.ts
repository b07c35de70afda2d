/**
 * wafersim from TypeScript: two placements of a model, with progress and a limit on the time.
 *
 *     npx tsc -p examples/library && node .build/example/compare.js
 *
 * In a project of your own `npm install wafersim` comes first; `import ... from 'wafersim'` is the same.
 */
import { compare, loadConfig, simulate } from 'wafersim';

const configs = ['row-major', 'snake'].map((strategy) =>
  loadConfig('examples/placements/six-layers.yaml', [`placement.strategy=${strategy}`]),
);

const { rows } = await compare(configs, {
  signal: AbortSignal.timeout(60_000),
  onProgress: ({ done, total, what }) => process.stderr.write(`${done} of ${total}: ${what}\n`),
});
for (const { name, cyclesPerToken, differenceCycles } of rows)
  process.stdout.write(`${name}: ${cyclesPerToken} cycles per token (${differenceCycles})\n`);

// A run that is aborted rejects with the reason of its signal.
const aborted = await simulate(configs[0], { signal: AbortSignal.abort('no longer wanted') }).catch(
  (reason: unknown) => `aborted: ${String(reason)}`,
);
process.stdout.write(`${String(aborted)}\n`);
