/**
 * Requests that are known beforehand, served from the first to the last: the pipeline is fed with each at its
 * time, and with those that follow another one when that one has ended.
 */
import { unfinished } from './account.js';
import { createPipeline, nextNs, runUntil, send, type ServerOptions } from './pipeline.js';
import type { Request, Served } from './request.js';

export interface ServeOptions extends ServerOptions {
  /** What has not ended by then stays unfinished. */
  horizonNs?: number;
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
}

/**
 * Serves requests until all have ended, or until the horizon.
 * @param requests with ids 0, 1, ...; one that follows another comes after it, and alone
 */
export function serve(requests: readonly Request[], options: ServeOptions): ServeResult {
  const { transport, horizonNs = Infinity } = options;
  const followers = followersOf(requests);
  const results: (Served | undefined)[] = Array.from({ length: requests.length });
  const gaps = growing();
  const server = createPipeline(options, {
    token({ tokens, framedNs }, _, before) {
      if (tokens > 1) gaps.push(framedNs - before);
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
  const open = requests
    .filter(({ after }) => after === undefined)
    .sort((a, b) => a.arrivalNs - b.arrivalNs);
  for (const request of open) {
    if (request.arrivalNs > horizonNs) break;
    runUntil(server, request.arrivalNs);
    send(server, request, request.arrivalNs, { keep: keeps(request) });
  }
  runUntil(server, horizonNs);
  const lastOpenNs = open.at(-1)?.arrivalNs ?? 0;
  const isOver = nextNs(server) === Infinity && lastOpenNs <= horizonNs;
  const endNs = isOver ? server.lastNs : horizonNs;
  for (const live of server.live.values())
    if (live.arrivalNs <= endNs) results[live.request.id] = unfinished(live, endNs);
  const served = results.filter((one) => one !== undefined);
  return { served, gapsNs: gaps.values(), endNs, evictions: server.memory.evictions };
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
