/** A thread of this process that a study gives work to. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { wrap, type Remote } from 'comlink';
import { endpointOf } from '../../engine/sharded/endpoint.js';

export interface Thread<T> {
  worker: Worker;
  remote: Remote<T>;
  /** Rejects when the thread ends. */
  ended: Promise<never>;
}

/** The package's folder, by its own name: it is found from everywhere. */
const HOME = pathToFileURL(createRequire(import.meta.url).resolve('wafersim/package.json'));

/** @param file the built worker in one file (cli/bundle.mjs), in dist/studies */
export function startThread<T>(file: string, workerData: unknown): Thread<T> {
  const worker = new Worker(new URL(`dist/studies/${file}`, HOME), { workerData });
  const ended = new Promise<never>((_, reject) => {
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a thread ended early, with code ${code}`)));
  });
  // It may end while nothing awaits it.
  ended.catch(() => {});
  return { worker, remote: wrap<T>(endpointOf(worker)), ended };
}
