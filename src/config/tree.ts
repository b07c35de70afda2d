/** Operations on trees of values with origins: merging files, finding where a path was written. */
import type { Node, Origin } from './yaml.js';

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
