/**
 * What a build was made of, and what it made: `npm run build` ends with writing that down. With --check it exits
 * with 1 unless all of it is as it was: npm runs `prepare` before every `npx wafersim` in a checkout, and this is
 * what it asks before it builds again.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STAMP = join('.build', 'stamp.json');
/** In the folder of the sources, but made by the build. */
const GENERATED = ['src/engine/fast/machine-code.ts', 'src/report/page-script.ts'];
const OTHERS = ['package.json', 'package-lock.json', 'tsconfig.json'];

const under = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
        .sort()
    : [];

function sources() {
  const hash = createHash('sha256');
  for (const path of [...under('src').filter((file) => !GENERATED.includes(file)), ...OTHERS]) {
    const content = readFileSync(path);
    hash.update(`${path} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

if (process.argv.includes('--check')) {
  const known = existsSync(STAMP) ? JSON.parse(readFileSync(STAMP, 'utf8')) : undefined;
  const isCurrent = known?.sources === sources() && known.made.every((path) => existsSync(path));
  process.exitCode = isCurrent ? 0 : 1;
} else {
  mkdirSync('.build', { recursive: true });
  const made = [...under('dist'), ...GENERATED];
  writeFileSync(STAMP, `${JSON.stringify({ sources: sources(), made })}\n`);
}
