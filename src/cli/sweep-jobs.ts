/** `wafersim sweep --slurm` and `--k8s`: a sweep as jobs of a scheduler, each task of which runs a shard. */
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import {
  bundled,
  ConfigError,
  freeze,
  indexedJob,
  knownPace,
  manifestText,
  measuredPace,
  slurm,
} from '../index.js';
import type { Executor, PreparedSweep, SweepStore } from '../index.js';
import { json } from '../report/json.js';
import { writing } from './command-thread.js';
import { numberThat } from './options.js';
import { note, print } from './output.js';
import { prefixed } from './errors.js';
import { mostTasks, submit } from './slurm.js';
import type { SweepOptions } from './sweep.js';

/** What the command line says of the jobs. */
export interface JobOptions {
  slurm?: boolean;
  k8s?: boolean;
  redis?: string;
  pointsPerTask?: 'auto' | number;
}

export function addJobOptions(command: Command): void {
  command
    .addOption(
      new Option(
        '--slurm',
        'as an array job of Slurm, and a job after it that runs what is missing',
      ).conflicts(['k8s', 'redis', 'shard', 'status']),
    )
    .addOption(
      new Option('--k8s', 'print the manifest of an Indexed Job of Kubernetes').conflicts([
        'redis',
        'shard',
        'status',
      ]),
    )
    .addOption(
      new Option(
        '--points-per-task <n>',
        'of --slurm and --k8s: so many, or auto: five minutes of them',
      )
        .argParser(perTask)
        .default('auto'),
    )
    .addOption(
      new Option('--redis <url>', 'by the workers of a queue (see wafersim worker)').conflicts(
        'status',
      ),
    );
}

const wholeNumber = numberThat(
  (value) => Number.isSafeInteger(value) && value >= 1,
  'auto or a whole number from 1',
);
const perTask = (text: string) => (text === 'auto' ? text : wholeNumber(text));

/** Options of `sbatch` that would take from these jobs what makes them a sweep. */
const OWN = /^(?:-[adW]|--(?:array|dependency|wait|wrap|parsable)(?:=|$))/;

/** @throws ConfigError if there are words for `sbatch` that are not for these jobs */
export function checkJobOptions({ slurm: isSlurm }: JobOptions, sbatch: readonly string[]): void {
  if (!isSlurm && sbatch.length > 0)
    throw new ConfigError(
      `sweep: expected one plan, or options of sbatch with --slurm, found ${sbatch[0]}`,
    );
  const own = sbatch.find((word) => OWN.test(word));
  if (own !== undefined)
    throw new ConfigError(
      `-- ${own}: expected another option of sbatch, found one that --slurm sets itself`,
    );
}

export function areJobs({ slurm: isSlurm = false, k8s = false }: JobOptions): boolean {
  return isSlurm || k8s;
}

interface Asked extends SweepOptions {
  /** The plan or configuration. */
  path: string;
  /** Options of `sbatch`. */
  sbatch: readonly string[];
  now: () => number;
}

/** How many points are missing, and in how many tasks they are. */
interface Packed extends slurm.Packing {
  missing: number;
  secondsPerPoint: number;
  /** Those are of runs, and not assumed. */
  measured: boolean;
}

/**
 * A sweep as jobs. Where nothing is known of how long a point takes, one is simulated first.
 * @returns submits them, or prints what would be
 */
export async function jobsOf(
  prepared: PreparedSweep,
  store: SweepStore,
  pool: Executor,
  asked: Asked,
): Promise<() => void> {
  const { k8s = false, dryRun = false, now } = asked;
  const fixed = typeof asked.pointsPerTask === 'number' ? asked.pointsPerTask : undefined;
  let seconds = knownPace(prepared, store);
  if (seconds === undefined && fixed === undefined && !k8s && !dryRun) {
    note(
      prefixed(
        'one point is simulated here, to know how many are a task; --points-per-task N says it',
      ),
    );
    freeze(prepared.plan, prepared.points, store);
    seconds = await measuredPace(prepared, store, pool, now);
  }
  const missing = prepared.open.length;
  const secondsPerPoint = seconds ?? slurm.ASSUMED_SECONDS;
  const most = k8s ? MOST_PODS : mostTasks();
  const packing = slurm.pack(missing, { perTask: fixed, seconds: secondsPerPoint, most });
  const packed = { missing, secondsPerPoint, measured: seconds !== undefined, ...packing };
  return () => {
    if (k8s) return printManifest(packed, store, asked);
    if (dryRun) return printScripts(packed, store, asked);
    if (missing === 0) return note(prefixed('nothing is missing: no job is submitted'));
    freeze(prepared.plan, prepared.points, store);
    submitJobs(packed, store, asked);
  };
}

