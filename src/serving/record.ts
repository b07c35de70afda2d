/**
 * What a driver was asked for and what came of it, as lines of JSON in the order in which it happened: every
 * submission, cancellation, end of an answer and end of a session with its instant, and of every request that has
 * ended the instants at which its client saw its tokens. Read again, and asked for at the same instants, it all
 * happens at the same times (`readRecord`, `serve`). Times are integer nanoseconds of simulated time.
 */
import type { Driver, Token } from './driver.js';
import type { Request } from './request.js';

export const RECORD_SCHEMA = 'wafersim.trace/1';

/** What was asked for, in the order in which it was. */
export type Action =
  | { at: number; submit: Request }
  | { at: number; cancel: number }
  | { at: number; finish: number }
  | { at: number; close: number };

/** What a request came to, and when its client saw each token. */
export interface RecordedTokens {
  request: number;
  outcome: string;
  tokensNs: readonly number[];
}

export interface RecordedDriver extends Driver {
  /** Writes the tokens of what has not ended, and up to which instant the record goes. */
  end(): void;
}

/**
 * The driver, and everything that is asked of it written down before it is known what comes of it.
 * @param write takes whole lines
 */
export function recordedDriver(driver: Driver, write: (lines: string) => void): RecordedDriver {
  const seen = new Map<number, number[]>();
  let time = 0;
  const line = (value: object) => write(`${JSON.stringify(value)}\n`);
  const asked = (at: number, action: object) => {
    time = at;
    line({ at, ...action });
    return at;
  };
  const take = ({ id, index, ns, end }: Token) => {
    const tokensNs = seen.get(id) ?? [];
    if (index >= 0) tokensNs.push(ns);
    if (end === undefined) return;
    seen.delete(id);
    line({ request: id, outcome: end.outcome, tokensNs });
  };
  const advance = (until: number) => {
    time = Math.max(time, until);
    const tokens = driver.advance(until);
    tokens.forEach(take);
    return tokens;
  };
  line({ schema: RECORD_SCHEMA });
  return {
    ...driver,
    submit(request, now) {
      const at = driver.submit(request, now);
      seen.set(request.id, []);
      const { id, promptTokens, outputTokens, session, parent, historyTokens, keep } = request;
      const turn = { session, parent, historyTokens, keep };
      return asked(at, { submit: id, promptTokens, outputTokens, ...turn });
    },
    cancel: (id, now) => asked(driver.cancel(id, now), { cancel: id }),
    finish: (id, now) => asked(driver.finish(id, now), { finish: id }),
    close: (session, now) => asked(driver.close(session, now), { close: session }),
    advance,
    end() {
      // What has happened since time was last advanced belongs to it.
      advance(time);
      for (const [request, tokensNs] of seen) line({ request, outcome: 'unfinished', tokensNs });
      line({ at: time, end: true });
    },
  };
}
