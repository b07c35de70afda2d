/**
 * A worker of the queue: it takes points, has each simulated by a child process, and sends what came of it back.
 * This thread only keeps the locks of its jobs alive, so that a job whose worker died is seen as such within
 * seconds, and another worker takes it.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Job } from 'bullmq';
import type { Outcome } from '../point.js';
import { titleOf, workerName } from './build.js';
import type { Parcel } from './parcel.js';
import { openPeers, QUEUE } from './peers.js';

export interface WorkOptions {
  url: string;
  /** Points at the same time, each in a process of its own. */
  jobs: number;
  /** Seconds from any fixed instant. */
  now: () => number;
  /** A line on what happens. */
  tell: (line: string) => void;
}

/** A worker at work. */
export interface QueueWorker {
  /** Gives back the points that it has taken: others take them at once. */
  stop(): Promise<void>;
}

/** What a job returns. */
export interface Returned {
  build: string;
  outcome: Outcome;
}

/** Says why a worker does not run a point: progress of its job. */
export interface Declined {
  declined: string;
  worker: string;
}

/** Milliseconds after which a job whose worker gives no sign of life is taken by another one. */
const LOCK = 10_000;
/** How often a job may lose its worker before it counts as failed. */
const MOST_LOST = 5;
/** Milliseconds in which a worker that has declined a job takes none: the job is for others. */
const REST = 2000;
/** Seconds that results wait for whoever asked for them. */
const KEPT = 24 * 3600;

/** The built processor, by the package's own name: it is found from the sources, from the build and from a bundle. */
const PROCESSOR = new URL(
  'dist/studies/queue-processor.js',
  pathToFileURL(createRequire(import.meta.url).resolve('wafersim/package.json')),
);

type PointJob = Job<Parcel, Returned>;

/** @throws ConfigError if the URL is none, or a package is missing; HostError if no server answers */
export async function startWorker({ url, jobs, now, tell }: WorkOptions): Promise<QueueWorker> {
  const { bullmq, name: server, connect } = await openPeers(url);
  const worker = new bullmq.Worker<Parcel, Returned>(QUEUE, PROCESSOR, {
    connection: connect(),
    ...{ name: workerName(process.pid), concurrency: jobs },
    workerForkOptions: { execArgv: [`--title=${titleOf(process.pid)}`] },
    ...{ lockDuration: LOCK, stalledInterval: LOCK, maxStalledCount: MOST_LOST },
    ...{ removeOnComplete: { age: KEPT }, removeOnFail: { age: KEPT } },
  });
  const active = new Map<PointJob, number>();
  const reasons = new Set<string>();
  let done = 0;
  const finish = (job: PointJob | undefined): string => {
    const begun = job && active.get(job);
    if (job) active.delete(job);
    return begun === undefined ? '' : ` in ${(now() - begun).toFixed(1)} s`;
  };
  worker.on('active', (job) => active.set(job, now()));
  worker.on('completed', (job, { outcome }) => {
    done++;
    const what = 'run' in outcome ? 'done' : outcome.error.message;
    tell(`point ${job.data.point.index}${finish(job)}: ${what} (${done} so far)`);
  });
  worker.on('failed', (job, error) => {
    tell(`point ${job?.data.point.index ?? '?'}${finish(job)}: failed: ${error.message}`);
  });
  worker.on('progress', (job, progress) => {
    active.delete(job);
    const { declined } = progress as Declined;
    if (!reasons.has(declined)) tell(`declines point ${job.data.point.index}: ${declined}`);
    reasons.add(declined);
    void worker.pause(true);
    setTimeout(() => worker.resume(), REST);
  });
  let isLost = false;
  worker.on('error', (error) => {
    if (!isLost) tell(`${server}: connection lost, trying again: ${error.message}`);
    isLost = true;
  });
  worker.on('ready', () => (isLost = false));
  tell(`takes points from ${server}, ${jobs} at a time`);
  return {
    async stop() {
      await worker.pause(true);
      await Promise.all([...active.keys()].map((job) => job.moveToWait(job.token)));
    },
  };
}
