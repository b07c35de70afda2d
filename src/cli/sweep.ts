/** `wafersim sweep`: many design points, those next to each other in one thread, kept in a store. */
import { createHash } from 'node:crypto';
import { hostname, availableParallelism } from 'node:os';
import { join, parse } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { EXIT } from '../exit.js';
import { ConfigError, createPause, createPool, isFailed, openSweepStore } from '../index.js';
import {
  plannedDocument,
  plannedTable,
  planOfArguments,
  prepareSweep,
  readPlan,
} from '../index.js';
import { runSweep, statusOf, sweepColumns, sweepTable } from '../index.js';
import type {
  Plan,
  PreparedSweep as Prepared,
  Shard,
  SweepDocument,
  SweepStore,
} from '../index.js';
import type { Style } from '../report/format.js';
import { stepFolder } from './cache.js';
import { endsWithout } from './command-thread.js';
import { prefixed } from './errors.js';
import { addSimulationOptions, repeated, setOption, shardCount } from './options.js';
import type { SimulationOptions } from './options.js';
import { formatOf, show, type FormatOptions } from './formats.js';
import { GUARD, note, print } from './output.js';
import { simulating } from './simulating.js';
import { addJobOptions, areJobs, checkJobOptions, jobsOf, type JobOptions } from './sweep-jobs.js';
import { withSweepLine } from './sweep-line.js';
import { openQueue } from './sweep-queue.js';

