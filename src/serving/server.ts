/**
 * A server with one pipeline of layers: requests wait, their prompts stream through the layers one
 * after the other, and users decode together, token by token. Driven by events in integer
 * nanoseconds: a request reaches the server, a piece of a prompt has entered the pipeline, a token
 * comes out. `stepTime` says how long a token takes, and the policy which request goes first.
 */
import FlatQueue from 'flatqueue';
import { completed, createAccount, rejected, unfinished, type Account } from './account.js';
import { createDelivery, deliver, seenNs, uplinkNs } from './transport.js';
import type { Delivery, Transport } from './transport.js';
import { createLoad, grow, join, leave, type DecodeLoad, stepWith, type Policy } from './policy.js';
import { createMemory, fits, keptBy, release, take, type CacheMemory } from './memory.js';
import type { Request, Served } from './request.js';
import type { StepTime } from './step-time.js';

export interface ServeOptions {
  policy: Policy;
  stepTime: StepTime;
  /** Positions of the KV cache, for all users together. */
  kvTokens: number;
  /** Positions that are given out together; 1 if not given. */
  kvBlock?: number;
  /** Users whose states the layers hold, those of idle sessions included; any number if not given. */
  states?: number | undefined;
  /** Longest context that the model reads or the wafer holds for one user. */
  maxContext: number;
  transport: Transport;
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

const ARRIVE = 0;
const PIECE = 1;
const FIRST = 2;
const TOKEN = 3;

/** How many waiting requests a policy that lets them overtake looks at. */
const LOOK_AHEAD = 64;

interface Server extends ServeOptions {
  requests: readonly Request[];
  /** Request after request of a chain; -1: none. */
  follower: Int32Array;
  /** Requests that follow no other, in the order in which they reach the server, and the next of them. */
  open: Int32Array;
  nextOpen: number;
  /** request * 4 + kind, by time. */
  events: FlatQueue;
  memory: CacheMemory;
  load: DecodeLoad;
  delivery: Delivery;
  waiting: number[];
  head: number;
  /** The prompt that is being read: request or -1, position, tokens of its piece. */
  reading: number;
  position: number;
  piece: number;
  results: (Served | undefined)[];
  account: Account;
}

/**
 * Serves requests until all have ended, or until the horizon.
 * @param requests with ids 0, 1, ...; one that follows another comes after it, and alone
 */
export function serve(requests: readonly Request[], options: ServeOptions): ServeResult {
  const server = createServer(requests, options);
  const { events, open, account, horizonNs = Infinity } = server;
  const { queuedNs } = account;
  let endNs = 0;
  for (;;) {
    const inside = events.peekValue() ?? Infinity;
    const outside = server.nextOpen < open.length ? queuedNs[open[server.nextOpen]] : Infinity;
    const now = Math.min(inside, outside);
    if (now === Infinity) break;
    endNs = Math.min(now, horizonNs);
    if (now > horizonNs) break;
    if (inside <= outside) handle(server, events.pop()!, now);
    else arrive(server, open[server.nextOpen++], now);
    if (server.reading < 0 && server.head < server.waiting.length) startNext(server, endNs);
  }
  const { delivery, memory } = server;
  const served = requests.flatMap(
    (one) => server.results[one.id] ?? unfinished(account, delivery, one, endNs) ?? [],
  );
  const gapsNs = delivery.gaps.subarray(0, delivery.gapCount);
  return { served, gapsNs, endNs, evictions: memory.evictions };
}

function handle(server: Server, event: number, now: number): void {
  const id = event >> 2;
  const kind = event & 3;
  if (kind === TOKEN) token(server, id, now);
  else if (kind === FIRST) firstToken(server, id, now);
  else if (kind === PIECE) pieceEntered(server, now);
  else arrive(server, id, now);
}

function createServer(requests: readonly Request[], options: ServeOptions): Server {
  const { stepTime, kvTokens, kvBlock, states, maxContext, transport } = options;
  const server: Server = {
    ...options,
    requests,
    follower: new Int32Array(requests.length).fill(-1),
    open: new Int32Array(0),
    nextOpen: 0,
    events: new FlatQueue(),
    memory: createMemory(kvTokens, kvBlock, states),
    load: createLoad(stepTime, maxContext),
    delivery: createDelivery(requests.length, transport),
    waiting: [],
    head: 0,
    reading: -1,
    position: 0,
    piece: 0,
    results: Array.from({ length: requests.length }),
    account: createAccount(requests.length),
  };
  const open: number[] = [];
  requests.forEach(({ id, after, arrivalNs }, i) => {
    if (id !== i || (after !== undefined && !(after < id && server.follower[after] === -1)))
      throw new RangeError(`request ${i}: expected ids in order and one follower each`);
    if (after !== undefined) server.follower[after] = id;
    else {
      open.push(id);
      server.account.queuedNs[id] = send(server, id, arrivalNs);
    }
  });
  const { queuedNs } = server.account;
  server.open = Int32Array.from(open).sort((a, b) => queuedNs[a] - queuedNs[b] || a - b);
  return server;
}

/** The client sends a request. Returns when it reaches the server. */
function send(server: Server, id: number, arrivalNs: number): number {
  server.account.arrivalNs[id] = arrivalNs;
  return arrivalNs + uplinkNs(server.requests[id], server.transport);
}

function arrive(server: Server, id: number, now: number): void {
  const { promptTokens, outputTokens } = server.requests[id];
  const needed = promptTokens + outputTokens;
  const room = Math.min(server.maxContext, server.memory.capacity);
  server.account.queuedNs[id] = now;
  if (needed <= room) server.waiting.push(id);
  else end(server, id, now, `needs ${needed} positions of KV cache, at most ${room} fit`);
}

/** Starts the first waiting request that may, if any may. */
function startNext(server: Server, now: number): void {
  const { waiting, policy, memory, load, requests } = server;
  const last = Math.min(waiting.length, server.head + (policy.overtakes ? LOOK_AHEAD : 1));
  for (let i = server.head; i < last; i++) {
    const id = waiting[i];
    const { promptTokens, outputTokens, session, historyTokens = 0 } = requests[id];
    const kept = keptBy(memory, session);
    if (!fits(memory, promptTokens + outputTokens) || !policy.admits(load, promptTokens)) continue;
    take(memory, promptTokens + outputTokens, session);
    waiting.copyWithin(server.head + 1, server.head, i);
    server.head++;
    server.account.startNs[id] = now;
    load.joining++;
    server.reading = id;
    // At least its last token has to pass the layers again to say what comes next.
    server.position = kept > 0 ? Math.min(historyTokens, kept, promptTokens - 1) : 0;
    startPiece(server, now);
    return;
  }
}

/** The next tokens of the prompt enter the pipeline, between those of the users that decode. */
function startPiece(server: Server, now: number): void {
  const { load, policy, position, reading, events } = server;
  const rest = server.requests[reading].promptTokens - position;
  const share = policy.promptTokens(load, position);
  const tokens = Math.min(share, rest);
  const perToken = stepWith(load, share, position + tokens / 2) / share;
  server.piece = tokens;
  events.push(reading * 4 + PIECE, now + Math.round(tokens * perToken));
  if (tokens < rest) return;
  const last = position + tokens - 1;
  const max = Math.max(last, load.contextMax);
  const path = load.stepTime(1, { mean: last, max, total: last });
  events.push(reading * 4 + FIRST, now + Math.round((tokens - 1) * perToken) + path);
}

function pieceEntered(server: Server, now: number): void {
  server.position += server.piece;
  server.piece = 0;
  if (server.position < server.requests[server.reading].promptTokens) startPiece(server, now);
  else server.reading = -1;
}

function firstToken(server: Server, id: number, now: number): void {
  const { promptTokens, outputTokens } = server.requests[id];
  server.account.firstNs[id] = now;
  server.load.joining--;
  deliver(server.delivery, id, now);
  if (outputTokens === 1) return end(server, id, now);
  join(server.load, promptTokens);
  startToken(server, id, now);
}

function token(server: Server, id: number, now: number): void {
  const { delivery, load } = server;
  const { promptTokens, outputTokens } = server.requests[id];
  deliver(delivery, id, now);
  const done = delivery.tokens[id];
  const context = promptTokens + done - 2;
  if (done === outputTokens) {
    leave(load, context);
    return end(server, id, now);
  }
  grow(load, context);
  startToken(server, id, now);
}

/** A user's token passes the layers among those of the other users and of the prompt that is being read. */
function startToken(server: Server, id: number, now: number): void {
  const { load, piece, position } = server;
  const { users, contextSum: total, contextMax: max } = load;
  const step =
    piece > 0
      ? stepWith(load, piece, position + piece / 2)
      : load.stepTime(users, { mean: total / users, max, total });
  server.events.push(id * 4 + TOKEN, now + step);
}

/** A request has ended: by its last token, or with the reason why it is rejected. */
function end(server: Server, id: number, now: number, reason?: string): void {
  const { account, delivery, requests, follower, transport } = server;
  const request = requests[id];
  const { promptTokens, outputTokens, session } = request;
  server.results[id] =
    reason === undefined
      ? completed(account, delivery, request, now)
      : rejected(account, delivery, request, reason);
  const next = follower[id];
  const keeps =
    transport.keepsCache && session !== undefined && requests[next]?.session === session;
  if (reason === undefined)
    release(server.memory, promptTokens + outputTokens, keeps ? session : undefined);
  if (next < 0) return;
  const seen = reason === undefined ? seenNs(delivery, id) : now + delivery.downlink;
  const reaches = send(server, next, seen + (requests[next].thinkNs ?? 0));
  server.events.push(next * 4 + ARRIVE, reaches);
}
