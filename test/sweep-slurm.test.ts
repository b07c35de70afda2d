/** Sweeps as jobs of Slurm and Kubernetes: what is written and submitted. Real ones run in test/cluster. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as slurm from '../src/studies/sweep/slurm.js';

const { arrayScript, collectScript, pack, pointsPerTask, quoted } = slurm;

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-slurm-'));
});
afterAll(() => rmSync(home, { recursive: true }));

describe('points are packed into tasks', () => {
  const auto = { perTask: undefined, most: 1001 };

  it('that last five minutes, by how long a point takes', () => {
    expect(pointsPerTask(300)).toBe(1);
    expect(pointsPerTask(299)).toBe(2);
    expect(pointsPerTask(20)).toBe(15);
    expect(pointsPerTask(4000)).toBe(1);
    expect(pack(300, { ...auto, seconds: 20 })).toEqual({
      tasks: 20,
      arrays: [{ first: 0, tasks: 20 }],
    });
    expect(pack(3, { ...auto, seconds: 0.001 }).tasks).toBe(1);
  });

  it('of one array, if it is not said how many points a task has', () => {
    expect(pack(50_000, { ...auto, seconds: 600 })).toEqual({
      tasks: 1001,
      arrays: [{ first: 0, tasks: 1001 }],
    });
  });

  it('of as many arrays as the site wants them in, if it is', () => {
    expect(pack(2500, { perTask: 1, seconds: 20, most: 1000 })).toEqual({
      tasks: 2500,
      arrays: [
        { first: 0, tasks: 1000 },
        { first: 1000, tasks: 1000 },
        { first: 2000, tasks: 500 },
      ],
    });
  });

  it('so that every shard is the task of one array', () => {
    const number = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(
        number,
        fc.option(number, { nil: undefined }),
        number,
        (points, perTask, most) => {
          const { tasks, arrays } = pack(points, { perTask, seconds: 7, most });
          const shards = arrays.flatMap(({ first, tasks: count }) =>
            Array.from({ length: count }, (_, i) => first + i),
          );
          expect(shards).toEqual(Array.from({ length: tasks }, (_, i) => i));
          for (const array of arrays) expect(array.tasks).toBeLessThanOrEqual(most);
          expect(tasks).toBeLessThanOrEqual(points);
          if (perTask !== undefined) expect(tasks * perTask).toBeGreaterThanOrEqual(points);
        },
      ),
    );
  });
});

describe('the scripts', () => {
  /** Prints its arguments, one a line, and where it is. */
  const command = () => {
    const path = join(home, "it's a command");
    writeFileSync(path, '#!/bin/bash\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
    return [path, 'sweep', 'a plan.yaml', '-o', '$HOME/`x`', '--set', `a.b="it's"`];
  };
  const run = (script: string, args: string[], env: Record<string, string>) => {
    const { status, stdout, stderr } = spawnSync('bash', ['-s', '--', ...args], {
      input: script,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...env },
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    return stdout.trimEnd().split('\n');
  };
  const words = ['sweep', 'a plan.yaml', '-o', '$HOME/`x`', '--set', `a.b="it's"`];

  it('run a shard, whatever the words have in them', () => {
    const job = { command: command(), directory: '/work', logs: '/work/runs/slurm' };
    const script = arrayScript(job, 12);
    expect(run(script, ['0'], { SLURM_ARRAY_TASK_ID: '3' })).toEqual([
      ...words,
      ...['--jobs', '1', '--shard', '3/12'],
    ]);
    expect(run(script, ['7'], { SLURM_ARRAY_TASK_ID: '4', SLURM_CPUS_ON_NODE: '8' })).toEqual([
      ...words,
      ...['--jobs', '8', '--shard', '11/12'],
    ]);
    expect(run(collectScript(job), [], {})).toEqual([...words, '--jobs', '1']);
  });

  it('say where they are, what they are called, and that they may start again', () => {
    const job = { command: ['true'], directory: '/my work', logs: '/my work/100%/slurm' };
    const lines = arrayScript(job, 2).split('\n');
    expect(lines[0]).toBe('#!/bin/bash');
    expect(lines.filter((line) => line.startsWith('#SBATCH'))).toEqual([
      '#SBATCH --job-name=wafersim-sweep',
      '#SBATCH --chdir="/my work"',
      '#SBATCH --output="/my work/100%%/slurm/%A_%a.log"',
      '#SBATCH --open-mode=append',
      '#SBATCH --requeue',
    ]);
    expect(collectScript(job)).toContain('#SBATCH --output="/my work/100%%/slurm/%j.log"\n');
  });

  it('are submitted with what was asked for, and the job after all arrays', () => {
    const job = { command: ['true'], directory: '/work', logs: '/work/slurm' };
    const options = ['--partition=cpu', '--time=1:00:00'];
    expect(slurm.arrayArguments(job, { first: 1000, tasks: 500 }, options)).toEqual([
      ...['--parsable', '--array=0-499', ...options, '/work/slurm/array.sh', '1000'],
    ]);
    expect(slurm.collectArguments(job, ['17', '18'], options)).toEqual([
      ...['--parsable', '--dependency=afterany:17:18', ...options, '/work/slurm/collect.sh'],
    ]);
  });

  it('have words that a shell leaves as they are', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
        (word) => {
          const { stdout } = spawnSync('sh', ['-c', `printf %s ${quoted(word)}`], {
            encoding: 'utf8',
          });
          expect(stdout).toBe(word);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('what Slurm prints', () => {
  it('has the id of a job, with or without its cluster', () => {
    expect(slurm.jobIdOf('1234\n')).toBe('1234');
    expect(slurm.jobIdOf('1234;big\n')).toBe('1234');
    expect(slurm.jobIdOf('sbatch: something else\n')).toBeUndefined();
  });

  it('has the limit of arrays', () => {
    const printed = 'MaxArraySize            = 20001\nMaxBatchRequeue         = 5\n';
    expect(slurm.maxArraySizeOf(printed)).toBe(20_001);
    expect(slurm.maxArraySizeOf('')).toBeUndefined();
  });
});
