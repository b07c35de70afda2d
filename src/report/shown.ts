/** Names from files as they may be shown. */

/** Control characters (ESC, line breaks, C1), and what breaks a line or reverses its direction. */
const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** A name from a file on one line, without what a terminal would obey. JSON keeps it as it is. */
export function shown(name: string): string {
  return name.replaceAll(OBEYED, '');
}
