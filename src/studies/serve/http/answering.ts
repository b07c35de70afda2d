/**
 * One answer: the tokens of a request in the simulated server get their words, and go out in events of one or
 * several. It ends with its last token, with its text, or with a stop string.
 */
import type { Token } from '../../../serving/driver.js';
import type { Recipient } from './pace.js';
import type { CallPiece, Delta, Finish } from './service.js';
import { stopText } from './stop-text.js';
import type { Spoken } from './text.js';

type Growing = Delta & { calls: CallPiece[]; tokenNs: number[] };

/** Tokens in an event: all that are due at once, or so many. */
export type StreamInterval = 'auto' | number;

export interface AnsweringOptions {
  /** Undefined: nothing is said, the prompt is only read. */
  spoken: Spoken | undefined;
  stops: readonly string[];
  streamInterval: StreamInterval;
  take: (delta: Delta) => void;
  /** Ends the request in the simulated server with the tokens that it has. */
  finish: () => void;
}

export function answering(options: AnsweringOptions): Recipient {
  const { spoken, streamInterval, take } = options;
  const stop = stopText(options.stops);
  let due: Token[] = [];
  let sent = 0;
  let over = false;
  /** Why it has ended; without one it was cut. */
  let finish: Finish | undefined = spoken === undefined ? 'stop' : undefined;

  /** What has come and shows in no text yet, as it may be the beginning of a stop string. */
  let next = emptyDelta();

  const say = (spoken: Spoken, index: number) => {
    const piece = spoken.piece(index);
    if (piece.call !== undefined) add(next.calls, piece.call);
    else {
      const { text, stopped } = stop.push(piece.text);
      next.text += text;
      if (stopped) finish = 'stop';
    }
    if (piece.last && finish === undefined) {
      next.text += stop.rest();
      finish = spoken.calls ? 'tool_calls' : 'stop';
    }
  };
  const receive = ({ index, ns, end: served }: Token) => {
    if (index >= 0 && spoken !== undefined && finish === undefined) {
      next.tokens++;
      next.tokenNs.push(ns);
      say(spoken, index);
    }
    if (served === undefined) return;
    if (finish === undefined) next.text += stop.rest();
    next.end =
      served.outcome === 'rejected' ? { rejected: served } : { finish: finish ?? 'length', served };
  };
  const send = (tokens: readonly Token[]) => {
    tokens.forEach(receive);
    sent += tokens.length;
    if (finish !== undefined && next.end === undefined && !over) {
      over = true;
      options.finish();
    }
    const { text, calls, end } = next;
    if (text === '' && calls.length === 0 && end === undefined) return;
    const delta = next;
    next = emptyDelta();
    take(delta);
  };
  return {
    token: (token) => void due.push(token),
    flush() {
      if (streamInterval === 'auto') {
        const all = due;
        due = [];
        return send(all);
      }
      // The first token goes out at once, as it is the one that is waited for.
      for (;;) {
        const size = sent === 0 ? 1 : streamInterval;
        const ended = due.at(-1)?.end !== undefined;
        if (due.length === 0 || (due.length < size && !ended)) return;
        send(due.splice(0, size));
      }
    },
  };
}

function emptyDelta(): Growing {
  return { text: '', calls: [], tokens: 0, tokenNs: [] };
}

/** Pieces of one call follow one another: they are one in an event. */
function add(calls: CallPiece[], piece: CallPiece): void {
  const last = calls.at(-1);
  if (last?.index === piece.index && piece.name === undefined) last.text += piece.text;
  else calls.push({ ...piece });
}
