/**
 * JSON that a stranger may have written: no key twice, of which a parser keeps the last one in silence,
 * and few levels.
 */
import { ModelError, show } from '../model/errors.js';

/**
 * The object that a text is.
 * @param levels of nesting, at most
 * @param where begins the message
 * @throws ModelError if the bytes are no UTF-8, no JSON, or no object
 */
export function readJson(
  bytes: Uint8Array,
  levels: number,
  where: string,
): Record<string, unknown> {
  const text = textOf(bytes, where);
  checkNesting(text, levels, where);
  const json = parsed(text, where);
  checkKeys(text, where);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new ModelError(`${where}: expected a JSON object, found ${show(json)}`);
  return json as Record<string, unknown>;
}

function textOf(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ModelError(`${where}: expected UTF-8, found other bytes`);
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ModelError(`${where}: expected JSON, found ${show(text.slice(0, 40))}`);
  }
}

function checkNesting(text: string, levels: number, where: string): void {
  let level = 0;
  for (const { token } of tokensOf(text)) {
    if (token === OPEN) level++;
    else if (token === CLOSE) level--;
    if (level > levels)
      throw new ModelError(`${where}: expected at most ${levels} levels of nesting, found more`);
  }
}

/** @param text is JSON */
function checkKeys(text: string, where: string): void {
  const open: Set<string>[] = [];
  for (const { token, from, to } of tokensOf(text)) {
    if (token === OPEN) open.push(new Set());
    else if (token === CLOSE) open.pop();
    else if (isKey(text, to)) {
      const key = JSON.parse(text.slice(from, to)) as string;
      const keys = open.at(-1)!;
      if (keys.has(key))
        throw new ModelError(`${where}: expected ${show(key)} once, found it twice`);
      keys.add(key);
    }
  }
}

/** Whether a colon follows. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (' \t\r\n'.includes(text[at] ?? '.')) at++;
  return text[at] === ':';
}

const OPEN = 'open';
const CLOSE = 'close';

interface Token {
  token: typeof OPEN | typeof CLOSE | 'text';
  from: number;
  to: number;
}

/** Where levels begin and end, and texts with their quotes, in one pass. */
function* tokensOf(text: string): Generator<Token> {
  for (let from = 0; from < text.length; from++) {
    const character = text[from];
    if (character === '{' || character === '[') yield { token: OPEN, from, to: from + 1 };
    else if (character === '}' || character === ']') yield { token: CLOSE, from, to: from + 1 };
    else if (character === '"') {
      const to = endOfText(text, from);
      yield { token: 'text', from, to };
      from = to - 1;
    }
  }
}

function endOfText(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '"') return i + 1;
    if (text[i] === '\\') i++;
  }
  return text.length;
}
