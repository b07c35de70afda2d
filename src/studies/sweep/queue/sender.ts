/**
 * The side of a sweep that sends points to the queue and takes back what came of them. A point's key is the id of its
 * job. What the queue says as it happens may be lost with a connection, so that all jobs are looked at now and then.
 */
import type { Job, Queue } from 'bullmq';
import type { Base, FrozenPoint, LoadedPoint, Outcome } from '../point.js';
import { buildOf } from './build.js';
import { pack, type Parcel } from './parcel.js';
import { openPeers, QUEUE } from './peers.js';
import type { Declined, Returned } from './worker.js';

export interface SenderOptions {
  url: string;
  /** Receives what came of a point, or why nothing did. */
  settle: (point: FrozenPoint, outcome: Outcome | Error) => void;
  /** A line on what happens. */
  tell: (line: string) => void;
}

export interface Sender {
  /** Puts a point on the queue; `loaded` is the same as it was read here. */
  send(point: FrozenPoint, base: Base, loaded: LoadedPoint): Promise<void>;
  /** Takes back what no worker has taken, and closes the connections. */
  stop(): Promise<void>;
}

/** Milliseconds between two looks at all jobs. */
const LOOK = 5000;
/** Events that the server keeps: they have results in them, and what is missed is found by looking. */
const EVENTS = { streams: { events: { maxLen: 100 } } };

type PointQueue = Queue<Parcel, Returned>;

/** @throws ConfigError if the URL is none, or a package is missing; HostError if no server answers */
export async function startSender({ url, settle, tell }: SenderOptions): Promise<Sender> {
  const peers = await openPeers(url);
  const { bullmq, name: server, connect } = peers;
  const queue: PointQueue = new bullmq.Queue(QUEUE, { connection: connect(), ...EVENTS });
  const events = new bullmq.QueueEvents(QUEUE, { connection: connect() });
  await events.waitUntilReady();
  const build = buildOf();
  const waiting = new Map<string, Parcel>();
  const said = new Set<string>();
  const tellOnce = (line: string) => {
    if (!said.has(line)) tell(line);
    said.add(line);
  };
  const lost = ({ message }: Error) =>
    tellOnce(`${server}: connection lost, trying again: ${message}`);
  const end = (key: string, ended: Returned | Error) => {
    const parcel = waiting.get(key);
    if (parcel === undefined) return;
    // A job that a worker had when this one was sent may have been of another build.
    if (!(ended instanceof Error) && ended.build !== build)
      return void put(queue, parcel).catch(lost);
    waiting.delete(key);
    settle(parcel.point, ended instanceof Error ? ended : ended.outcome);
    void queue.remove(key).catch(() => {});
  };
  queue.on('error', lost);
  events.on('error', lost);
  events.on('completed', ({ jobId, returnvalue }) =>
    end(jobId, returnvalue as unknown as Returned),
  );
  events.on('failed', ({ jobId, failedReason }) => end(jobId, new Error(failedReason)));
  events.on('progress', ({ jobId, data }) => {
    const { declined, worker } = data as unknown as Declined;
    if (waiting.has(jobId)) tellOnce(`worker ${worker} declines points: ${declined}`);
  });
  const look = setInterval(() => {
    void lookAt(queue, waiting, end).catch(lost);
    void queue
      .getWorkersCount()
      .then(
        (count) => count === 0 && tellOnce(`no worker yet: wafersim worker --redis ${server}`),
        lost,
      );
  }, LOOK);
  return {
    async send(point, base, loaded) {
      const parcel = pack(point, base, loaded, build);
      waiting.set(point.key, parcel);
      await put(queue, parcel);
    },
    async stop() {
      clearInterval(look);
      await Promise.allSettled([...waiting.keys()].map((key) => queue.remove(key)));
      await Promise.allSettled([events.close(), queue.close()]);
    },
  };
}

/** Adds a job in place of an old one of its id; one that a worker has just now is the same work, and stays. */
async function put(queue: PointQueue, parcel: Parcel): Promise<void> {
  const { key } = parcel.point;
  await queue.remove(key);
  await queue.add('point', parcel, { jobId: key, attempts: 1 });
}

/** Finds what has ended unheard, and adds again what is gone. */
async function lookAt(
  queue: PointQueue,
  waiting: ReadonlyMap<string, Parcel>,
  end: (key: string, ended: Returned | Error) => void,
): Promise<void> {
  for (const [key, parcel] of [...waiting]) {
    const state = await queue.getJobState(key);
    if (state === 'unknown' && waiting.has(key)) await put(queue, parcel);
    if (state !== 'completed' && state !== 'failed') continue;
    const job: Job<Parcel, Returned> | undefined = await queue.getJob(key);
    if (job === undefined) continue;
    end(key, state === 'completed' ? job.returnvalue : new Error(job.failedReason));
  }
}
