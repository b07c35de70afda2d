/**
 * What tests import from `src/` runs as the command runs it: compiled once for a run of the tests, and imported by
 * Node, once in each worker. Through vitest every call from one module to another is a getter, and all code is cold
 * again in each file of tests: a third of the processor time. A file that mocks modules gets vitest's own.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import type { TestProject } from 'vitest/node';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = join(ROOT, 'src');
/** As deep as `src`: paths relative to a module hold. */
const COMPILED = join(ROOT, '.compiled');

const compiledOf = (source: string) => join(COMPILED, source.slice(SOURCES.length));

/** Before the first test, and before those that are run again: what has changed is compiled, types unseen. */
export default function setup(project: TestProject): void {
  compile();
  project.onTestsRerun(async () => compile());
}

function compile(): void {
  const stamp = join(COMPILED, 'stamp');
  const options = ['--noCheck', '--declaration', 'false', '--outDir', COMPILED];
  const changed = ['--incremental', '--tsBuildInfoFile', stamp];
  execFileSync(process.execPath, [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    '-p',
    ROOT,
    ...options,
    ...changed,
  ]);
  for (const path of readdirSync(COMPILED, { recursive: true, encoding: 'utf8' })) {
    const source = join(SOURCES, path.replace(/\.js$/, '.ts'));
    if (path.endsWith('.js') && !existsSync(source)) rmSync(join(COMPILED, path));
  }
}

export function compiled(): Plugin {
  const mocking = new Map<string, boolean>();
  const mocks = (file: string) => {
    let known = mocking.get(file);
    if (known === undefined) {
      known = readFileSync(file, 'utf8').includes('vi.mock(');
      mocking.set(file, known);
    }
    return known;
  };
  return {
    name: 'compiled',
    enforce: 'pre',
    resolveId(path, importer) {
      if (importer === undefined || !path.startsWith('.')) return undefined;
      const source = resolve(dirname(importer), path);
      if (!source.startsWith(`${SOURCES}/`) || !existsSync(compiledOf(source))) return undefined;
      // Modules of `src` that vitest itself runs import others in the same way.
      if (importer.startsWith(SOURCES) || mocks(importer)) return undefined;
      return { id: compiledOf(source), external: true };
    },
  };
}
