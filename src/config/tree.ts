/** Trees of values with origins: merging files and settings, finding where a path was written. */
import { ConfigError } from './errors.js';
import { hasComment, readYaml, type Node, type Origin, type Scalar } from './yaml.js';

/**
 * The base with the overlay's values in place of its own; mappings are merged key by key, save those
 * that state one number with its source (`value: ...`), which are replaced whole.
 */
export function merge(base: Node, overlay: Node): Node {
  if (!(base.value instanceof Map) || !(overlay.value instanceof Map)) return overlay;
  if (base.value.has('value') || overlay.value.has('value')) return overlay;
  const entries = new Map(base.value);
  for (const [key, child] of overlay.value) {
    const before = entries.get(key);
    entries.set(key, before ? merge(before, child) : child);
  }
  return { ...base, value: entries };
}

/** The value under a key of a mapping, if it is one and has it. */
export function child(node: Node | undefined, key: string): Node | undefined {
  return node?.value instanceof Map ? node.value.get(key) : undefined;
}

/** A mapping with one key put in or, without a value, taken out. */
export function withKey(node: Node, key: string, value: Node | undefined): Node {
  const entries = new Map(node.value instanceof Map ? node.value : []);
  if (value) entries.set(key, value);
  else entries.delete(key);
  return { ...node, value: entries };
}

/** Where the value at a path was written; if there is none, where the nearest mapping above it was. */
export function originAt(root: Node, path: readonly PropertyKey[]): Origin {
  let node = root;
  for (const key of path) {
    const next = Array.isArray(node.value) ? node.value[Number(key)] : child(node, String(key));
    if (!next) return node.key ?? node.origin;
    node = next;
  }
  return node.origin;
}

/** Where the key at the end of a path was written. */
export function keyOriginAt(root: Node, path: readonly string[]): Origin {
  const node = path.reduce<Node | undefined>(child, root);
  return node?.key ?? originAt(root, path);
}

/** The values without their origins. */
export function plain(node: Node): unknown {
  if (Array.isArray(node.value)) return node.value.map(plain);
  if (!(node.value instanceof Map)) return node.value;
  return Object.fromEntries([...node.value].map(([key, value]) => [key, plain(value)]));
}

/** `a.b=v`, of a `--set`, or of a file: then errors name its value's place, or its key's. */
export type Setting = string | { text: string; origin: Origin; key?: Origin };

/** A setting as `--set` has it. */
export function textOfSetting(setting: Setting): string {
  return typeof setting === 'string' ? setting : setting.text;
}

/**
 * Applies settings in their order: `--set a.b=v` wins over every file; `v` is read as a YAML scalar, or a
 * list of them, or taken as a text.
 * @throws ConfigError naming the `--set` if it is no `path=value` with such a value
 */
export function applySets(root: Node, sets: readonly Setting[]): Node {
  return sets.reduce((tree, setting) => merge(tree, normalise(nodeOf(setting))), root);
}

/** A short form written out: `path` is `{config: path}`. */
export function writtenOut(node: Node, key = 'config'): Node {
  return typeof node.value === 'string' ? { ...node, value: new Map([[key, node]]) } : node;
}

/**
 * Writes the short forms out: `model: path` is `{config: path}`, and so is a draft; `hardware: path` is
 * `{extends: path}`, and `mapping: name` is `{name: name}`.
 */
export function normalise(root: Node): Node {
  if (!(root.value instanceof Map)) return root;
  const entries = new Map(root.value);
  for (const [key, inner] of [
    ['model', 'config'],
    ['hardware', 'extends'],
    ['mapping', 'name'],
  ] as const) {
    const value = child(root, key);
    if (value !== undefined) entries.set(key, writtenOut(value, inner));
  }
  return withDraft({ ...root, value: entries });
}

function withDraft(root: Node): Node {
  const workload = child(root, 'workload');
  const speculation = child(workload, 'speculation');
  const draft = child(speculation, 'draft');
  if (typeof draft?.value !== 'string') return root;
  const of = withKey(workload!, 'speculation', withKey(speculation!, 'draft', writtenOut(draft)));
  return withKey(root, 'workload', of);
}

/** A setting that sets a path to a value: one, or a list of them. */
export function settingOf(path: string, value: Scalar | readonly Scalar[]): string {
  const asIs = `${path}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
  if (typeof value !== 'string') return asIs;
  try {
    const read = path.split('.').reduce<Node | undefined>(child, nodeOf(asIs))?.value;
    if (read === value) return asIs;
  } catch {
    // A text that is no YAML as it stands.
  }
  return `${path}=${JSON.stringify(value)}`;
}

const PROMPT = 'workload.prompt';
/** What a prompt that YAML is to read begins with. */
const WRITTEN = /^\s*["'[{]/;

/**
 * Whether a value is a text as it stands: no part of it is a comment, and a prompt is what somebody says.
 * A number for a prompt is left to be refused: it may be meant as a token.
 */
function isText(path: string, value: string): boolean {
  if (hasComment(value)) return true;
  return path === PROMPT && !WRITTEN.test(value) && !isNumber(value);
}

const isNumber = (value: string) => value.trim() !== '' && Number.isFinite(Number(value));

function nodeOf(setting: Setting): Node {
  const text = textOfSetting(setting);
  const { origin, key }: { origin: Origin; key?: Origin } =
    typeof setting === 'string' ? { origin: { label: `--set ${text}` } } : setting;
  const { label } = origin;
  const split = text.indexOf('=');
  const keys = text.slice(0, Math.max(split, 0)).split('.');
  if (keys.some((key) => key.trim() === ''))
    throw new ConfigError(`${label}: expected path=value, found ${JSON.stringify(text)}`);
  if (keys.includes('__proto__'))
    throw new ConfigError(`${label}: expected a known key, found __proto__`);
  const given = text.slice(split + 1);
  const read = isText(keys.join('.'), given) ? given : readYaml(given, label).value;
  const isOne = (inner: Node['value']) => typeof inner !== 'object' || inner === null;
  if (!isOne(read) && !(Array.isArray(read) && read.every((item) => isOne(item.value))))
    throw new ConfigError(`${label}: ${keys.join('.')}: expected one value, found a collection`);
  const value = Array.isArray(read) ? read.map((item) => ({ origin, value: item.value })) : read;
  const named = key && { key };
  return keys.reduceRight<Node>(
    (inner, name) => ({ origin, ...named, value: new Map([[name, inner]]) }),
    { origin, ...named, value },
  );
}
