/** A hash of the simulator's own code, so that what one build has computed is never read by another. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that this very code is in, built or not; and what pins the packages that it uses. */
const CODE = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../../package.json', import.meta.url));

/**
 * SHA-256 over the names and contents of all code files, and over package.json, version included.
 * @param folder with the code
 */
export function codeHash(folder = CODE, packageFile = PACKAGE): string {
  const hash = createHash('sha256');
  const add = (name: string, path: string) => {
    const content = readFileSync(path);
    hash.update(`${name} ${content.length}\n`).update(content);
  };
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.[cm]?[jt]s$/.test(name) && !name.endsWith('.d.ts'));
  for (const name of names.toSorted()) add(name, join(folder, name));
  add('package.json', packageFile);
  return hash.digest('hex');
}
