/** Names from files as they may be shown. */

/** Control characters (ESC, line breaks, C1), and what breaks a line or reverses its direction. */
const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** A name from a file on one line, without what a terminal would obey. JSON keeps it as it is. */
export function shown(name: string): string {
  return name.replaceAll(OBEYED, '');
}

/** Anything but printable ASCII, tabs and line breaks. */
const BEYOND = /[^\t\n\u0020-\u007E]/;

/** Is there nothing in a text that a terminal would obey, but tabs and line breaks? Most long ones are so, which is soon seen. */
export function isPlain(text: string): boolean {
  return !BEYOND.test(text);
}
