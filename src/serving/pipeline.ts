/**
 * A server with one pipeline of layers: requests wait, their prompts stream through the layers one
 * after the other, and users decode together, token by token, or round by round where tokens are
 * drafted. Driven by events in integer nanoseconds: a request reaches the server or is given up, a
 * piece of a prompt has entered the pipeline, tokens come out. `stepTime` says how long a token takes,
 * and the policy which request goes first. Nothing is kept of requests that have ended.
 */
import FlatQueue from 'flatqueue';
import { completed, createAccount, rejected, unfinished, type Account } from './account.js';
import { createAgenda, type Agenda } from './agenda.js';
import { downlinkNs, framingNs, uplinkNs, type Transport } from './transport.js';
import {
  createLoad,
  grow,
  join,
  leave,
  roundWith,
  type DecodeLoad,
  type Policy,
} from './policy.js';
import { createMemory, drop, fits, keptBy, release, shorten, take } from './memory.js';
import type { CacheMemory } from './memory.js';
import type { Rejection, Request, Served } from './request.js';
import { drawAccepted, drawsOf, noRounds, type RoundCounts, type Rounds } from './rounds.js';
import type { StepTime } from './step-time.js';

export interface ServerOptions {
  policy: Policy;
  stepTime: StepTime;
  /** Several tokens of a user in flight, where they are drafted. */
  rounds?: Rounds | undefined;
  /** Positions of the KV cache, for all users together. */
  kvTokens: number;
  /** Positions that are given out together; 1 if not given. */
  kvBlock?: number;
  /** Users whose states the layers hold, those of idle sessions included; any number if not given. */
  states?: number | undefined;
  /** Longest context that the model reads or the wafer holds for one user. */
  maxContext: number;
  /** Requests that may wait; one more is turned away. Any number if not given. */
  maxWaiting?: number | undefined;
  transport: Transport;
}

/** Receives what comes out, at the instant at which it leaves the server. */
export interface Listener {
  /** A token was framed at `framedNs` of its account; `before` it is that of the token before, if any. */
  token(account: Account, now: number, before: number): void;
  ended(served: Served, now: number, account: Account): void;
}

/**
 * What happens inside: a request that follows another arrives, a piece of the prompt that is read has entered, a
 * token leaves. Of a request that has ended meanwhile it means nothing.
 */
const ARRIVE = 0;
const PIECE = 1;
const TOKEN = 2;

/** What comes from outside: a request, the end of one, the end of a session. */
type Command =
  | { kind: 'arrive' | 'cancel' | 'finish'; live: Account }
  | { kind: 'close'; session: number };

/** How many waiting requests a policy that lets them overtake looks at. */
const LOOK_AHEAD = 64;

export interface Pipeline extends ServerOptions {
  listener: Listener;
  /** Requests that were submitted and have not ended, in that order; no two ever have the same number. */
  live: Map<number, Account>;
  /** Sessions that have been opened, and not closed. */
  sessions: Set<number>;
  /** request * 4 + kind, by time. */
  events: FlatQueue;
  outside: Agenda<Command>;
  memory: CacheMemory;
  load: DecodeLoad;
  /** Positions of a request in addition to its tokens: those of drafted tokens that may be wrong. */
  spare: number;
  counts: RoundCounts;
  /** Framing of a token, and its path to the client. */
  framing: number;
  downlink: number;
  waiting: Account[];
  head: number;
  /** The prompt that is being read, its position, tokens of its piece. */
  reading: Account | undefined;
  position: number;
  piece: number;
  /** Last instant at which something happened. */
  lastNs: number;
}

export function createPipeline(options: ServerOptions, listener: Listener): Pipeline {
  const { kvTokens, kvBlock, states, maxContext, transport, rounds } = options;
  return {
    ...options,
    listener,
    live: new Map(),
    sessions: new Set(),
    events: new FlatQueue(),
    outside: createAgenda(),
    memory: createMemory(kvTokens, kvBlock, states),
    load: createLoad(options, maxContext),
    spare: rounds === undefined ? 0 : rounds.tokens - 1,
    counts: noRounds(),
    framing: framingNs(transport),
    downlink: downlinkNs(transport),
    waiting: [],
    head: 0,
    reading: undefined,
    position: 0,
    piece: 0,
    lastNs: 0,
  };
}

/**
 * The client sends a request at `now`; a session's first one opens its connection.
 * @param follows whether an answer that has just ended calls for it
 * @param number what its accepted tokens are drawn by; its id if not given
 */
export function send(
  server: Pipeline,
  request: Request,
  now: number,
  { keep, follows = false, number }: { keep: boolean; follows?: boolean; number?: number },
): void {
  const { live: all, sessions, transport, outside, events } = server;
  const { id, session } = request;
  if (all.has(id)) throw new RangeError(`request ${id}: expected a number that no other has`);
  const opens = session !== undefined && !sessions.has(session);
  if (opens) sessions.add(session);
  const live = createAccount(request, now, keep, number);
  all.set(id, live);
  const at = now + uplinkNs(request, transport, opens);
  if (follows) events.push(id * 4 + ARRIVE, at);
  else outside.add(at, { kind: 'arrive', live });
}

