/**
 * Stop strings in text that comes in pieces: what may be the beginning of one is held until it is known to be
 * none, so that nothing of a stop string is ever sent.
 */
export interface StopText {
  /** Text that may be sent once `piece` has come, and whether a stop string has ended the answer. */
  push(piece: string): { text: string; stopped: boolean };
  /** What is still held, once no more comes. */
  rest(): string;
}

export function stopText(stops: readonly string[]): StopText {
  let held = '';
  return {
    push(piece) {
      if (stops.length === 0) return { text: piece, stopped: false };
      held += piece;
      const at = firstOf(held, stops);
      const end = at ?? held.length - longestBeginning(held, stops);
      const text = held.slice(0, end);
      held = at === undefined ? held.slice(end) : '';
      return { text, stopped: at !== undefined };
    },
    rest() {
      const text = held;
      held = '';
      return text;
    },
  };
}

/** Where the first of the stop strings begins. */
function firstOf(text: string, stops: readonly string[]): number | undefined {
  const places = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return places.length > 0 ? Math.min(...places) : undefined;
}

/** Characters at the end of `text` that a stop string begins with. */
function longestBeginning(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops)
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--)
      if (text.endsWith(stop.slice(0, length))) longest = length;
  return longest;
}
