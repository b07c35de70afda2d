/**
 * Hardware, models and GPUs that ship with the project, by the names that configurations may call
 * them: `hardware: wse3` is configs/hardware/wse3.yaml of the package, wherever that is installed.
 */
import { basename, HOME, join, readdirSync } from '../platform/node.js';
import { closest } from './problems.js';

export type BundledKind = 'hardware' | 'model' | 'gpu';

const FOLDERS: Record<BundledKind, { folder: string; ending: string }> = {
  hardware: { folder: 'configs/hardware', ending: '.yaml' },
  model: { folder: 'models', ending: '.json' },
  gpu: { folder: 'configs/gpu', ending: '.yaml' },
};

/** Names of the bundled files of a kind, in alphabetical order. */
export function bundledNames(kind: BundledKind): string[] {
  const { ending } = FOLDERS[kind];
  return readdirSync(folderOf(kind))
    .filter((file) => file.endsWith(ending))
    .map((file) => basename(file, ending))
    .toSorted();
}

/** The bundled file of this name, if there is one. */
export function bundledFile(kind: BundledKind, name: string): string | undefined {
  if (!bundledNames(kind).includes(name)) return undefined;
  return join(folderOf(kind), `${name}${FOLDERS[kind].ending}`);
}

/** What is wrong with a name that no bundled file has; undefined if it is a path rather than a name. */
export function unknownName(kind: BundledKind, name: string): string | undefined {
  if (!/^[\w.-]+$/.test(name) || /^\.|\.(?:ya?ml|json)$/i.test(name)) return undefined;
  const names = bundledNames(kind);
  const near = closest(name, names);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return `expected the path of a file or one of ${names.join(', ')}, found ${name}, which is neither${hint}`;
}

/** What to write instead of the path of a missing file that has the name of a bundled one. */
export function hintFor(kind: BundledKind, path: string): string | undefined {
  const stem = basename(path, FOLDERS[kind].ending);
  return bundledNames(kind).includes(stem) ? `${stem} alone names the bundled one` : undefined;
}

function folderOf(kind: BundledKind): string {
  return join(HOME, FOLDERS[kind].folder);
}
