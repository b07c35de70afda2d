/**
 * The simulated server at the pace of the wall clock: what is asked for reaches it at the simulated instant of now,
 * and once a tick everything that is due by now is handed out.
 */
import type { Driver, Token } from '../../../serving/driver.js';
import type { Request } from '../../../serving/request.js';

/** Receives what becomes of a request: its tokens as they are due, then the end of a tick that had some. */
export interface Recipient {
  token(token: Token): void;
  flush(): void;
}

export interface PaceOptions {
  driver: Driver;
  /** Simulated seconds in a second of the wall clock. */
  speed: number;
  /** Seconds of the wall clock, from any instant. */
  now: () => number;
  /** Seconds from a token's being due to its being handed out, each of them. */
  onLag: (seconds: number) => void;
  /** Called once, when the host cannot hand tokens out as fast as the wafer makes them. */
  onHostLimit: (seconds: number) => void;
  /** Receives what fails in a tick, which is a fault. */
  onFault: (error: unknown) => void;
}

export interface Pace {
  /** @param since when the client sent it, by `now`; now if not given */
  submit(request: Request, recipient: Recipient, since?: number): void;
  /** Ends a request from outside: given up, or complete with the tokens that it has. */
  cancel(id: number): void;
  finish(id: number): void;
  closeSession(session: number): void;
  /** What was due at this instant is handed out only now, as its word had to be computed. */
  handedLate(ns: number): void;
  /** Stops the clock. */
  stop(): void;
}

/** Node's timers know no shorter time. */
const TICK_MS = 1;
/** Longest time that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** Seconds that a tick is late before the host counts as slow, and how many more of those than of others are too many. */
const LATE = 0.05;
const LATE_TICKS = 40;

export function createPace(options: PaceOptions): Pace {
  const { driver, speed, now } = options;
  const begun = now();
  const recipients = new Map<number, Recipient>();
  const simulatedNs = (seconds = now()) => Math.max(0, Math.round((seconds - begun) * 1e9 * speed));
  const counter = lateness(options.onHostLimit);
  const [late, lateWords] = [counter(), counter()];
  let timer: NodeJS.Timeout | undefined;
  let timerNs = Infinity;

  const hand = (token: Token, due: Set<Recipient>) => {
    const recipient = recipients.get(token.id);
    if (token.end !== undefined) recipients.delete(token.id);
    if (recipient === undefined) return;
    recipient.token(token);
    due.add(recipient);
  };
  const tick = () => {
    timer = undefined;
    const until = simulatedNs();
    const due = new Set<Recipient>();
    const tokens = driver.advance(until);
    for (const token of tokens) hand(token, due);
    for (const recipient of due) orFault(() => recipient.flush());
    const handed = simulatedNs();
    for (const { ns } of tokens) options.onLag((handed - ns) / 1e9 / speed);
    if (tokens.length > 0) late((handed - tokens[0].ns) / 1e9 / speed);
  };
  const schedule = () => {
    const nextNs = driver.nextNs();
    if (timer !== undefined && timerNs <= nextNs) return;
    clearTimeout(timer);
    timer = undefined;
    if (nextNs === Infinity) return;
    timerNs = nextNs;
    const milliseconds = (nextNs - simulatedNs()) / 1e6 / speed;
    timer = setTimeout(
      () => {
        orFault(tick);
        orFault(schedule);
      },
      Math.min(LONGEST_MS, Math.max(TICK_MS, milliseconds)),
    );
  };
  /** One that fails takes no others with it. */
  const orFault = (work: () => void) => {
    try {
      work();
    } catch (error) {
      options.onFault(error);
    }
  };
  const then = (ask: (nowNs: number) => void, since?: number) => {
    ask(simulatedNs(since));
    schedule();
  };
  return {
    submit(request, recipient, since) {
      then((ns) => {
        driver.submit(request, ns);
        recipients.set(request.id, recipient);
      }, since);
    },
    cancel(id) {
      // What has ended holds nothing any more.
      if (!recipients.delete(id)) return;
      then((ns) => driver.cancel(id, ns));
    },
    finish: (id) => then((ns) => driver.finish(id, ns)),
    closeSession: (session) => then((ns) => driver.close(session, ns)),
    handedLate: (ns) => lateWords((simulatedNs() - ns) / 1e9 / speed),
    stop: () => clearTimeout(timer),
  };
}

/** Counters of what is late, which say so once: when for long more of what one counts is late than not. */
function lateness(onHostLimit: (seconds: number) => void): () => (seconds: number) => void {
  let said = false;
  return () => {
    let count = 0;
    return (seconds) => {
      count = Math.max(0, count + (seconds > LATE ? 1 : -1));
      if (said || count < LATE_TICKS) return;
      said = true;
      onHostLimit(seconds);
    };
  };
}