/** The client gives a request up at `now`, or the server has said all of its answer. */
export function stop(server: Pipeline, id: number, now: number, kind: 'cancel' | 'finish'): void {
  const live = server.live.get(id);
  const path = kind === 'cancel' ? server.downlink : 0;
  if (live) server.outside.add(now + path, { kind, live });
}

/** The client closes a session's connection at `now`. */
export function close(server: Pipeline, session: number, now: number): void {
  server.outside.add(now + server.downlink, { kind: 'close', session });
}

/** When something happens next; Infinity if nothing does. */
export function nextNs({ events, outside }: Pipeline): number {
  return Math.min(events.peekValue() ?? Infinity, outside.nextNs());
}

/** All that happens up to an instant. At one instant what is inside comes first. */
export function runUntil(server: Pipeline, until: number): void {
  const { events, outside } = server;
  for (;;) {
    const inside = events.peekValue() ?? Infinity;
    const now = Math.min(inside, outside.nextNs());
    if (now > until || now === Infinity) return;
    if (inside <= now) handle(server, events.pop()!, now);
    else obey(server, outside.take()!, now);
    if (server.reading === undefined && server.head < server.waiting.length) startNext(server, now);
  }
}

function handle(server: Pipeline, event: number, now: number): void {
  const kind = event % 4;
  const live = server.live.get((event - kind) / 4);
  if (kind === PIECE) {
    // A short answer may be over before the end of its prompt's last piece is due.
    const { reading } = server;
    if (reading?.request.id !== (event - kind) / 4) return;
    server.lastNs = now;
    return pieceEntered(server, reading, now);
  }
  if (live === undefined) return;
  server.lastNs = now;
  if (kind === ARRIVE) arrive(server, live, now);
  else if (live.phase === 'decoding') roundEnds(server, live, now);
  else firstToken(server, live, now);
}

function obey(server: Pipeline, command: Command, now: number): void {
  if (command.kind === 'close') return closed(server, command.session, now);
  const { kind, live } = command;
  if (live.phase === 'ended') return;
  server.lastNs = now;
  if (kind === 'arrive') arrive(server, live, now);
  else withdraw(server, live, now, kind);
}

function arrive(server: Pipeline, live: Account, now: number): void {
  const { maxContext, memory, maxWaiting = Infinity, waiting, head } = server;
  const needed = roomOf(server, live);
  const room = Math.min(maxContext, memory.capacity);
  live.queuedNs = now;
  if (needed > room)
    refuse(server, live, 'context', `needs ${needed} positions of KV cache, at most ${room} fit`);
  else if (waiting.length - head >= maxWaiting)
    refuse(server, live, 'queue', `the queue is full: at most ${maxWaiting} requests wait`);
  else {
    live.phase = 'waiting';
    waiting.push(live);
  }
}

/** Positions that a request takes when it starts. */
function roomOf({ spare }: Pipeline, { request: { promptTokens, outputTokens } }: Account): number {
  return promptTokens + outputTokens + spare;
}

/** Starts the first waiting request that may, if any may. */
function startNext(server: Pipeline, now: number): void {
  const { waiting, policy, memory, load } = server;
  const last = Math.min(waiting.length, server.head + (policy.overtakes ? LOOK_AHEAD : 1));
  for (let i = server.head; i < last; i++) {
    const live = waiting[i];
    const { promptTokens, session, historyTokens = 0, parent } = live.request;
    const room = roomOf(server, live);
    const kept = keptBy(memory, session, parent);
    if (!fits(memory, room) || !policy.admits(load, promptTokens)) continue;
    take(memory, room, session);
    waiting.copyWithin(server.head + 1, server.head, i);
    server.head++;
    forgetStarted(server);
    live.startNs = now;
    live.phase = 'reading';
    load.joining++;
    server.reading = live;
    // At least its last token has to pass the layers again to say what comes next.
    live.cachedTokens = kept > 0 ? Math.min(historyTokens, kept, promptTokens - 1) : 0;
    server.position = live.cachedTokens;
    startPiece(server, now);
    return;
  }
}

/** Waiting requests are taken from the front; now and then those taken make room. */
function forgetStarted(server: Pipeline): void {
  if (server.head < 1024 || server.head < server.waiting.length / 2) return;
  server.waiting.splice(0, server.head);
  server.head = 0;
}

/** The next tokens of the prompt enter the pipeline, between those of the users that decode. */
function startPiece(server: Pipeline, now: number): void {
  const { load, policy, position, events } = server;
  const live = server.reading!;
  const rest = live.request.promptTokens - position;
  const share = policy.promptTokens(load, position);
  const tokens = Math.min(share, rest);
  const perToken = roundWith(load, 0, share, position + tokens / 2).ns / share;
  server.piece = tokens;
  events.push(live.request.id * 4 + PIECE, now + Math.round(tokens * perToken));
  if (tokens < rest) return;
  const last = position + tokens - 1;
  const max = Math.max(last, load.contextMax);
  const path = load.stepTime(1, { mean: last, max, total: last });
  events.push(live.request.id * 4 + TOKEN, now + Math.round((tokens - 1) * perToken) + path);
}

