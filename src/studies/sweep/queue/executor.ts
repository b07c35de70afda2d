/**
 * Points run by workers on other hosts, which share nothing but a queue: the side that sends them and takes back
 * what came of them. A point's key is the id of its job.
 */
import type { Queue } from 'bullmq';
import { HostError } from '../../../store/host-error.js';
import type { Executor } from '../executor.js';
import { errorOf, loadFrozen, type Base, type Outcome } from '../point.js';
import { buildOf } from './build.js';
import { pack, type Parcel, type ParcelOptions } from './parcel.js';
import { openPeers, QUEUE } from './peers.js';
import type { Declined, Returned } from './worker.js';

export interface QueueOptions {
  url: string;
  /** Receives a line on what happens. */
  tell: (line: string) => void;
}

/** Points that are on the queue at once: more than all workers together take. */
const SLOTS = 1000;
/** Milliseconds between two looks at all jobs: what the queue says as it happens may be lost with a connection. */
const LOOK = 5000;
/** Events that the server keeps: they have results in them, and what is missed is found by looking. */
const EVENTS = { streams: { events: { maxLen: 100 } } };

type PointQueue = Queue<Parcel, Returned>;

/** A point that workers have, and who waits for it. */
interface Sent {
  parcel: Parcel;
  end: (outcome: Outcome) => void;
}

/** @throws ConfigError if the URL is none, or a package is missing; HostError if no server answers */
export async function createQueue(
  base: Base,
  options: ParcelOptions,
  { url, tell }: QueueOptions,
): Promise<Executor> {
  const { bullmq, name: server, connect, disconnect } = await openPeers(url);
  const queue: PointQueue = new bullmq.Queue(QUEUE, { connection: connect(), ...EVENTS });
  const events = new bullmq.QueueEvents(QUEUE, { connection: connect() });
  const build = buildOf();
  const sent = new Map<string, Sent>();
  const tellOnce = once(tell);
  const lost = ({ message }: Error) =>
    tellOnce(`${server}: connection lost, trying again: ${message}`);
  const end = (key: string, ended: Returned | HostError) => {
    const of = sent.get(key);
    if (of === undefined) return;
    // A job that a worker had when this one was sent may have been of another build.
    if ('build' in ended && ended.build !== build) return void put(queue, of.parcel).catch(lost);
    sent.delete(key);
    of.end('build' in ended ? ended.outcome : { error: errorOf(key, ended) });
    void queue.remove(key).catch(lost);
  };
  queue.on('error', lost);
  events.on('error', lost);
  events.on('completed', ({ jobId, returnvalue }) =>
    end(jobId, returnvalue as unknown as Returned),
  );
  events.on('failed', ({ jobId, failedReason }) => end(jobId, failureOf(failedReason)));
  events.on('progress', ({ jobId, data }) => {
    const { declined, worker } = data as unknown as Declined;
    if (sent.has(jobId)) tellOnce(`worker ${worker} declines points: ${declined}`);
  });
  await events.waitUntilReady();
  const look = setInterval(() => {
    if (sent.size === 0) return;
    void lookAt(queue, sent, end).catch(lost);
    void queue.getWorkersCount().then((count) => {
      if (count === 0) tellOnce(`no worker: wafersim worker --redis ${server} starts one`);
    }, lost);
  }, LOOK);
  return {
    slots: SLOTS,
    run: async (_, point) =>
      new Promise((resolve, reject) => {
        const parcel = pack(point, base, loadFrozen(base, point), { build, options });
        sent.set(point.key, { parcel, end: resolve });
        put(queue, parcel).catch(reject);
      }),
    async close() {
      clearInterval(look);
      await Promise.allSettled([...sent.keys()].map(async (key) => queue.remove(key)));
      await Promise.allSettled([events.close(), queue.close()]);
      disconnect();
    },
  };
}

/** Says each line once. */
function once(tell: (line: string) => void): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (!said.has(line)) tell(line);
    said.add(line);
  };
}

/** A job that has no result: its process ended, or one worker after another was lost with it. */
function failureOf(reason: string): HostError {
  return new HostError(`no worker could simulate it: ${reason}`);
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
  sent: ReadonlyMap<string, Sent>,
  end: (key: string, ended: Returned | HostError) => void,
): Promise<void> {
  for (const [key, { parcel }] of [...sent]) {
    const state = await queue.getJobState(key);
    if (state === 'unknown' && sent.has(key)) await put(queue, parcel);
    if (state !== 'completed' && state !== 'failed') continue;
    const job = await queue.getJob(key);
    if (job) end(key, state === 'completed' ? job.returnvalue : failureOf(job.failedReason));
  }
}
