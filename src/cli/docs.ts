#!/usr/bin/env node
/** `npm run docs`: writes the generated parts of the documents; with --check only says what is stale. */
import { availableParallelism } from 'node:os';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { host, DOCUMENTS, regenerated, bundled, withThreads } from '../index.js';
import { failureOf } from './errors.js';
import { EXIT } from './exit.js';
import { note } from './output.js';

const check = process.argv.includes('--check');
try {
  for (const name of DOCUMENTS) {
    const path = bundled(name);
    if (!existsSync(path)) continue;
    const before = readFileSync(path, 'utf8');
    const options = {
      engine: 'fast' as const,
      shards: availableParallelism(),
      memo: true,
      ...host,
    };
    const after = await withThreads(options, async (work) => regenerated(before, work));
    if (after === before) note(`${name} is current`);
    else if (check) {
      note(`${name} is stale: npm run docs`);
      process.exitCode = EXIT.difference;
    } else {
      writeFileSync(path, after);
      note(`${name} is written`);
    }
  }
} catch (error) {
  const { exitCode, message } = failureOf(error);
  note(message);
  process.exitCode = exitCode;
}
