/** Sweeps as a user starts them, by the built command, and what their stores hold. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

export const MAIN = resolve('dist/cli/main.js');
/** Thirty points: three strategies, three contexts, two batches, one zip and one exclusion. */
export const PLAN = resolve('examples/sweep/plan.yaml');

export function wafersim(args: string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
}

/** A command at work: what it has said so far, and its end. */
export function started(args: string[], cwd?: string) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  return { child, said, ended };
}

/** Waits for something to become true. @throws after so many milliseconds, with `what` */
export async function until(
  what: () => string,
  isTrue: () => boolean | Promise<boolean>,
  most = 100_000,
) {
  const end = performance.now() + most;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`after ${most / 1000} s: ${what()}`);
    await setTimeout(50);
  }
}

/** Every file of a store by its path, but for those of the scheduler: runs without what they say of the host. */
export function contentOf(store: string): Record<string, string> {
  const files = readdirSync(store, { recursive: true, encoding: 'utf8' })
    .map((name) => join(store, name))
    .filter((path) => statSync(path).isFile() && !relative(store, path).startsWith('slurm'))
    .toSorted();
  return Object.fromEntries(
    files.map((path) => {
      const name = relative(store, path);
      if (!path.endsWith('run.json')) return [name, readFileSync(path, 'latin1')];
      const { host, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
      if (host === undefined) throw new Error(`${path}: no host`);
      return [name, JSON.stringify(rest)];
    }),
  );
}

/** Processes that use a store, by what they have written there themselves. */
export function usersOf(store: string): number[] {
  const folder = join(store, '.work');
  const files = () => {
    try {
      return readdirSync(folder).filter((name) => name.startsWith('owner-'));
    } catch {
      return [];
    }
  };
  return files().flatMap((name) => {
    try {
      return [
        (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { process: number }).process,
      ];
    } catch {
      // It is being written, or gone.
      return [];
    }
  });
}

/** Processes that a process has started, and that run. */
export function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).flatMap((task) =>
    readFileSync(join(tasks, task, 'children'), 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
}

export function isRunning(pid: number): boolean {
  try {
    // One that has ended and that none has waited for is a zombie.
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Seconds of processor time of a process, by ticks of 10 ms. */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
