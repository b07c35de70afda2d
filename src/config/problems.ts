/** A validation's first problem as one line: where it was written, its path, what to write instead. */
import * as z from 'zod';
import { ConfigError } from './errors.js';
import { QUANTITY_KEYS } from './quantity.js';
import { keyOriginAt, originAt, plain } from './tree.js';
import type { Node } from './yaml.js';

/**
 * Validates a tree.
 * @throws ConfigError `file:line:col: path: expected ..., found ...` for its first problem
 */
export function validate<T extends z.ZodType>(schema: T, root: Node): z.output<T> {
  // A configuration is read once as a rule: to compile code that reads it takes longer (PERFORMANCE.md).
  const result = schema.safeParse(plain(root), { jitless: true });
  if (result.success) return result.data;
  const issues = result.error.issues.flatMap(branchMeant);
  // A misspelt key is also a missing one: the spelling is what helps.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path.map(String), issue.keys[0]];
    const message = unknownKey(schema, issue.path, issue.keys[0]);
    throw new ConfigError(`${keyOriginAt(root, path).label}: ${path.join('.')}: ${message}`);
  }
  const name = issue.path.map(String).join('.');
  const origin = originAt(root, issue.path);
  throw new ConfigError(`${origin.label}: ${name === '' ? '' : `${name}: `}${issue.message}`);
}

/** The problems of the branch of a union that the value is meant for: it fits, apart from what is inside. */
function branchMeant(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.find((branch) =>
    branch.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  if (meant === undefined) return [issue];
  const inside = meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
  return inside.flatMap(branchMeant);
}

function unknownKey(schema: z.ZodType, path: readonly PropertyKey[], key: string): string {
  const known = keysAt(schema, path);
  const near = closest(key, known);
  return near === undefined
    ? `expected one of ${known.join(', ')}, found an unknown key`
    : `expected a known key, found an unknown one; did you mean ${near}?`;
}

const WRAPPERS = [z.ZodPrefault, z.ZodDefault, z.ZodOptional, z.ZodExactOptional];

/** Keys that a schema allows at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const key of ['', ...path]) {
    if (at instanceof z.ZodArray) at = at.element;
    else if (key !== '') at = at instanceof z.ZodObject ? at.shape[String(key)] : undefined;
    for (;;) {
      if (WRAPPERS.some((wrapper) => at instanceof wrapper)) at = (at as z.ZodOptional).unwrap();
      // What is written in more than one way is read as one of them first.
      else if (at instanceof z.ZodPipe && at.in instanceof z.ZodTransform) at = at.out;
      else break;
    }
    if (at instanceof z.ZodUnion) at = at.options.find((option) => option instanceof z.ZodObject);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : QUANTITY_KEYS;
}

/** The known word nearest to a misspelt one, if it is near enough to be meant. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  const limit = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
  return best && best.distance <= limit ? best.candidate : undefined;
}

/** Insertions, deletions and replacements of a letter between two words. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
