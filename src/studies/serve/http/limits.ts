/** What the endpoint takes at most: it is a local tool, and nothing that reaches it may exhaust its host. */
export interface HttpLimits {
  /** Bytes of one body or one WebSocket message, and of all bodies that are being read together. */
  bodyBytes: number;
  allBodiesBytes: number;
  /** Nested lists and objects in a body. */
  depth: number;
  /** Connections, and responses that are being written, all samples of a request counted. */
  connections: number;
  responses: number;
  /** Tokens of all answers that are being written together. */
  tokens: number;
  /** Bytes of the headers of a request. */
  headerBytes: number;
  /** Milliseconds in which a request's headers, and all of it, have to be there. */
  headersMs: number;
  requestMs: number;
  /**
   * Milliseconds that a connection without a request stays open. Of clients' own limits undici's is 4 s, httpx's 5 s and
   * aiohttp's 15 s: to a connection that the endpoint ends first a client may just be sending a request, which fails.
   */
  idleMs: number;
  /** Bytes that wait for a reader before it is taken for gone. */
  unreadBytes: number;
  /** Samples of a request (`n` times its prompts). */
  samples: number;
  /** Conversations kept for `previous_response_id`, and characters of them all. */
  conversations: number;
  conversationCharacters: number;
  /** Milliseconds between two pings of a WebSocket; one that has not answered the last is given up. */
  pingMs: number;
  /** Milliseconds in which WebSockets have to close once the endpoint ends. */
  closeMs: number;
  /** Milliseconds that a WebSocket lasts (OpenAI's: 60 minutes), its lanes, and their responses in flight. */
  socketMs: number;
  lanes: number;
  socketResponses: number;
  /** Messages of one WebSocket that wait for their turn. */
  socketQueue: number;
}

const MIB = 2 ** 20;

export const LIMITS: HttpLimits = {
  bodyBytes: 16 * MIB,
  allBodiesBytes: 256 * MIB,
  depth: 64,
  connections: 1024,
  responses: 1024,
  tokens: 4 * MIB,
  headerBytes: 16 * 1024,
  headersMs: 10_000,
  requestMs: 60_000,
  idleMs: 75_000,
  unreadBytes: MIB,
  samples: 128,
  conversations: 1000,
  conversationCharacters: 64 * MIB,
  pingMs: 30_000,
  closeMs: 200,
  socketMs: 3_600_000,
  lanes: 32,
  socketResponses: 16,
  socketQueue: 64,
};
