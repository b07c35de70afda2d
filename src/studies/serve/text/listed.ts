/** An answer whose tokens are all known before the first is asked for. */
import type { Answer, TextToken, ToolCall } from './source.js';

/**
 * @param tokens at most as many as are asked for
 * @param how whether the answer ends by itself after them, and the tool calls that they are
 */
export function listed(
  tokens: readonly TextToken[],
  { ends, calls = [] }: { ends: boolean; calls?: readonly ToolCall[] },
): Answer {
  const whole = calls.length > 0 ? 'tool_calls' : 'stop';
  return {
    tokens,
    calls,
    token: (index) => tokens[index],
    finish: () => (ends ? whole : 'length'),
    close: () => {},
  };
}

/** Pieces of a text of about four bytes, which is what a token is counted as, each of whole characters. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  let bytes = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    if (bytes > 0 && bytes + size > BYTES) {
      pieces.push(piece);
      piece = '';
      bytes = 0;
    }
    piece += character;
    bytes += size;
  }
  return piece === '' ? pieces : [...pieces, piece];
}

const BYTES = 4;
