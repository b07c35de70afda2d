/**
 * Bad input of every kind, as much as wanted:
 *
 *     npm run fuzz:input -- --inputs 10000 --seed 1 [--kind configuration]
 *
 * An input that ends in anything but a result or one documented line is shrunk, written out, and ends
 * the search with exit code 1. The same seed gives the same inputs.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { badInput, smallEntries, wrongOutcome } from '../helpers/bad-input.js';

/** Inputs between two notes of progress. */
const BATCH = 500;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      kind: { type: 'string' },
    },
  });
  const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
  const home = mkdtempSync(join(tmpdir(), 'wafersim-fuzz-'));
  try {
    const all = await smallEntries(home);
    const kinds = [...all].filter(([kind]) => values.kind === undefined || kind === values.kind);
    if (kinds.length === 0 || !(inputs > 0) || !Number.isInteger(seed))
      throw new RangeError(`expected --inputs N --seed N --kind ${[...all.keys()].join('|')}`);
    for (let done = 0; done < inputs; done += BATCH) {
      const numRuns = Math.min(BATCH, inputs - done);
      const property = fc.asyncProperty(badInput(new Map(kinds)), async ({ kind, text }) => {
        const path = join(home, 'input');
        writeFileSync(path, text);
        const wrong = await wrongOutcome(all.get(kind)!, path);
        if (wrong !== undefined) throw new Error(`${kind}: ${wrong}`);
      });
      await fc.assert(property, { numRuns, seed: seed + done });
      process.stderr.write(`${done + numRuns} of ${inputs} inputs\n`);
    }
    process.stdout.write(`${inputs} bad inputs from seed ${seed}: none was mistaken\n`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  const { message, cause } = error as Error & { cause?: Error };
  process.stderr.write(`${message}\n${cause?.message ?? ''}\n`);
  process.exitCode = error instanceof RangeError ? 2 : 1;
}
