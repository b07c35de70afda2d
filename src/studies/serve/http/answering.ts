/**
 * One answer: the tokens of a request in the simulated server get their words, and go out in events of one or
 * several. It ends with its last token, with its text, or with a stop string.
 */
import type { Token } from '../../../serving/driver.js';
import type { Answer, TextToken } from '../text/source.js';
import type { Recipient } from './pace.js';
import type { CallPiece, Delta, Finish } from './service.js';
import { stopText } from './stop-text.js';

/** Tokens in an event: all that are due at once, or so many. */
export type StreamInterval = 'auto' | number;

export interface AnsweringOptions {
  /** Undefined: nothing is said, the prompt is only read. */
  words: Answer | undefined;
  stops: readonly string[];
  streamInterval: StreamInterval;
  take: (delta: Delta) => void;
  /** Ends the request in the simulated server with the tokens that it has. */
  finish: () => void;
  /** A word that had to be computed has come, whose token was due at this instant. */
  onWord: (ns: number) => void;
  /** Words could not be had: nothing more comes. */
  fail: (error: unknown) => void;
}

export interface Answering extends Recipient {
  /** Nothing more is to be taken. */
  close(): void;
}

export function answering(options: AnsweringOptions): Answering {
  const { words, streamInterval, take } = options;
  const next = deltaBuilder(options);
  /** Tokens that are due and have no word yet. */
  const due: Token[] = [];
  /** Tokens of the next event; the first one goes out at once, as it is the one that is waited for. */
  let inEvent = 0;
  let wanted = 1;
  let isWaiting = false;
  let over = false;

  const close = () => {
    if (over) return;
    over = true;
    words?.close();
  };
  const emit = () => {
    inEvent = 0;
    wanted = streamInterval === 'auto' ? Infinity : streamInterval;
    const delta = next.take();
    if (delta === undefined || over) return;
    if (delta.end !== undefined) close();
    take(delta);
  };
  /** The first of the tokens that are due, with its word, if it has one. */
  const said = (word?: TextToken | 'ended') => {
    const token = due.shift()!;
    if (word !== undefined) next.word(token, word);
    if (token.end !== undefined) next.end(token.end);
    else if (next.justFinished()) options.finish();
    inEvent++;
    if (token.end !== undefined || (streamInterval !== 'auto' && inEvent >= wanted)) emit();
  };
  const flush = () => {
    if (over) due.length = 0;
    while (due.length > 0 && !isWaiting) {
      const [{ index, ns }] = due;
      const isSilent = index < 0 || words === undefined || next.finish() !== undefined;
      const word = isSilent ? undefined : words.token(index);
      if (!(word instanceof Promise)) said(isSilent ? undefined : (word ?? 'ended'));
      else {
        isWaiting = true;
        word
          .then((known) => {
            isWaiting = false;
            if (over) return;
            options.onWord(ns);
            said(known ?? 'ended');
            flush();
          })
          .catch((error: unknown) => {
            if (over) return;
            close();
            options.fail(error);
          });
      }
    }
    if (streamInterval === 'auto') emit();
  };
  return { token: (token) => void due.push(token), flush, close };
}

/** Collects words of tokens until an event takes them. */
function deltaBuilder({ words, stops }: AnsweringOptions) {
  const stop = stopText(stops);
  /** Why the answer has ended; without a reason it was cut. */
  let finish: Finish | undefined = words === undefined ? 'stop' : undefined;
  let wasFinished = words === undefined;
  let delta = emptyDelta();
  const known = words?.tokens?.length;
  const named = new Set<number>();
  /** A call's name goes out whole, with its first token; pieces of its arguments follow, one in an event. */
  const addCall = (calls: CallPiece[], index: number, { text, isName }: TextToken) => {
    const last = calls.at(-1);
    const piece = isName ? '' : text;
    if (!named.has(index)) calls.push({ index, name: words!.calls[index].name, text: piece });
    else if (piece !== '' && last?.index === index) last.text += piece;
    else if (piece !== '') calls.push({ index, text: piece });
    named.add(index);
  };
  return {
    finish: () => finish,
    /** True once: the answer has come to its end. */
    justFinished() {
      const just = finish !== undefined && !wasFinished;
      wasFinished ||= just;
      return just;
    },
    word({ index, ns }: Token, word: TextToken | 'ended') {
      if (word === 'ended') {
        finish = words!.finish();
        return;
      }
      delta.tokens++;
      delta.tokenNs.push(ns);
      if (word.call !== undefined) addCall(delta.calls, word.call, word);
      else {
        const { text, stopped } = stop.push(word.text);
        delta.text += text;
        if (stopped) finish = 'stop';
      }
      if (finish === undefined && index + 1 === known) {
        finish = words!.finish();
        delta.text += stop.rest();
      }
    },
    end(served: NonNullable<Token['end']>) {
      if (finish !== 'stop') delta.text += stop.rest();
      delta.end =
        served.outcome === 'rejected'
          ? { rejected: served }
          : { finish: finish ?? words?.finish() ?? 'length', served };
    },
    /** What has come, if any of it shows: the beginning of a stop string is held back, and its tokens with it. */
    take(): Delta | undefined {
      const { text, calls, end } = delta;
      if (text === '' && calls.length === 0 && end === undefined) return undefined;
      const taken = delta;
      delta = emptyDelta();
      return taken;
    },
  };
}

type Growing = Delta & { calls: CallPiece[]; tokenNs: number[] };

function emptyDelta(): Growing {
  return { text: '', calls: [], tokens: 0, tokenNs: [] };
}
