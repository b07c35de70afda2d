/**
 * Makes one file of the command's thread, packages included: 350 modules in 350 files take three times as
 * long to load. The file keeps its place, one folder deep, so that paths relative to it still hold.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

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
const { output: processor } = await bundled(
  'studies/sweep/queue/processor.js',
  'studies/queue-processor.js',
);

/** Folders of the packages that went in: their licences have to be shipped with them. */
const packages = new Set(
  [
    ...[...output, ...worker, ...processor].flatMap(({ moduleIds }) => moduleIds),
    // A part of the pages that commands write.
    fileURLToPath(import.meta.resolve('uplot')),
  ].flatMap((id) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id) ?? []),
);
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const text = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const terms = text === undefined ? license : readFileSync(`${folder}/${text}`, 'utf8').trim();
  return `${name} ${version}\n\n${terms}\n`;
});
writeFileSync(file.replace(/\.js$/, '.licenses.txt'), notices.join('\n---\n\n'));
