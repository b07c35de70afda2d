/**
 * Makes one file of the command's thread, packages included: 350 modules in 350 files take three times as
 * long to load. The file keeps its place, one folder deep, so that paths relative to it still hold.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { forPages, noticesOf } from '../platform/bundle.mjs';

const dist = (path) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
const file = dist('cli/command.js');

/** Optional packages stay out: who has none of them runs everything else. */
const external = ['bullmq', 'ioredis'];

async function bundled(input, output) {
  const bundle = await rolldown({ input: dist(input), platform: 'node', external });
  return bundle.write({ file: dist(output), codeSplitting: false });
}

const { output } = await bundled('cli/command.js', 'cli/command.js');
const { output: worker } = await bundled('studies/sweep/worker.js', 'studies/sweep-worker.js');
const { output: simulations } = await bundled(
  'studies/steps/worker.js',
  'studies/simulations-worker.js',
);
const { output: cyclesWorker } = await bundled(
  'studies/sensitivity/worker.js',
  'studies/sensitivity-worker.js',
);
const { output: processor } = await bundled(
  'studies/sweep/queue/processor.js',
  'studies/queue-processor.js',
);

/** The library for pages: one file, in the place of those that know Node. */
const browser = dist('browser.js');
const pages = await rolldown({ input: browser, ...forPages() });
const { output: inPages } = await pages.write({ file: browser, codeSplitting: false });

const modules = [
  ...output,
  ...worker,
  ...simulations,
  ...cyclesWorker,
  ...processor,
  ...inPages,
].flatMap(({ moduleIds }) => moduleIds);
// A part of the pages that commands write.
modules.push(fileURLToPath(import.meta.resolve('uplot')));
writeFileSync(file.replace(/\.js$/, '.licenses.txt'), noticesOf(modules));
