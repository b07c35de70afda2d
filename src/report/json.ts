/** Documents as text. */

import { isPlain } from './shown.js';

/** Characters that JSON may hold as they are and a terminal would obey: the same, spelt out. */
const OBEYED = /[\u007F-\u009F\u2028\u2029\p{Bidi_Control}]/gu;

/** A document as it is printed and as files hold it: rows of long lists, such as a path, in a line each. */
export function json(document: object): string {
  return `${spelt(written(document, '\n'))}\n`;
}

/** Entries of a list from which it is long: more than a reader looks at one by one. */
const LONG = 100;

/** A value; `line` is a line break and the blanks that its last line begins with. */
function written(value: unknown, line: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const inside = `${line}  `;
  const listed = (parts: string[], [open, close]: string) =>
    parts.length === 0 ? open + close : open + inside + parts.join(`,${inside}`) + line + close;
  if (Array.isArray(value))
    return listed(
      value.map((one) =>
        value.length >= LONG && isRow(one) ? JSON.stringify(one) : written(one, inside),
      ),
      '[]',
    );
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return listed(
    entries.map(([key, one]) => `${JSON.stringify(key)}: ${written(one, inside)}`),
    '{}',
  );
}

/** A mapping of plain values alone. */
function isRow(value: unknown): boolean {
  if (isSingle(value) || Array.isArray(value)) return false;
  for (const key in value as object)
    if (!isSingle((value as Record<string, unknown>)[key])) return false;
  return true;
}

function isSingle(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

/** The same in one line, as files of a line for each document hold it. */
export function jsonLine(document: object): string {
  return `${spelt(JSON.stringify(document))}\n`;
}

function spelt(text: string): string {
  if (isPlain(text)) return text;
  const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replaceAll(OBEYED, escaped);
}