function pieceEntered(server: Pipeline, live: Account, now: number): void {
  server.position += server.piece;
  server.piece = 0;
  if (server.position < live.request.promptTokens) return startPiece(server, now);
  server.reading = undefined;
  if (live.phase === 'reading') live.phase = 'entered';
}

function firstToken(server: Pipeline, live: Account, now: number): void {
  const { promptTokens, outputTokens } = live.request;
  live.firstNs = now;
  server.load.joining--;
  live.phase = 'decoding';
  if (outputTokens > 0) deliver(server, live, now);
  if (outputTokens <= 1) return complete(server, live, now);
  join(server.load, promptTokens);
  startRound(server, live, now);
}

/** A round ends: its certain token and those that were guessed right leave together. */
function roundEnds(server: Pipeline, live: Account, now: number): void {
  const { load, counts } = server;
  const { verified, accepted, request } = live;
  const context = contextOf(live);
  const emitted = Math.min(accepted + 1, request.outputTokens - live.tokens);
  counts.rounds++;
  counts.drafted += verified - 1;
  counts.accepted += accepted;
  counts.emitted += emitted;
  for (let i = 0; i < emitted; i++) deliver(server, live, now);
  if (live.tokens === request.outputTokens) {
    leave(load, context);
    return complete(server, live, now);
  }
  grow(load, context, emitted);
  startRound(server, live, now);
}

/** Tokens in the cache of a user that decodes. */
function contextOf({ request, tokens }: Account): number {
  return request.promptTokens + tokens - 1;
}

/** A user's tokens pass the layers among those of the other users and of the prompt that is being read. */
function startRound(server: Pipeline, live: Account, now: number): void {
  const { load, piece, position, rounds } = server;
  const round = roundWith(load, 0, piece, piece > 0 ? position + piece / 2 : 0);
  live.verified = round.tokens;
  if (rounds !== undefined) {
    live.draws ??= drawsOf(rounds, live.number);
    live.accepted = drawAccepted(live.draws, rounds, round);
  }
  server.events.push(live.request.id * 4 + TOKEN, now + round.ns);
}

/** A token leaves the wafer; a connection frames one token at a time. */
function deliver({ framing, downlink, listener }: Pipeline, live: Account, now: number): void {
  const before = live.framedNs;
  live.framedNs = Math.max(now, before) + framing;
  live.leftNs = now;
  if (live.tokens++ === 0) live.firstSeenNs = live.framedNs + downlink;
  listener.token(live, now, before);
}

/** A request has said all that it was to say. */
function complete(server: Pipeline, live: Account, now: number): void {
  const { memory, listener } = server;
  const { promptTokens, session, id } = live.request;
  const positions = promptTokens + live.tokens;
  shorten(memory, roomOf(server, live), positions);
  release(memory, positions, live.keep ? session : undefined, id);
  forget(server, live);
  // An answer that is cut short was over with its last token.
  const left = live.tokens > 0 ? live.leftNs : now;
  listener.ended(completed(live, left, Math.max(left, live.framedNs) + server.downlink), now, live);
}

function refuse(server: Pipeline, live: Account, kind: Rejection, reason: string): void {
  forget(server, live);
  server.listener.ended(rejected(live, server.downlink, kind, reason), live.queuedNs, live);
}

function forget(server: Pipeline, live: Account): void {
  live.phase = 'ended';
  server.live.delete(live.request.id);
}

/** A request ends before its last token: cache and slot are free at once, whatever is still on its way. */
function withdraw(server: Pipeline, live: Account, now: number, kind: 'cancel' | 'finish'): void {
  const { load, memory, waiting, listener } = server;
  const { phase } = live;
  if (server.reading === live) {
    server.reading = undefined;
    server.piece = 0;
  }
  if (phase === 'waiting') waiting.splice(waiting.indexOf(live, server.head), 1);
  if (phase === 'reading' || phase === 'entered') load.joining--;
  if (phase === 'decoding') leave(load, contextOf(live));
  if (kind === 'finish' && phase === 'decoding') return complete(server, live, now);
  if (phase !== 'sent' && phase !== 'waiting') release(memory, roomOf(server, live), undefined);
  forget(server, live);
  listener.ended(unfinished(live, now, 'cancelled'), now, live);
}

/** A connection has ended: what its session keeps is freed, and no request of it keeps anything. */
function closed(server: Pipeline, session: number, now: number): void {
  server.lastNs = now;
  server.sessions.delete(session);
  drop(server.memory, session);
  for (const live of server.live.values()) if (live.request.session === session) live.keep = false;
}