/** A Job may have as many pods as it likes; this many are enough. */
const MOST_PODS = 1000;

/** The plan and the settings, as words of a command line. */
function wordsOf({ path, axis = [], set = [], retryFailed, ...how }: Asked): string[] {
  const { engine, memo = true, maxCycles, cache } = how;
  return [
    path,
    ...axis.flatMap((text) => ['--axis', text]),
    ...set.flatMap((text) => ['--set', text]),
    ...(retryFailed ? ['--retry-failed'] : []),
    ...(engine === 'fast' ? [] : ['--engine', engine]),
    ...(memo === true || memo === 'all' ? [] : ['--memo', memo === false ? 'none' : memo]),
    ...(maxCycles === undefined ? [] : ['--max-cycles', String(maxCycles)]),
    ...(cache ? [] : ['--no-cache']),
  ];
}

function textOf({ missing, tasks, secondsPerPoint, measured }: Packed): string {
  const each = Math.ceil(missing / tasks);
  const how = measured ? 'measured' : 'assumed';
  return `${missing} points are missing: ${tasks} tasks of up to ${each}, ${secondsPerPoint.toPrecision(2)} s a point (${how})`;
}

function jobsIn({ folder }: SweepStore, packed: Packed, asked: Asked) {
  const command = ['sweep', ...wordsOf(asked), '-o', folder];
  const job: slurm.Job = {
    command: [process.execPath, bundled('dist/cli/main.js'), ...command],
    directory: process.cwd(),
    logs: resolve(folder, 'slurm'),
  };
  const scripts = {
    'slurm/array.sh': slurm.arrayScript(job, packed.tasks),
    'slurm/collect.sh': slurm.collectScript(job),
  } as const;
  return { job, scripts, document: { schema: 'wafersim.sweep-jobs/1', store: folder, ...packed } };
}

function printScripts(packed: Packed, store: SweepStore, asked: Asked): void {
  const { job, scripts, document } = jobsIn(store, packed, asked);
  const ids = packed.arrays.map((_, i) => `ARRAY_${i + 1}`);
  const commands = [
    ...packed.arrays.map((array) => slurm.arrayArguments(job, array, asked.sbatch)),
    slurm.collectArguments(job, ids, asked.sbatch),
  ].map((args) => ['sbatch', ...args].map(slurm.quoted).join(' '));
  if (asked.json) return print(json({ ...document, scripts, commands }));
  const files = Object.entries(scripts).map(([name, text]) => `# ${store.folder}/${name}\n${text}`);
  print([`# ${textOf(packed)}`, ...files, ...commands].join('\n'));
}

function submitJobs(packed: Packed, store: SweepStore, asked: Asked): void {
  const { job, scripts, document } = jobsIn(store, packed, asked);
  for (const [name, text] of Object.entries(scripts))
    store.write(name as keyof typeof scripts, text);
  const jobs = writing(() => submit(job, packed, asked.sbatch));
  if (asked.json) return print(json({ ...document, jobs }));
  print(
    [
      textOf(packed),
      `array job ${jobs.arrays.join(', ')}; then job ${jobs.collect}, which runs what is missing and writes the results`,
      `logs: ${job.logs}; what is done: wafersim sweep -o ${slurm.quoted(store.folder)} --status`,
    ].join('\n'),
  );
}

function printManifest(packed: Packed, { folder }: SweepStore, asked: Asked): void {
  const words = wordsOf(asked);
  const manifest = indexedJob({ tasks: packed.tasks, arguments: words, store: folder });
  if (asked.json) return print(json(manifest));
  const again = ['wafersim', 'sweep', ...words, '-o', folder].map(slurm.quoted).join(' ');
  print(
    [
      `# ${textOf(packed)}`,
      '# The image needs Node 20 and wafersim; the volume, mounted at /work, needs the plan and what it names.',
      `# When the job is over: ${again}`,
      manifestText(manifest),
    ].join('\n'),
  );
}
