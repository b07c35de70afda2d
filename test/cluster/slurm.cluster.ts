/** A sweep on a real Slurm: an array of tasks, one of which is killed, and a job after it that ends what is left. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_SLURM, startSlurm, type Slurm } from './slurm.js';
import { contentOf, PLAN, until, usersOf, wafersim } from './sweeps.js';

describe.skipIf(!HAS_SLURM)('a sweep on Slurm', () => {
  let home: string;
  let slurm: Slurm;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-on-slurm-'));
    slurm = await startSlurm();
  });
  afterAll(async () => {
    await slurm.stop();
    rmSync(home, { recursive: true });
  });

  const jobs = () => slurm.ask('squeue', '-h', '-r', '-o', '%i %T');
  const logs = (store: string) =>
    readdirSync(join(store, 'slurm'))
      .filter((name) => name.endsWith('.log'))
      .map((name) => `${name}: ${readFileSync(join(store, 'slurm', name), 'utf8')}`)
      .join('\n');
  const doneIn = (store: string) => {
    const points = join(store, 'points');
    if (!existsSync(points)) return 0;
    return readdirSync(points).filter((key) => existsSync(join(points, key, 'run.json'))).length;
  };

  it('has the results of one machine, though a task was killed', async () => {
    const local = join(home, 'local');
    expect(wafersim(['sweep', PLAN, '-o', local])).toMatchObject({ status: 0 });
    expect(doneIn(local)).toBe(30);

    const store = join(home, 'slurm');
    const sweep = ['sweep', PLAN, '-o', store];
    const submitted = wafersim(
      [...sweep, '--slurm', '--points-per-task', '10', '--json'],
      slurm.env,
    );
    expect(submitted.stderr).toBe('');
    const {
      tasks,
      arrays,
      jobs: ids,
    } = JSON.parse(submitted.stdout) as {
      tasks: number;
      arrays: object[];
      jobs: { arrays: string[]; collect: string };
    };
    expect({ tasks, arrays }).toEqual({ tasks: 3, arrays: [{ first: 0, tasks: 3 }] });

    // In the middle of the work of the first that is there.
    await until(jobs, () => usersOf(store).length > 0 && doneIn(store) > 0);
    const [killed] = usersOf(store);
    process.kill(killed, 'SIGKILL');
    const [id] = ids.arrays;
    const states = () => slurm.ask('scontrol', '-o', 'show', 'job', id);
    await until(states, () => /JobState=(FAILED|NODE_FAIL)/.test(states()));
    expect(wafersim(['sweep', '-o', store, '--status', '--json']).stdout).toMatch(
      /"missing": [1-9]/,
    );

    await until(jobs, () => jobs() === '', 90_000);
    expect(contentOf(store), logs(store)).toEqual(contentOf(local));
    expect(usersOf(store)).toEqual([]);
    // The one job ran what was left, whatever the array's other tasks did.
    expect(slurm.ask('scontrol', '-o', 'show', 'job', ids.collect)).toContain('JobState=COMPLETED');
  });

  it('is in as many arrays as the site wants tasks in, and tells what it is at', async () => {
    const store = join(home, 'arrays');
    const args = ['sweep', PLAN, '-o', store, '--slurm', '--points-per-task', '1'];
    // This site has 20 tasks in an array at most.
    const { stdout, stderr, status } = wafersim([...args, '--json', '--', '--hold'], slurm.env);
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const {
      tasks,
      arrays,
      jobs: ids,
    } = JSON.parse(stdout) as {
      tasks: number;
      arrays: object[];
      jobs: { arrays: string[]; collect: string };
    };
    expect({ tasks, arrays }).toEqual({
      tasks: 30,
      arrays: [
        { first: 0, tasks: 20 },
        { first: 20, tasks: 10 },
      ],
    });
    const all = jobs().trim().split('\n');
    expect(all).toHaveLength(31);
    expect(all.every((line) => line.endsWith('PENDING'))).toBe(true);
    const collecting = slurm.ask('scontrol', '-o', 'show', 'job', ids.collect);
    for (const id of ids.arrays) expect(collecting).toContain(`afterany:${id}_*`);
    slurm.ask('scancel', ...ids.arrays, ids.collect);
  });

  it('says in one line what Slurm says, and leaves no job', () => {
    const args = ['sweep', PLAN, '-o', join(home, 'refused'), '--slurm', '--points-per-task', '5'];
    const { status, stdout, stderr } = wafersim([...args, '--', '--partition=none'], slurm.env);
    expect(stderr).toMatch(/^wafersim: sbatch: [^\n]*invalid partition[^\n]*\n$/i);
    expect({ status, stdout }).toEqual({ status: 5, stdout: '' });
    expect(jobs()).toBe('');
  });
});
