/**
 * A server that is fed while it runs: requests come one by one, each may be given up, and time passes only as far
 * as it is told to. What the same submissions do at the same instants is the same, however often time is advanced
 * in between; `serve` (server.ts) is the same server fed from a list.
 */
import { createAgenda } from './agenda.js';
import { close, createPipeline, nextNs, runUntil, send, stop } from './pipeline.js';
import type { ServerOptions } from './pipeline.js';
import type { Request, Served } from './request.js';

/** A token at its client, or the end of a request without one. */
export interface Token {
  /** Of its request. */
  id: number;
  /** 0, 1, ... of the answer; -1: no token, the request has ended after those that it had. */
  index: number;
  /** When the client sees it, and when it left the wafer; integer nanoseconds of simulated time. */
  ns: number;
  waferNs: number;
  /** With a request's last token, or alone: what became of it. Nothing comes after it. */
  end?: Served;
}

/** What is in the server. */
export interface Status {
  /** Requests that have started, and that wait. */
  running: number;
  waiting: number;
  /** Positions of the KV cache: all, of requests that run, and kept for sessions that are idle. */
  kvTokens: number;
  kvUsed: number;
  kvKept: number;
  /** Sessions whose cache is kept, and how often one was evicted. */
  keptSessions: number;
  evictions: number;
}

/**
 * Every method that takes `now` counts an instant before the last one as the last one, and returns the instant
 * that it counted, which is what a record of it has to say.
 */
export interface Driver {
  /**
   * A client sends a request at `now`; the request's own `arrivalNs` and `after` mean nothing here.
   * @throws RangeError unless its id is above all before, and its numbers of tokens are some
   */
  submit(request: Request, now: number): number;
  /** A client gives its request up: its cache and its slot are free at once. One that has ended stays as it is. */
  cancel(id: number, now: number): number;
  /** The answer ends with the tokens that have come so far; before the first it is given up. */
  finish(id: number, now: number): number;
  /** The connection of a session ends: the cache that it keeps is freed. Its requests run on. */
  close(session: number, now: number): number;
  /** Lets time pass, and gives the tokens that clients see in it, in their order. */
  advance(until: number): Token[];
  /** When the next thing happens; Infinity if nothing does before another call. */
  nextNs(): number;
  status(): Status;
}

export function createDriver(options: ServerOptions): Driver {
  const due = createAgenda<Token>();
  /** The token that left the wafer last, of all requests. */
  let last!: Token;
  const server = createPipeline(options, {
    token({ request, tokens, framedNs }, waferNs) {
      last = { id: request.id, index: tokens - 1, ns: framedNs + server.downlink, waferNs };
      due.add(last.ns, last);
    },
    ended(end, waferNs, { tokens, request, framedNs }) {
      if (tokens > 0 && tokens === request.outputTokens) {
        last.end = end;
        return;
      }
      // A client that has gone is sent nothing, but keeps what is on its way.
      const path = server.downlink;
      const ns = Math.max(waferNs + (end.outcome === 'cancelled' ? 0 : path), framedNs + path);
      due.add(ns, { id: request.id, index: -1, ns, waferNs, end });
    },
  });
  /** Last instant that was advanced to, or at which anything was asked for. */
  let time = 0;
  let newest = -1;
  let submitted = 0;
  const at = (now: number) => {
    if (!Number.isSafeInteger(now))
      throw new RangeError(`expected integer nanoseconds, found ${now}`);
    time = Math.max(time, now);
    return time;
  };
  return {
    submit(request, now) {
      checkTokens(request);
      if (request.id <= newest)
        throw new RangeError(`request ${request.id}: expected a number above ${newest}`);
      newest = request.id;
      // A record of it has no gaps between its ids.
      send(server, request, at(now), { keep: request.keep === true, number: submitted++ });
      return time;
    },
    cancel(id, now) {
      stop(server, id, at(now), 'cancel');
      return time;
    },
    finish(id, now) {
      stop(server, id, at(now), 'finish');
      return time;
    },
    close(session, now) {
      close(server, session, at(now));
      return time;
    },
    advance(until) {
      runUntil(server, at(until));
      const tokens: Token[] = [];
      while (due.nextNs() <= time) tokens.push(due.take()!);
      return tokens;
    },
    nextNs: () => Math.min(nextNs(server), due.nextNs()),
    status() {
      const { load, waiting, head, memory } = server;
      const { capacity, free, keptTotal, kept, evictions } = memory;
      return {
        running: load.users + load.joining,
        waiting: waiting.length - head,
        kvTokens: capacity,
        kvUsed: capacity - free - keptTotal,
        kvKept: keptTotal,
        keptSessions: kept.size,
        evictions,
      };
    },
  };
}

function checkTokens({ id, promptTokens, outputTokens, historyTokens = 0 }: Request): void {
  const isCount = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;
  if (!isCount(promptTokens, 1) || !isCount(outputTokens, 0) || !isCount(historyTokens, 0))
    throw new RangeError(
      `request ${id}: expected whole numbers of tokens, at least 1 in the prompt, found ${promptTokens}, ` +
        `${outputTokens} and ${historyTokens} of history`,
    );
}
