/**
 * Identity of documents: the version that made them, the files that were read, and a key over what they
 * are of. Paths, the spelling of numbers and the order of keys enter no key.
 */
import { bundled, VERSION } from './bundled.js';
import { configHash, type ResolvedConfig } from './config.js';
import { sha256Of } from './config/json.js';
import { asNamed, type NamedFile } from './config/files.js';
import { isAbsolute, relative } from './platform/node.js';
import type { Identity } from './report/identity.js';

/**
 * The identity of a document.
 * @param content plain JSON without paths: configurations, options that change the document, measurements
 * @param files read for it; the same file under the same path is listed once
 */
export function identityOf(content: unknown, files: readonly NamedFile[]): Identity {
  const key = sha256Of({ version: VERSION, content });
  return { version: VERSION, key, files: distinct(files) };
}

/** The hash of a configuration and the identity of its document, as runs have them. */
export function runIdentity(
  { canonical, files }: ResolvedConfig,
  more?: unknown,
): Identity & { configHash: string } {
  const content = more === undefined ? canonical : [canonical, more];
  return { ...identityOf(content, files), configHash: configHash(canonical) };
}

/** The same of a document about several scenarios or deployments of one configuration, which is none of them itself. */
export function scenariosIdentity(
  config: ResolvedConfig,
  scenarios: readonly { scenario: string; config: ResolvedConfig }[],
  more?: unknown,
): Identity & { configHash: string } {
  if (config.scenarios === undefined && config.deployments === undefined)
    return runIdentity(config, more);
  const of = scenarios.map(({ scenario, config: { canonical } }) => [scenario, canonical]);
  const files = [config, ...scenarios.map((one) => one.config)].flatMap((one) => one.files);
  const { deployments } = config;
  // Models stand there by content; what is left says who gets which requests.
  const routes = deployments?.map(({ name, wafers, draft, share }) => ({
    name,
    wafers,
    draft,
    share,
  }));
  const content = { config: config.canonical, scenarios: of, ...(routes && { routes }) };
  const { version, key } = identityOf(more === undefined ? content : [content, more], []);
  return { version, key, files: distinct(files), configHash: configHash(content) };
}

/** Bundled files that no configuration names, by their paths in the package, wherever it is installed. */
export function ofPackage(files: readonly NamedFile[]): NamedFile[] {
  const root = bundled('');
  return files.map(({ path, sha256 }) => {
    const below = relative(root, path);
    const inside = isAbsolute(path) && !below.startsWith('..') && !isAbsolute(below);
    return { path: inside ? below.replaceAll('\\', '/') : path, sha256 };
  });
}

function distinct(files: readonly NamedFile[]): NamedFile[] {
  const known = new Map(
    files.map((file) => [`${file.sha256} ${file.path}`, asNamed(file)] as const),
  );
  return [...known.values()];
}
