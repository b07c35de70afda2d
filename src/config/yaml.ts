/**
 * YAML text as a tree of values that know where they stand, so that every error can name its line.
 * Aliases are copied out, up to a bound on the size of the tree; nothing in it is an object that a
 * hostile key could poison.
 */
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, Lexer, LineCounter } from 'yaml';
import { parseDocument } from 'yaml';
import { ConfigError } from './errors.js';

/** Where a value was written: `file:line:col`, or the text of a `--set`. */
export interface Origin {
  label: string;
  /** File that holds the value; none for the command line. */
  file?: string;
}

export type Scalar = string | number | boolean | null;

/** Nothing changes one: what is read again may be the same. */
export interface Node {
  readonly origin: Origin;
  /** Where its key was written, if it has one in a file. */
  readonly key?: Origin;
  readonly value: Scalar | readonly Node[] | ReadonlyMap<string, Node>;
}

/** Far above any configuration; what is longer would take the parser minutes and gigabytes. */
const MAX_CHARACTERS = 2 ** 22;
const MAX_NODES = 100_000;
const MAX_DEPTH = 64;

/** The texts of the files read last, and what they are: whoever varies a configuration reads the same again. */
const known = new Map<string, { text: string; node: Node }>();
const MOST_KNOWN = 16;
const MOST_KEPT = 2 ** 16;

/**
 * Reads one YAML document.
 * @param file name of the file in errors and origins
 * @throws ConfigError on a syntax error, an unknown tag, a duplicate key or an oversized tree
 */
export function readYaml(text: string, file: string): Node {
  const before = known.get(file);
  const node = before?.text === text ? before.node : parsedYaml(text, file);
  known.delete(file);
  if (text.length <= MOST_KEPT) known.set(file, { text, node });
  if (known.size > MOST_KNOWN) known.delete(known.keys().next().value!);
  return node;
}

function parsedYaml(text: string, file: string): Node {
  if (text.length > MAX_CHARACTERS)
    throw new ConfigError(
      `${file}:1:1: expected at most ${MAX_CHARACTERS} characters, found ${text.length}`,
    );
  const lines = new LineCounter();
  const at = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { label: `${file}:${line}:${col}`, file };
  };
  const deep = firstTooDeep(text);
  if (deep !== undefined)
    throw new ConfigError(`${file}:${deep}: expected values at most ${MAX_DEPTH} deep, found more`);
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) {
    const message = problem.message.split('\n')[0];
    throw new ConfigError(`${at(problem.pos[0]).label}: expected valid YAML, found: ${message}`);
  }
  return copy(document.contents, { at, nodes: 0, last: at(0), anchors: new Map() }, 0);
}

/** Columns before which a line must begin: a level of blocks takes at least half a column. */
const MAX_INDENT = 256;
/** What the lexer says before the text of a scalar, which holds no structure. */
const SCALAR = '\u001F';
/** What may stand before the first value of a line. */
const INDENT = /^(?:[ \t?:-]*|[&!]\S*)$/;
/** The marks that the lexer adds to the text. */
const SIGNS = new Set(['\u0002', '\u0018', SCALAR, '\uFEFF']);

/**
 * Line and column of what is nested far too deep, without parsing it: thousands of levels exhaust the
 * parser's stack, of which the process may die.
 */
function firstTooDeep(text: string): string | undefined {
  let [line, column, depth] = [1, 1, 0];
  let inIndent = true;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    const isText = isScalar;
    isScalar = token === SCALAR;
    if (!isText && SIGNS.has(token)) continue;
    if (!isText && (token === '[' || token === '{')) depth++;
    if (!isText && (token === ']' || token === '}')) depth = Math.max(0, depth - 1);
    if (depth > MAX_DEPTH || (inIndent && column > MAX_INDENT)) return `${line}:${column}`;
    inIndent &&= !isText && INDENT.test(token);
    const breaks = token.split('\n').length - 1;
    line += breaks;
    column = breaks > 0 ? token.length - token.lastIndexOf('\n') : column + token.length;
    if (breaks > 0) inIndent = !isText || token.endsWith('\n');
  }
  return undefined;
}

/** Whether reading a text drops a part of it as a comment. */
export function hasComment(text: string): boolean {
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    if (!isScalar && token.startsWith('#')) return true;
    isScalar = token === SCALAR;
  }
  return false;
}

interface Walk {
  at: (offset: number) => Origin;
  nodes: number;
  last: Origin;
  /** Anchored values met so far, which aliases stand for. */
  anchors: Map<string, unknown>;
}

function copy(item: unknown, walk: Walk, depth: number): Node {
  const range = (item as { range?: [number, number, number] | null } | null)?.range;
  // An empty value has no place of its own; its parent's is the nearest.
  const origin = range ? walk.at(range[0]) : walk.last;
  walk.last = origin;
  if (++walk.nodes > MAX_NODES || depth > MAX_DEPTH)
    throw new ConfigError(
      `${origin.label}: expected at most ${MAX_NODES} values, ${MAX_DEPTH} deep, found more`,
    );
  if (isNode(item) && !isAlias(item) && item.anchor) walk.anchors.set(item.anchor, item);
  if (isAlias(item)) {
    const target = walk.anchors.get(item.source);
    if (!target)
      throw new ConfigError(`${origin.label}: expected an anchor &${item.source}, found none`);
    return copy(target, walk, depth + 1);
  }
  if (isSeq(item))
    return { origin, value: item.items.map((child) => copy(child, walk, depth + 1)) };
  if (isMap(item)) {
    const entries = new Map<string, Node>();
    for (const pair of item.items) {
      const key = isPair(pair) ? pair.key : undefined;
      if (!isScalar(key))
        throw new ConfigError(`${origin.label}: expected plain keys, found a collection`);
      walk.last = key.range ? walk.at(key.range[0]) : origin;
      const name = String(scalarOf(key.value));
      if (name === '__proto__')
        throw new ConfigError(`${walk.last.label}: ${name}: expected a known key, found ${name}`);
      const keyOrigin = walk.last;
      entries.set(name, { ...copy(pair.value, walk, depth + 1), key: keyOrigin });
    }
    return { origin, value: entries };
  }
  return { origin, value: scalarOf(isScalar(item) ? item.value : null) };
}

function scalarOf(value: unknown): Scalar {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
