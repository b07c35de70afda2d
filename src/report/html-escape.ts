/** Text from a configuration as it goes into a page: never markup, never script. */

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand between tags and inside quoted attributes. */
export function escapeHtml(text: string): string {
  // Control characters are no text; a page that holds them is not well-formed.
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '\uFFFD').replaceAll(/[&<>"']/g, (c) => ENTITIES[c]);
}

/** A value as JSON inside a script tag, which no text in it can close or open. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
