/**
 * Makes few files of the command's thread, packages included: 350 modules in 350 files take three times as long to
 * load. What only some commands need, or only some of their options, is in files of its own, loaded when it is called
 * for. All files are one folder deep, so that paths relative to them still hold. Threads that simulate take the same
 * files, with what was compiled of them.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { forPages, noticesOf } from '../platform/bundle.mjs';
import { asScript } from './as-script.mjs';

const dist = (path) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));

/** Optional packages stay out: who has none of them runs everything else. */
const external = ['bullmq', 'ioredis'];

/** Files that are started do something; all others of the project only define what others take from them. */
const moduleSideEffects = (id) =>
  id.includes('node_modules') || /[\\/](?:worker|processor)\.js$/.test(id);

/** Of the commands' package the module for commands that are programs of their own, which ours are not. */
const CHILDREN = "require('node:child_process')";

/** It takes ten modules of Node.js with it, so it is loaded when it is asked for. */
const childrenLater = {
  name: 'children later',
  transform(code, id) {
    if (!/[\\/]commander[\\/]lib[\\/]command\.js$/.test(id)) return null;
    if (code.split(CHILDREN).length !== 2) throw new Error(`expected ${CHILDREN} once in ${id}`);
    return code.replace(CHILDREN, `{ get spawn() { return ${CHILDREN}.spawn; } }`);
  },
};

/** Threads that simulate, and the command's own; each begins with one file. */
const WORKERS = {
  'sweep-worker': 'studies/sweep/worker.js',
  'simulations-worker': 'studies/steps/worker.js',
  'sensitivity-worker': 'studies/sensitivity/worker.js',
};
const STARTED = { thread: 'cli/thread.js', ...WORKERS };

const bundleOf = (input) =>
  rolldown({
    input,
    platform: 'node',
    external,
    plugins: [childrenLater],
    treeshake: { moduleSideEffects },
    preserveEntrySignatures: 'allow-extension',
  });

async function bundled(input, output, format = 'es') {
  const bundle = await bundleOf(dist(input));
  return bundle.write({ file: dist(output), codeSplitting: false, comments: false, format });
}

/**
 * Files that many commands share: what every command loads, what `explain` loads (configurations, but no
 * machine), and what `run` loads. Left to the bundler they would be 60, and `run` would load 48 of them.
 */
const SHARED = { start: 'thread', configuration: 'explain', simulation: 'run' };

/** The bundle in files as small as they can be, of which one learns what each command loads. */
async function sharedModules(bundle) {
  const { output: chunks } = await bundle.generate();
  const chunkOf = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  // What a file is loaded for stays in it.
  const taken = new Set(chunks.map(({ facadeModuleId }) => facadeModuleId));
  return Object.entries(SHARED).map(([name, command]) => {
    const facade = dist(`cli/${command}.js`);
    const loaded = new Set([chunks.find(({ facadeModuleId }) => facadeModuleId === facade)]);
    for (const { imports } of loaded)
      for (const other of imports) if (chunkOf.has(other)) loaded.add(chunkOf.get(other));
    const modules = new Set(
      [...loaded].flatMap(({ moduleIds }) => moduleIds).filter((id) => !taken.has(id)),
    );
    for (const id of modules) taken.add(id);
    return { name, test: (id) => modules.has(id) };
  });
}

async function commands() {
  const input = Object.fromEntries(
    Object.entries(STARTED).map(([name, path]) => [name, dist(path)]),
  );
  const groups = await sharedModules(await bundleOf(input));
  const bundle = await bundleOf(input);
  const { output } = await bundle.generate({
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    codeSplitting: { groups, includeDependenciesRecursively: false },
    comments: false,
  });
  const folder = dist('command');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const { fileName, code } of output) writeFileSync(join(folder, fileName), asScript(code));
  for (const name of Object.keys(WORKERS))
    writeFileSync(
      dist(`studies/${name}.js`),
      `import { load } from '../cli/compiled.js';\nload('./${name}.cjs');\n`,
    );
  return output;
}

const output = await commands();
await bundled('cli/command.js', 'cli/command.cjs', 'cjs');
const { output: processor } = await bundled(
  'studies/sweep/queue/processor.js',
  'studies/queue-processor.js',
);

/** The library for pages: one file, in the place of those that know Node. */
const browser = dist('browser.js');
const pages = await rolldown({ input: browser, ...forPages() });
const { output: inPages } = await pages.write({ file: browser, codeSplitting: false });

const modules = [...output, ...processor, ...inPages].flatMap(({ moduleIds }) => moduleIds);
// A part of the pages that commands write.
modules.push(fileURLToPath(import.meta.resolve('uplot')));
writeFileSync(dist('cli/command.licenses.txt'), noticesOf(modules));
