/**
 * The packages of the queue, BullMQ on Redis by ioredis. They are optional: they are loaded only here, once a
 * queue is asked for.
 */
import type * as BullMQ from 'bullmq';
import type { Redis } from 'ioredis';
import { ConfigError } from '../../../config/errors.js';
import { HostError } from '../../../store/host-error.js';

/** A queue's packages, and new connections to its server. */
export interface Peers {
  bullmq: typeof BullMQ;
  /** The server as messages name it: without a password. */
  name: string;
  /** For BullMQ, which does not close what it is given. */
  connect: () => Redis;
  /** Ends all connections. */
  disconnect: () => void;
}

/** All points of all sweeps are jobs of one queue. */
export const QUEUE = 'wafersim';

const CONNECT_MILLISECONDS = 5000;
/** Between two attempts to reach a server that was there before. */
const RETRY_MILLISECONDS = 1000;

/**
 * Loads the packages and reaches the server once.
 * @throws ConfigError if the URL is none, or a package is missing; HostError if no server answers
 */
export async function openPeers(url: string): Promise<Peers> {
  const name = nameOf(url);
  const [bullmq, { Redis }] = await loaded();
  const connect = (retry = true) =>
    new Redis(url, {
      // BullMQ waits for jobs in a command that takes as long as it takes.
      maxRetriesPerRequest: null,
      connectTimeout: CONNECT_MILLISECONDS,
      retryStrategy: () => (retry ? RETRY_MILLISECONDS : null),
      lazyConnect: !retry,
    });
  const first = connect(false);
  let why: Error | undefined;
  first.on('error', (error) => (why = error));
  try {
    await first.connect();
    await first.ping();
  } catch (error) {
    throw new HostError(`${name}: expected a Redis server, found ${reasonOf(why ?? error)}`);
  } finally {
    first.disconnect();
  }
  const connections: Redis[] = [];
  return {
    ...{ bullmq, name },
    connect() {
      const connection = connect();
      connections.push(connection);
      return connection;
    },
    disconnect() {
      for (const connection of connections) connection.disconnect();
    },
  };
}

async function loaded() {
  try {
    return await Promise.all([import('bullmq'), import('ioredis')]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ConfigError(
      '--redis: expected the packages bullmq and ioredis next to wafersim, found none: npm install bullmq@6.7 ioredis@6',
    );
  }
}

/** The server as messages name it: without a password. */
function nameOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== '') {
    url.password = '';
    return url.href;
  }
  // What is no URL may have a password anywhere.
  const found = text.includes('@') ? 'another text' : JSON.stringify(text);
  throw new ConfigError(
    `--redis: expected a URL such as redis://HOST:6379 or rediss://USER:PASSWORD@HOST:6380/0, found ${found}`,
  );
}

/** What the system or the server says, without what a reader knows. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return (message || code) ?? 'none';
}
