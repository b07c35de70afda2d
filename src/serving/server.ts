/**
 * Requests that are known beforehand, served from the first to the last: the pipeline is fed with each at its
 * time, and with those that follow another one when that one has ended.
 */
import { unfinished } from './account.js';
import { close, createPipeline, nextNs, runUntil, send, stop } from './pipeline.js';
import type { ServerOptions } from './pipeline.js';
import type { Action } from './record.js';
import type { Request, Served } from './request.js';
import type { RoundCounts } from './rounds.js';

export interface ServeOptions extends ServerOptions {
  /** What has not ended by then stays unfinished. */
  horizonNs?: number;
  /** What clients ask for, and when, where that was recorded: every request, and what becomes of some. */
  actions?: readonly Action[] | undefined;
  /** Receives every token: its request, and when its client sees it. */
  onToken?: (id: number, ns: number) => void;
}

export interface ServeResult {
  /** One per request, in the order of their ids; those that never arrived are left out. */
  served: Served[];
  /** Every gap between two tokens, as the clients see them. */
  gapsNs: Float64Array;
  /** Last instant at which something happened. */
  endNs: number;
  /** Sessions whose kept cache was evicted. */
  evictions: number;
  /** Where tokens are drafted: what rounds came to. */
  rounds?: RoundCounts;
}

/**
 * Serves requests until all have ended, or until the horizon.
 * @param requests with ids 0, 1, ...; one that follows another comes after it, and alone
 */
export function serve(requests: readonly Request[], options: ServeOptions): ServeResult {
  const { transport, horizonNs = Infinity, onToken } = options;
  const followers = followersOf(requests);
  const results: (Served | undefined)[] = Array.from({ length: requests.length });
  const gaps = growing();
  const server = createPipeline(options, {
    token({ request, tokens, framedNs }, _, before) {
      if (tokens > 1) gaps.push(framedNs - before);
      onToken?.(request.id, framedNs + server.downlink);
    },
    ended(one, now) {
      results[one.request.id] = one;
      const next = requests[followers[one.request.id]];
      if (next === undefined) return;
      const seen = one.outcome === 'rejected' ? now + server.downlink : one.lastTokenNs;
      send(server, next, seen + (next.thinkNs ?? 0), { keep: keeps(next), follows: true });
    },
  });
  /** A session's cache stays for its next turn, where the connection keeps it. */
  const keeps = ({ id, session, keep = false }: Request) =>
    keep ||
    (transport.keepsCache && session !== undefined && requests[followers[id]]?.session === session);
  const actions = options.actions ?? openActions(requests);
  for (const action of actions) {
    if (action.at > horizonNs) break;
    runUntil(server, action.at);
    if ('submit' in action) send(server, action.submit, action.at, { keep: keeps(action.submit) });
    else if ('close' in action) close(server, action.close, action.at);
    else if ('cancel' in action) stop(server, action.cancel, action.at, 'cancel');
    else stop(server, action.finish, action.at, 'finish');
  }
  runUntil(server, horizonNs);
  const isOver = nextNs(server) === Infinity && (actions.at(-1)?.at ?? 0) <= horizonNs;
  const endNs = isOver ? server.lastNs : horizonNs;
  for (const live of server.live.values())
    if (live.arrivalNs <= endNs) results[live.request.id] = unfinished(live, endNs);
  const served = results.filter((one) => one !== undefined);
  const { memory, counts } = server;
  const drafted = options.rounds && { rounds: counts };
  return { served, gapsNs: gaps.values(), endNs, evictions: memory.evictions, ...drafted };
}

/** Requests that follow no other, in the order in which they are sent. */
function openActions(requests: readonly Request[]): Action[] {
  return requests
    .filter(({ after }) => after === undefined)
    .map((submit) => ({ at: submit.arrivalNs, submit }))
    .sort((a, b) => a.at - b.at);
}

/** The request after each one of a chain; -1: none. */
function followersOf(requests: readonly Request[]): Int32Array {
  const followers = new Int32Array(requests.length).fill(-1);
  requests.forEach(({ id, after }, i) => {
    if (id !== i || (after !== undefined && !(after < id && followers[after] === -1)))
      throw new RangeError(`request ${i}: expected ids in order and one follower each`);
    if (after !== undefined) followers[after] = id;
  });
  return followers;
}

/** Numbers one after the other, without knowing how many. */
function growing(): { push(value: number): void; values(): Float64Array } {
  let values = new Float64Array(1024);
  let count = 0;
  return {
    push(value) {
      if (count === values.length) {
        const more = new Float64Array(2 * count);
        more.set(values);
        values = more;
      }
      values[count++] = value;
    },
    values: () => values.subarray(0, count),
  };
}
