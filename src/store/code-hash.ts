/** A hash of all code that takes part, so that what one build has computed is never read by another. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that this very code is in, built or not; and what names the packages that it uses. */
const CODE = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../../package.json', import.meta.url));

/** What runs the code: Math.exp and the like are V8's, and may differ in the last bit from one to another. */
interface Runtime {
  v8: string;
  arch: string;
}
const RUNTIME: Runtime = { v8: process.versions.v8, arch: process.arch };

/**
 * SHA-256 over the names and contents of all code files, over package.json, version included, over the
 * versions of its dependencies as they are installed, and over what runs it all.
 * @param folder with the code
 */
export function codeHash(folder = CODE, packageFile = PACKAGE, { v8, arch } = RUNTIME): string {
  const hash = createHash('sha256');
  const add = (name: string, content: Uint8Array) =>
    hash.update(`${name} ${content.length}\n`).update(content);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.[cm]?[jt]s$/.test(name) && !name.endsWith('.d.ts'));
  for (const name of names.toSorted()) add(name, readFileSync(join(folder, name)));
  add('package.json', readFileSync(packageFile));
  add('others', Buffer.from(JSON.stringify({ v8, arch, packages: installed(packageFile) })));
  return hash.digest('hex');
}

/** Dependencies and their versions, which an installation may choose otherwise than package.json. */
function installed(packageFile: string): [name: string, version: string | undefined][] {
  const { dependencies = {} } = readPackage(packageFile);
  const { resolve } = createRequire(packageFile);
  return Object.keys(dependencies).map((name) => {
    const files = (resolve.paths(name) ?? []).map((path) => join(path, name, 'package.json'));
    const file = files.find((path) => existsSync(path));
    return [name, file && readPackage(file).version];
  });
}

function readPackage(file: string) {
  return JSON.parse(readFileSync(file, 'utf8')) as {
    version?: string;
    dependencies?: Record<string, string>;
  };
}
