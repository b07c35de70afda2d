/** Documents as text. */

/** Characters that JSON may hold as they are and a terminal would obey: the same, spelt out. */
const OBEYED = /[\u007F-\u009F\u2028\u2029\p{Bidi_Control}]/gu;

/** A document as it is printed and as files hold it. */
export function json(document: object): string {
  return `${spelt(JSON.stringify(document, null, 2))}\n`;
}

/** The same in one line, as files of a line for each document hold it. */
export function jsonLine(document: object): string {
  return `${spelt(JSON.stringify(document))}\n`;
}

function spelt(text: string): string {
  const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replaceAll(OBEYED, escaped);
}
