#!/usr/bin/env node
/**
 * `npm run docs [-- --check] [-- --long] [-- FILE]`: writes generated parts of documents, or says which are stale; with
 * `--long` those too that take minutes.
 */
import { availableParallelism } from 'node:os';
import { readFileSync } from 'node:fs';
import { DOCUMENTS, bundled, host, regenerated, withThreads } from '../index.js';
import { stepsOf } from './cache.js';
import { failureOf } from './errors.js';
import { EXIT } from '../exit.js';
import { note, writeFile } from './output.js';

const check = process.argv.includes('--check');
const long = process.argv.includes('--long');
const named = process.argv.slice(2).filter((word) => !word.startsWith('--'));
try {
  for (const name of named.length > 0 ? named : DOCUMENTS) {
    const path = bundled(name);
    const before = readFileSync(path, 'utf8');
    const options = {
      engine: 'fast' as const,
      shards: availableParallelism(),
      memo: true,
      steps: stepsOf({ cache: true }),
      ...host,
    };
    const after = await withThreads(options, async (work) => regenerated(before, work, long));
    if (after === before) note(`${name} is current`);
    else if (check) {
      note(`${name} is stale: npm run docs`);
      process.exitCode = EXIT.difference;
    } else {
      writeFile(path, after);
      note(`${name} is written`);
    }
  }
} catch (error) {
  const { exitCode, message } = failureOf(error);
  note(message);
  process.exitCode = exitCode;
}
