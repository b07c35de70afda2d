/** `wafersim sweep --slurm`, `--k8s` and `--redis`, as a user types them where there is neither Slurm nor a server. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wafersim } from './helpers/command-line.js';

let home: string;
let plan: string;
const path = process.env['PATH'];
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-jobs-'));
  plan = join(home, 'plan.yaml');
  const base = join(process.cwd(), 'configs/tiny.yaml');
  const text = `base: ${base}\nset: [workload.data=false, workload.tokens=1]\naxes: { workload.context: [8, 9, 10] }\n`;
  writeFileSync(plan, text);
  // No command of Slurm, wherever this runs.
  process.env['PATH'] = home;
});
afterAll(() => {
  process.env['PATH'] = path;
  rmSync(home, { recursive: true });
});

/** A command of Slurm that writes down what it is given, and answers. */
function program(name: string, answer: string): () => string[] {
  const calls = join(home, `${name}.calls`);
  writeFileSync(join(home, name), `#!/bin/bash\necho "$@" >> '${calls}'\n${answer}\n`, {
    mode: 0o755,
  });
  return () => (existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : []);
}

describe('wafersim sweep', () => {
  it('prints scripts and commands of Slurm, where there is none, and writes nothing', async () => {
    const store = join(home, 'dry');
    const asked = ['--slurm', '--dry-run', '--points-per-task', '2', '--', '--partition=cpu'];
    const { status, stdout, stderr } = await wafersim('sweep', plan, '-o', store, ...asked);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(
      /^# 3 points are missing: 2 tasks of up to 2, 20 s a point \(assumed\)\n/,
    );
    expect(stdout.match(/^#!\/bin\/bash$/gm)).toHaveLength(2);
    expect(stdout).toContain(
      ` sweep ${plan} -o ${store} --jobs "\${SLURM_CPUS_ON_NODE:-1}" --shard "$shard"\n`,
    );
    expect(stdout.trimEnd().split('\n').slice(-2)).toEqual([
      `sbatch --parsable --array=0-1 --partition=cpu ${store}/slurm/array.sh 0`,
      `sbatch --parsable --dependency=afterany:ARRAY_1 --partition=cpu ${store}/slurm/collect.sh`,
    ]);
    expect(existsSync(store)).toBe(false);
  });

  it('repeats in the tasks what changes a point', async () => {
    const args = [
      'sweep',
      'configs/tiny.yaml',
      '--axis',
      'workload.context=8,9',
      '--set',
      'workload.data=false',
    ];
    const how = [
      '--max-cycles',
      '99999',
      '--no-memo',
      '--engine',
      'reference',
      '--no-cache',
      '--retry-failed',
    ];
    const more = ['-o', join(home, 'other'), '--slurm', '--dry-run', '--json'];
    const { stdout } = await wafersim(...args, ...how, ...more);
    const { scripts } = JSON.parse(stdout) as { scripts: Record<string, string> };
    const words = `sweep configs/tiny.yaml --axis workload.context=8,9 --set workload.data=false --retry-failed --engine reference --memo none --max-cycles 99999 --no-cache -o ${join(home, 'other')} --jobs`;
    for (const script of Object.values(scripts)) expect(script).toContain(words);
  });

  it('says that there is no sbatch', async () => {
    const args = ['sweep', plan, '-o', join(home, 'none'), '--slurm', '--points-per-task', '3'];
    const { status, stdout, stderr } = await wafersim(...args);
    expect(stderr).toBe(
      '--slurm: expected the command sbatch on this host, found none; --slurm --dry-run prints the scripts\n',
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it('cancels an array whose collecting job is refused', async () => {
    program('scontrol', 'echo MaxArraySize = 2');
    const submitted = program(
      'sbatch',
      '[[ $* == *afterany* ]] && { echo "sbatch: error: too many jobs" >&2; exit 1; }; echo "$((++n + 40))"',
    );
    const cancelled = program('scancel', '');
    const args = ['sweep', plan, '-o', join(home, 'half'), '--slurm', '--points-per-task', '1'];
    const { status, stdout, stderr } = await wafersim(...args, '--', '--mem=1G');
    expect(stderr).toBe('wafersim: sbatch: too many jobs\n');
    expect({ status, stdout }).toEqual({ status: 5, stdout: '' });
    expect(submitted().map((line) => line.split(' ').slice(1, 3).join(' '))).toEqual([
      '--array=0-1 --mem=1G',
      '--array=0-0 --mem=1G',
      '--dependency=afterany:41:41 --mem=1G',
    ]);
    expect(cancelled()).toEqual(['41 41']);
    for (const name of ['scontrol', 'sbatch', 'scancel']) rmSync(join(home, name));
  });

  it.each([
    [['--slurm', '--k8s'], /'--slurm' cannot be used with option '--k8s'/],
    [['--slurm', '--redis', 'redis://x'], /'--slurm' cannot be used with option '--redis <url>'/],
    [['--slurm', '--shard', '0/2'], /'--slurm' cannot be used with option '--shard <i\/n>'/],
    [['--k8s', '--status'], /'--k8s' cannot be used with option '--status'/],
    [['--slurm', '--points-per-task', '0'], /Expected auto or a whole number from 1/],
    [['--redis', 'queue:6379'], /^--redis: expected a URL such as/],
    [
      ['--', '--partition=cpu'],
      /expected one plan, or options of sbatch with --slurm, found --partition=cpu/,
    ],
    [['--slurm', '--', '--array=0-3'], /-- --array=0-3: expected another option of sbatch/],
    [['--slurm', '--', '-d', 'afterok:3'], /-- -d: expected another option of sbatch/],
  ])('refuses %j in one line', async (args, why) => {
    const { status, stdout, stderr } = await wafersim(
      'sweep',
      plan,
      '-o',
      join(home, 'no'),
      ...args,
    );
    expect(stderr).toMatch(why);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(existsSync(join(home, 'no'))).toBe(false);
  });

  it('says in one line that no server answers, before it reads the plan', async () => {
    const url = 'redis://:secret@127.0.0.1:1';
    const { status, stdout, stderr } = await wafersim(
      'sweep',
      plan,
      '-o',
      join(home, 'no'),
      '--redis',
      url,
    );
    expect(stderr).toBe(
      'wafersim: redis://127.0.0.1:1: expected a Redis server, found connect ECONNREFUSED 127.0.0.1:1\n',
    );
    expect({ status, stdout }).toEqual({ status: 5, stdout: '' });
  });
});

describe('wafersim worker', () => {
  it('needs a queue', async () => {
    const { status, stderr } = await wafersim('worker');
    expect(stderr).toBe("wafersim: required option '--redis <url>' not specified\n");
    expect(status).toBe(2);
  });
});
