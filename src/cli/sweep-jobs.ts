/** `wafersim sweep --slurm` and `--k8s`: a sweep as jobs of a scheduler, each task of which runs a shard. */
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { bundled, ConfigError, freeze, indexedJob, knownPace, slurm } from '../index.js';
import type { PreparedSweep, SweepStore } from '../index.js';
import { json } from '../report/json.js';
import { writing } from './command-thread.js';
import { print } from './output.js';
import { mostTasks, submit } from './slurm.js';

/** What the command line says of the jobs. */
export interface JobsAsked {
  /** The plan and the settings, as words of a command line; the directory of the sweep. */
  words: string[];
  folder: string;
  /** Undefined: by how long a point takes. */
  pointsPerTask: number | undefined;
  /** Of a point that was measured just now. */
  measured?: number | undefined;
  /** For `sbatch`. */
  options: readonly string[];
  json: boolean;
}

/** How many points are missing, in how many tasks. */
function packed(prepared: PreparedSweep, store: SweepStore, asked: JobsAsked, most: number) {
  const known = asked.measured ?? knownPace(prepared, store);
  const seconds = known ?? slurm.ASSUMED_SECONDS;
  const missing = prepared.open.length;
  const packing = slurm.pack(missing, { perTask: asked.pointsPerTask, seconds, most });
  return { missing, secondsPerPoint: seconds, measured: known !== undefined, ...packing };
}

function textOf({ missing, tasks, secondsPerPoint, measured }: ReturnType<typeof packed>): string {
  const each = Math.ceil(missing / Math.max(tasks, 1));
  const how = measured ? 'measured' : 'assumed';
  return `${missing} points are missing: ${tasks} tasks of up to ${each} points, ${secondsPerPoint.toPrecision(2)} s a point (${how})`;
}

/** Options of `sbatch` that would take from these jobs what makes them a sweep. */
const OWN = /^(?:-[adW]|--(?:array|dependency|wait|wrap|parsable)(?:=|$))/;

/** @throws ConfigError if an option is one that a sweep has of its own */
export function refuseOwnOptions(options: readonly string[]): void {
  const own = options.find((option) => OWN.test(option));
  if (own !== undefined)
    throw new ConfigError(
      `-- ${own}: expected another option of sbatch, found one that --slurm sets or needs`,
    );
}

/** Prints the scripts of the jobs, or writes and submits them. */
export function asSlurmJobs(
  prepared: PreparedSweep,
  store: SweepStore,
  asked: JobsAsked,
  dryRun: boolean,
): void {
  const packing = packed(prepared, store, asked, mostTasks());
  const job: slurm.Job = {
    command: [
      process.execPath,
      bundled('dist/cli/main.js'),
      'sweep',
      ...asked.words,
      '-o',
      asked.folder,
    ],
    directory: process.cwd(),
    logs: resolve(asked.folder, 'slurm'),
  };
  const scripts = {
    'slurm/array.sh': slurm.arrayScript(job, packing.tasks),
    'slurm/collect.sh': slurm.collectScript(job),
  } as const;
  const document = { schema: 'wafersim.sweep-jobs/1', store: asked.folder, ...packing };
  if (dryRun) {
    const commands = commandsOf(job, packing, asked.options);
    if (asked.json) return print(json({ ...document, scripts, commands }));
    const files = Object.entries(scripts).map(
      ([name, text]) => `# ${asked.folder}/${name}\n${text}`,
    );
    return print([`# ${textOf(packing)}`, ...files, ...commands].join('\n'));
  }
  freeze(prepared.plan, prepared.points, store);
  for (const [name, text] of Object.entries(scripts))
    store.write(name as keyof typeof scripts, text);
  const jobs = submit(job, packing, asked.options);
  // From here on something is left of this command.
  writing(() => {});
  if (asked.json) return print(json({ ...document, jobs }));
  print(
    [
      textOf(packing),
      `array ${jobs.arrays.join(', ')}, and after it ${jobs.collect}, which runs what is missing then`,
      `logs: ${job.logs}; what is done: wafersim sweep -o ${asked.folder} --status`,
    ].join('\n'),
  );
}

function commandsOf(job: slurm.Job, { arrays }: slurm.Packing, options: readonly string[]) {
  const ids = arrays.map((_, i) => `ARRAY_${i + 1}`);
  return [
    ...arrays.map((array) => slurm.arrayArguments(job, array, options)),
    slurm.collectArguments(job, ids, options),
  ].map((args) => ['sbatch', ...args].map(slurm.quoted).join(' '));
}

/** An array of Kubernetes may be as long as it likes; this many pods are enough. */
const MOST_PODS = 1000;

/** Prints the manifest of an Indexed Job. */
export function asKubernetesJob(
  prepared: PreparedSweep,
  store: SweepStore,
  asked: JobsAsked,
): void {
  const packing = packed(prepared, store, asked, MOST_PODS);
  const manifest = indexedJob({
    tasks: packing.tasks,
    arguments: asked.words,
    store: asked.folder,
  });
  if (asked.json) return print(json(manifest));
  print(
    [
      `# ${textOf(packing)}`,
      '# The image needs Node 20 and the command wafersim; the volume claim, the plan under its path in /work.',
      `# When the job is over: wafersim sweep ${asked.words.map(slurm.quoted).join(' ')} -o ${slurm.quoted(asked.folder)}`,
      stringify(manifest),
    ].join('\n'),
  );
}
