/** `wafersim worker`: simulates points of sweeps on other hosts, which come over a queue. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { host, startWorker } from '../index.js';
import { onSignal } from './command-thread.js';
import { prefixed } from './errors.js';
import { shardCount } from './options.js';
import { note } from './output.js';

interface WorkerCommandOptions {
  redis: string;
  jobs: number;
}

const EXAMPLES = `
Examples:
  wafersim worker --redis redis://queue.example:6379
  wafersim worker --redis rediss://:PASSWORD@queue.example:6380 --jobs 8
  wafersim sweep plan.yaml -o runs/plan --redis redis://queue.example:6379   (what sends the points)

A worker needs this version of wafersim, the packages bullmq and ioredis, and no shared disk: small files come with
a point. Ctrl-C and SIGTERM give back at once what it is at.`;

export function addWorker(program: Command): void {
  program
    .command('worker')
    .description('simulate points of sweeps that others put on a queue')
    .requiredOption('--redis <url>', 'the Redis server that has the queue')
    .option(
      '--jobs <n>',
      'points at the same time, each in a process',
      shardCount,
      availableParallelism(),
    )
    .addHelpText('after', EXAMPLES)
    .action(work);
}

/** Never ends by itself. */
async function work({ redis, jobs }: WorkerCommandOptions): Promise<void> {
  const tell = (line: string) => note(prefixed(line));
  const worker = await startWorker({ url: redis, jobs, now: host.now, tell });
  onSignal(() => worker.stop());
}
