/**
 * A sweep as jobs of Slurm (https://slurm.schedmd.com/job_array.html): an array of tasks, each of which runs one
 * shard of the points, and a job after it that runs what is missing then and collects the results. A task that
 * was killed, for whatever reason, leaves work to that job; accounting, which needs a database, is never asked.
 */

/** How many tasks there are, and how they are submitted. */
export interface Packing {
  /** Shards: tasks of all arrays together. */
  tasks: number;
  /** Arrays, none longer than the site allows: the shard of its first task, and how many follow. */
  arrays: { first: number; tasks: number }[];
}

/** Seconds that a task should take: what starting one costs is then a matter of percents. */
const TASK_SECONDS = 300;
/** Seconds that a point is taken to need where none has run yet. */
export const ASSUMED_SECONDS = 20;
/** Slurm's own default of MaxArraySize, one more than the largest index. */
export const MAX_ARRAY_SIZE = 1001;

/** Points for each task, so that it lasts long enough. @param seconds that a point takes */
export function pointsPerTask(seconds: number): number {
  return Math.max(1, Math.ceil(TASK_SECONDS / Math.max(seconds, 1e-3)));
}

/**
 * Packs points into tasks and tasks into arrays.
 * @param points that are missing
 * @param perTask points of a task; undefined where `seconds` of a point decide, and one array has to do
 */
export function pack(
  points: number,
  { perTask, seconds, most }: { perTask: number | undefined; seconds: number; most: number },
): Packing {
  const wanted = Math.max(1, Math.ceil(points / (perTask ?? pointsPerTask(seconds))));
  const tasks = perTask === undefined ? Math.min(wanted, most) : wanted;
  const arrays: Packing['arrays'] = [];
  for (let first = 0; first < tasks; first += most)
    arrays.push({ first, tasks: Math.min(most, tasks - first) });
  return { tasks, arrays };
}

/** What the scripts need to know; paths are absolute. */
export interface Job {
  /** The command without what says which points: words for a shell. */
  command: string[];
  /** Where paths of the plan are relative to. */
  directory: string;
  /** Folder of the scripts and of what the jobs say. */
  logs: string;
}

/** The script of the array. Its argument is the shard of its first task. */
export function arrayScript(job: Job, tasks: number): string {
  return script(job, 'wafersim-sweep', '%A_%a', [
    '# Each task runs one shard of the points; the argument is the shard of the first task.',
    `shard=$((\${1:-0} + SLURM_ARRAY_TASK_ID))/${tasks}`,
    `${execution(job)} --shard "$shard"`,
  ]);
}

/** The script of the job that runs after the array, however that ended. */
export function collectScript(job: Job): string {
  return script(job, 'wafersim-collect', '%j', [
    '# Runs what is missing and writes the tables and the page.',
    execution(job),
  ]);
}

function script({ logs, directory }: Job, name: string, id: string, body: string[]): string {
  return [
    '#!/bin/bash',
    `#SBATCH --job-name=${name}`,
    `#SBATCH --chdir=${directive(directory)}`,
    `#SBATCH --output=${directive(`${logs.replaceAll('%', '%%')}/${id}.log`)}`,
    '#SBATCH --open-mode=append',
    '# A task whose node is lost starts again, and does what is missing.',
    '#SBATCH --requeue',
    ...body,
    '',
  ].join('\n');
}

function execution({ command }: Job): string {
  return `exec ${command.map(quoted).join(' ')} --jobs "\${SLURM_CPUS_ON_NODE:-1}"`;
}

/** A word of a line #SBATCH, in which a backslash and a quotation mark are escaped. */
function directive(word: string): string {
  return /^[\w./%+=:@-]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** A word as a shell takes it for itself. */
export function quoted(word: string): string {
  return /^[\w./%+=:@,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** Arguments of `sbatch` for one of the arrays. */
export function arrayArguments(
  { logs }: Job,
  { first, tasks }: Packing['arrays'][number],
  options: readonly string[],
): string[] {
  const array = `--array=0-${tasks - 1}`;
  return ['--parsable', array, ...options, `${logs}/array.sh`, String(first)];
}

/** Arguments of `sbatch` for the job after them. @param ids of the arrays */
export function collectArguments(
  { logs }: Job,
  ids: readonly string[],
  options: readonly string[],
): string[] {
  const after = `--dependency=afterany:${ids.join(':')}`;
  return ['--parsable', after, ...options, `${logs}/collect.sh`];
}

/** The id in what `sbatch --parsable` prints: `ID` or `ID;CLUSTER`. */
export function jobIdOf(printed: string): string | undefined {
  return /^(\d+)(?:;|$)/m.exec(printed.trim())?.[1];
}

/** The site's limit in what `scontrol show config` prints. */
export function maxArraySizeOf(printed: string): number | undefined {
  const size = Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(printed)?.[1]);
  return size > 1 ? size : undefined;
}
