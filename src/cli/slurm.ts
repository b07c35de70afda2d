/** The commands of Slurm that submit jobs. What they say goes into one line; accounting is never asked. */
import { spawnSync } from 'node:child_process';
import { ConfigError, HostError, slurm } from '../index.js';

/** Milliseconds in which a command of Slurm answers, or never does. */
const PATIENCE = 60_000;

/** The site's limit of the length of an array; Slurm's own default where it cannot be had. */
export function mostTasks(): number {
  const { status, stdout } = spawnSync('scontrol', ['show', 'config'], options());
  return (status === 0 ? slurm.maxArraySizeOf(stdout) : undefined) ?? slurm.MAX_ARRAY_SIZE;
}

/**
 * Submits the arrays and the job after them.
 * @returns their ids; if one is refused, those before it are cancelled
 * @throws ConfigError if there is no `sbatch`; HostError with what it says
 */
export function submit(
  job: slurm.Job,
  { arrays }: slurm.Packing,
  asked: readonly string[],
): { arrays: string[]; collect: string } {
  const ids: string[] = [];
  try {
    for (const array of arrays) ids.push(sbatch(slurm.arrayArguments(job, array, asked)));
    return { arrays: ids, collect: sbatch(slurm.collectArguments(job, ids, asked)) };
  } catch (error) {
    if (ids.length > 0) spawnSync('scancel', ids, options());
    throw error;
  }
}

function sbatch(args: string[]): string {
  const { error, status, stdout, stderr } = spawnSync('sbatch', args, options());
  if (error && 'code' in error && error.code === 'ENOENT')
    throw new ConfigError(
      '--slurm: expected the command sbatch on this host, found none; --slurm --dry-run prints the scripts',
    );
  if (error) throw new HostError(`sbatch: ${error.message}`);
  const id = slurm.jobIdOf(stdout);
  if (status === 0 && id !== undefined) return id;
  const said = stderr.replaceAll(/^sbatch: (?:error: )?/gm, '').trim();
  throw new HostError(`sbatch: ${said === '' ? `exit code ${status}` : said}`);
}

function options() {
  // A line in another language would still be a line, but not the one that is looked for.
  return { encoding: 'utf8', timeout: PATIENCE, env: { ...process.env, LC_ALL: 'C' } } as const;
}