export interface SweepOptions extends SimulationOptions, JobOptions {
  axis?: string[];
  set?: string[];
  output?: string;
  jobs: number;
  shard?: Shard;
  retryFailed?: boolean;
  dryRun?: boolean;
  status?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim sweep configs/wse3.yaml --axis workload.context=1024,4096 --axis placement.strategy=snake,greedy
  wafersim sweep plan.yaml --dry-run
  wafersim sweep plan.yaml -o sweeps/first --jobs 8
  wafersim sweep plan.yaml -o sweeps/first --shard 0/2
  wafersim sweep -o sweeps/first --status

A plan (its schema: wafersim schema sweep):
  base: configs/wse3.yaml
  set: [workload.tokens=1]
  axes:
    placement.strategy: [row-major, snake, greedy]
    workload.context: { log2: [1024, 16384] }
    hardware.fabric.hopCycles: { range: [1, 3, 1] }
  zip:
    - { placement.rows: [150, 165], placement.layerColumns: [60, 55] }
  exclude:
    - { placement.strategy: greedy, workload.context: 16384 }
  pareto: { x: tokensPerSecondPerUser, y: coresUsed }

Every combination of the axes is a point. All are resolved and placed before the first one runs.
The directory holds plan.yaml, plan.ndjson, points/KEY/run.json or error.json, and once all points
have run results.csv, results.ndjson, results.parquet and sweep.html. A sweep that was ended
in any way goes on where it was; several commands may work on one directory at once.
Exit codes: 0 if every point has a result (that it does not fit is one), 1 if a point failed otherwise.`;

export function addSweep(program: Command): void {
  const command = program
    .command('sweep')
    .description('many design points: every combination of some settings')
    .argument('[plan-or-config]', 'plan (YAML); or a configuration, with --axis')
    .argument('[sbatch...]', 'with --slurm, after --: options of sbatch')
    .optionsGroup('What is simulated:')
    .option(
      '--axis <path=values>',
      'without a plan: values of one setting, e.g. workload.context=1024,4096 (repeatable)',
      repeated,
    )
    .addOption(setOption('workload.batch=4, with --axis'))
    .option('--retry-failed', 'also run again what failed, but for what does not fit or cannot run')
    .optionsGroup('How it is simulated (never changes the result):')
    .option('--jobs <n>', 'points at once, each in a thread', shardCount, availableParallelism())
    .option(
      '--shard <i/n>',
      'the i-th of n parts of the points, from 0: for n commands at once',
      shard,
    );
  addJobOptions(command.optionsGroup('Where it is simulated:'));
  addSimulationOptions(command, { memo: true, keeps: true })
    .option('--dry-run', 'list the points, their keys and what is known of them, and run none')
    .option('--status', 'say what the directory has, and run none')
    .option(
      '-o, --output <dir>',
      'directory of the sweep (default: sweeps/ and the name of the plan)',
    )
    .addHelpText('after', EXAMPLES)
    .action(sweep);
}

/** @throws InvalidArgumentError unless i/n with i from 0 to n - 1 */
function shard(text: string): Shard {
  const [, index, count] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  const found = { index: Number(index), count: Number(count) };
  if (!(found.index < found.count))
    throw new InvalidArgumentError('Expected i/n with i from 0 to n - 1, e.g. 0/2 and 1/2.');
  return found;
}

async function sweep(
  path: string | undefined,
  sbatch: string[],
  options: SweepOptions,
): Promise<void> {
  checkJobOptions(options, sbatch);
  if (options.status) {
    const document = statusOf(storeAt(folderOf(path, options)));
    return write(document, options);
  }
  const plan = planOf(path, options);
  const store = storeAt(options.output ?? defaultFolder(plan));
  const { cache, engine, maxCycles } = options;
  const how = { engine, memo: options.memo ?? true, maxCycles };
  const steps = cache && maxCycles === undefined ? stepFolder() : undefined;
  const pool = createPool(plan.base, options.jobs, { ...how, cache: steps });
  // Whatever ends this process, others take over at once what it had begun.
  endsWithout(store.life);
  const { redis, dryRun = false } = options;
  const queue = redis === undefined || dryRun ? undefined : await openQueue(redis, plan.base, how);
  try {
    const show = await simulating(options, async ({ now, signal }) =>
      withSweepLine(async (onProgress) =>
        orAborted(signal, async () => {
          const { shard, retryFailed } = options;
          const pause = createPause({ now, signal });
          const preparing = { shard, retryFailed, pause, onProgress };
          const prepared = await prepareSweep(plan, store, pool, preparing);
          noteDamaged(prepared, store);
          if (areJobs(options))
            return jobsOf(prepared, store, pool, { path: path!, sbatch, now, ...options });
          if (dryRun) {
            const document = plannedDocument(prepared, store);
            return () =>
              formatOf(options) === 'table'
                ? print(plannedTable(document))
                : write(document, options);
          }
          const document = await runSweep(prepared, store, queue ?? pool, { now, onProgress });
          if (hasFailed(prepared, document)) process.exitCode = EXIT.difference;
          return () => write(document, options);
        }),
      ),
    );
    show();
  } finally {
    await queue?.close();
    await pool.close();
    store.leave();
  }
}

function noteDamaged({ known }: Prepared, { folder }: SweepStore): void {
  for (const { key, status } of known.values())
    if (status === 'damaged')
      note(prefixed(`${join(folder, 'points', key)}: damaged, its point runs again`));
}

/** Whether a point of this part has neither a run as it should be nor one that cannot be. */
function hasFailed({ mine }: Prepared, { points }: SweepDocument): boolean {
  const keys = new Set(mine.map(({ key }) => key));
  return points.some(({ key, status }) => keys.has(key) && isFailed(status));
}

/** Once the time is up the work is left, and its threads are ended with the pool. */
async function orAborted<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([work(), aborted]);
}

function planOf(path: string | undefined, { axis = [], set = [] }: SweepOptions): Plan {
  if (path === undefined)
    throw new ConfigError('sweep: expected a plan, or a configuration with --axis, found none');
  if (axis.length > 0) return planOfArguments(path, set, axis);
  if (set.length > 0)
    throw new ConfigError('--set: expected with --axis; a plan has set: [path=value]');
  return readPlan(path);
}

function folderOf(path: string | undefined, options: SweepOptions): string {
  return options.output ?? defaultFolder(planOf(path, options));
}

/** By the name of the plan; what is not in a file is told apart by what it says. */
function defaultFolder({ base, text }: Plan): string {
  const { name } = parse(base.plan ?? base.written);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return join('sweeps', base.plan === undefined ? `${name}-${hash}` : name);
}

function storeAt(folder: string): SweepStore {
  if (folder.trim() === '') throw new ConfigError('-o: expected a directory, found an empty name');
  const owner = { host: hostname(), process: process.pid, began: performance.timeOrigin };
  return openSweepStore(folder, owner, GUARD);
}

function write(document: SweepDocument, options: FormatOptions): void {
  const text = (style: Style) => sweepTable(document, style);
  show({ document, text, rows: () => sweepColumns(document) }, options);
}
