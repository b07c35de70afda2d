/**
 * The process in which a worker of the queue has points simulated: BullMQ starts it and calls what is exported. It
 * keeps from one point to the next what neighbours share.
 */
import { realpathSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { Worker as Thread } from 'node:worker_threads';
import type { SandboxedJob } from 'bullmq';
import type { SimulateOptions } from '../../../decode/options.js';
import { createRunner } from '../../../decode/runner.js';
import { host } from '../../../host.js';
import { ConfigError } from '../../../config/errors.js';
import { ModelError } from '../../../model/errors.js';
import { clearFolders, makeFolder, removeFolder } from '../../../store/parcel-folder.js';
import { loadFrozen, runLoaded, type Kept, type LoadedPoint } from '../point.js';
import { buildOf, workerIn, workerName } from './build.js';
import { unpack, type Parcel, type ParcelOptions, type Unpacked } from './parcel.js';
import type { Declined, Returned } from './worker.js';

/**
 * Milliseconds that this process outlives its worker at most. A thread looks: this one simulates. The worker may be
 * gone already, so that whose child this is says nothing: its number is in the title.
 */
const WATCH = 250;
const worker = workerIn(process.title);
const watch = `setInterval(() => process.ppid === ${worker} || process.kill(process.pid, 'SIGKILL'), ${WATCH})`;
new Thread(watch, { eval: true }).unref();
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));

/** What points had in common so far that were simulated in one way. */
let last: { way: string; options: SimulateOptions; kept: Kept } | undefined;

function likeLast(of: ParcelOptions): { options: SimulateOptions; kept: Kept } {
  const way = JSON.stringify(of);
  if (last?.way === way) return last;
  const options = { ...of, shards: 1, ...host };
  last = { way, options, kept: { runner: createRunner(options) } };
  return last;
}

const build = buildOf();

/** Folders of parcels: those of processes that were killed are removed by the next one. */
const TEMPORARY = realpathSync(tmpdir());
const FOLDERS = `wafersim-point-${hostname()}`;
clearFolders(TEMPORARY, FOLDERS);

/** Milliseconds until a point that this worker has declined is there for others. */
const SOON = 1000;

export default async function simulatePoint(
  job: SandboxedJob<Parcel>,
  token: string,
): Promise<Returned> {
  const folder = makeFolder(TEMPORARY, FOLDERS, process.pid);
  try {
    const found = opened(job.data, folder);
    if ('declined' in found) {
      const declined: Declined = { declined: found.declined, worker: workerName(worker) };
      await job.updateProgress(declined);
      await job.moveToDelayed(host.date() * 1000 + SOON, token);
      // The name by which BullMQ knows that the job is neither done nor failed.
      throw Object.assign(new Error(found.declined), { name: 'DelayedError' });
    }
    const { options, kept } = likeLast(job.data.options);
    const outcome = await runLoaded(found.base, found.loaded, { ...options, kept });
    return JSON.parse(JSON.stringify({ build, outcome }).replaceAll(folder, '')) as Returned;
  } finally {
    process.chdir('/');
    removeFolder(folder);
  }
}

/** A parcel's point as it was read, or why it is for others. */
function opened(
  parcel: Parcel,
  folder: string,
): { base: Unpacked['base']; loaded: LoadedPoint } | { declined: string } {
  if (parcel.build !== build)
    return { declined: `it is of version ${parcel.build}, this worker of ${build}` };
  const { directory, base, missing } = unpack(parcel, folder);
  process.chdir(directory);
  try {
    return { base, loaded: loadFrozen(base, parcel.point) };
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof ModelError)) throw error;
    const files = missing.length > 0 ? `this host has no ${missing.join(', ')}: ` : '';
    return { declined: `${files}${error.message.replaceAll(folder, '')}` };
  }
}
