/** How code is bundled for pages: browser.ts in place of node.ts, with the files of the package that configurations can name. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path) => readFileSync(root(path), 'utf8');

const FOLDERS = ['configs', 'configs/hardware', 'configs/gpu', 'models'];

/** Path in the package -> text. */
function packageFiles() {
  const paths = FOLDERS.flatMap((folder) =>
    readdirSync(root(folder))
      .filter((name) => /\.(?:yaml|json)$/.test(name) && !name.endsWith('.schema.json'))
      .map((name) => `${folder}/${name}`),
  );
  return Object.fromEntries(paths.map((path) => [path, read(path)]));
}

const SEAM = /[\\/]platform[\\/]node\.(?:js|ts)$/;

const inPage = {
  name: 'platform',
  async resolveId(source, importer) {
    if (source === TOKENIZERS) return NO_TOKENIZERS;
    if (!source.endsWith('/node.js')) return null;
    const found = await this.resolve(source, importer, { skipSelf: true });
    return found && SEAM.test(found.id) ? found.id.replace(/node(\.\w+)$/, 'browser$1') : null;
  },
  load: (id) => (id === NO_TOKENIZERS ? REFUSAL : null),
};

// A tenth of a page, for texts that only runs with weights have.
const TOKENIZERS = '@huggingface/tokenizers';
const NO_TOKENIZERS = '\0no-tokenizers';
const REFUSAL = `export class Tokenizer {
  constructor() { throw new Error('a page reads no text, only token ids'); }
}`;

/** Input options of rolldown. */
export function forPages() {
  const { version } = JSON.parse(read('package.json'));
  const WAFERSIM_PACKAGE = JSON.stringify({ version, files: packageFiles() });
  return {
    platform: 'browser',
    plugins: [inPage],
    transform: { define: { WAFERSIM_PACKAGE } },
  };
}

// Ids that begin with a zero are the bundler's own.
const PACKAGE = /^[^\0].*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/;

/** Licences of the packages that went into a bundle: they have to be shipped with it. */
export function noticesOf(moduleIds) {
  const folders = new Set(moduleIds.flatMap((id) => PACKAGE.exec(id) ?? []));
  const notices = [...folders]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
      const text = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const terms = text === undefined ? license : readFileSync(`${folder}/${text}`, 'utf8').trim();
      return `${name} ${version}\n\n${terms}\n`;
    });
  return notices.join('\n---\n\n');
}
