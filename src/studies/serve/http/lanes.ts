/**
 * Lanes of a WebSocket: requests of one `stream_id` come one after the other, those of different ones at once, up
 * to a limit. Each lane keeps its last conversation, with its cache on the wafer.
 */
import { ApiError, queueFull } from './api-error.js';
import type { Conversation } from './conversations.js';
import type { HttpLimits } from './limits.js';

export interface Lane {
  /** Undefined: the lane of requests that name none. */
  name: string | undefined;
  /** Of its cache in the simulated server. */
  session: number;
  last?: Conversation;
}

export interface Lanes {
  /** The lane of this name. @throws ApiError for one too many */
  of(name: string | undefined): Lane;
  /** Begins `work` once it is the lane's turn; it calls `done` at its end. @throws ApiError if too many wait */
  run(lane: Lane, work: (done: () => void) => void): void;
  /** The conversation of a response that a lane still has. */
  find(id: string): Conversation | undefined;
  all(): Iterable<Lane>;
}

type LaneLimits = Pick<HttpLimits, 'lanes' | 'socketResponses' | 'socketQueue'>;

export function lanesWithin(
  { lanes: most, socketResponses, socketQueue }: LaneLimits,
  openSession: () => number,
): Lanes {
  const lanes = new Map<string | undefined, Lane>();
  const busy = new Set<Lane>();
  const waiting: { lane: Lane; work: (done: () => void) => void }[] = [];
  const next = () => {
    while (busy.size < socketResponses) {
      const at = waiting.findIndex(({ lane }) => !busy.has(lane));
      if (at < 0) return;
      const [{ lane, work }] = waiting.splice(at, 1);
      busy.add(lane);
      work(() => {
        busy.delete(lane);
        next();
      });
    }
  };
  return {
    of(name) {
      const known = lanes.get(name);
      if (known !== undefined) return known;
      if (name !== undefined && lanes.size - (lanes.has(undefined) ? 1 : 0) >= most)
        throw tooManyLanes(most);
      const lane = { name, session: openSession() };
      lanes.set(name, lane);
      return lane;
    },
    run(lane, work) {
      if (waiting.length >= socketQueue)
        throw queueFull(`${waiting.length} requests of this connection wait already`, 1);
      waiting.push({ lane, work });
      next();
    },
    find: (id) => [...lanes.values()].find(({ last }) => last?.id === id)?.last,
    all: () => lanes.values(),
  };
}

/** What a request names as its lane, if it names one. @throws ApiError for what can be no name */
export function laneName(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'string' && /^[\w.-]{1,256}$/.test(given)) return given;
  throw new ApiError(
    400,
    "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain " +
      'letters, numbers, underscores, hyphens, and periods.',
    { code: 'invalid_stream_id', param: 'stream_id' },
  );
}

function tooManyLanes(most: number): ApiError {
  return new ApiError(
    400,
    `This WebSocket connection has reached its maximum number of distinct stream IDs (${most}). ` +
      'Reuse an existing stream_id or open a new WebSocket connection.',
    { code: 'websocket_stream_limit_reached', param: 'stream_id' },
  );
}
