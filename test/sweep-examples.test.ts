/** The examples of sweeps on clusters: what they name is there, and what they are is well formed. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { wafersim } from './helpers/command-line.js';

const FOLDER = 'examples/sweep';
const PLAN = `${FOLDER}/plan.yaml`;
const textOf = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const scripts = readdirSync(FOLDER).filter((name) => /\.(sh|py)$/.test(name));

interface IndexedJob {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: {
    completions: number;
    parallelism: number;
    completionMode: string;
    backoffLimit: number;
    template: {
      spec: {
        restartPolicy: string;
        containers: {
          name: string;
          image: string;
          command: string[];
          workingDir: string;
          volumeMounts: { name: string; mountPath: string }[];
        }[];
        volumes: { name: string }[];
      };
    };
  };
}

describe('the examples of sweeps', () => {
  it('are all in their README, and in no other place', () => {
    const named = [...textOf('README.md').matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path);
    const own = named.filter((path) => !path.startsWith('..'));
    expect(own.toSorted()).toEqual(
      readdirSync(FOLDER)
        .filter((name) => name !== 'README.md')
        .toSorted(),
    );
    for (const path of named) expect(() => readFileSync(join(FOLDER, path))).not.toThrow();
  });

  it.each(scripts.filter((name) => name.endsWith('.sh')))('%s is a script of bash', (name) => {
    expect(spawnSync('bash', ['-n', join(FOLDER, name)], { encoding: 'utf8' }).stderr).toBe('');
  });

  it.each(scripts.filter((name) => name.endsWith('.py')))('%s is a program of Python', (name) => {
    const compile = 'import ast, sys; ast.parse(open(sys.argv[1]).read())';
    const { error, stderr } = spawnSync('python3', ['-c', compile, join(FOLDER, name)], {
      encoding: 'utf8',
    });
    if (error && 'code' in error && error.code === 'ENOENT')
      return console.log('no python3: the example in Python is not checked');
    expect(stderr).toBe('');
  });

  it.each([...scripts, 'README.md'])('%s uses options that there are', async (name) => {
    const text = textOf(name).replaceAll(/ -- [^\n]*/g, '');
    for (const command of ['sweep', 'run']) {
      const { stdout } = await wafersim(command, '--help');
      const uses = text.matchAll(
        new RegExp(`(?:wafersim",? "?|wafersim )${command}\\b([^\\n]*)`, 'g'),
      );
      const options = [...uses].flatMap(([, rest]) => rest.match(/--[a-z][\w-]*|-o\b/g) ?? []);
      for (const option of options) expect(stdout, option).toContain(option);
    }
  });

  it('have the manifest that the command prints', async () => {
    const args = ['sweep', PLAN, '-o', 'runs/plan', '--k8s', '--points-per-task', '5'];
    const { status, stdout, stderr } = await wafersim(...args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(textOf('job.yaml')).toBe(stdout);
  });

  it('are an Indexed Job as Kubernetes wants it, whose pods run shards', () => {
    const job = parse(textOf('job.yaml')) as IndexedJob;
    expect(job).toMatchObject({ apiVersion: 'batch/v1', kind: 'Job' });
    // The name of an object: RFC 1123.
    expect(job.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    const { completions, parallelism, completionMode, backoffLimit, template } = job.spec;
    expect({ completions, parallelism, completionMode }).toEqual({
      ...{ completions: 6, parallelism: 6, completionMode: 'Indexed' },
    });
    expect(backoffLimit).toBeGreaterThanOrEqual(6);
    const { restartPolicy, containers, volumes } = template.spec;
    expect(['Never', 'OnFailure']).toContain(restartPolicy);
    const [{ command, workingDir, volumeMounts }] = containers;
    const mounted = volumeMounts.map(({ name }) => name);
    expect(mounted).toEqual(volumes.map(({ name }) => name));
    expect(volumeMounts[0].mountPath).toBe(workingDir);
    const shards = Array.from({ length: completions }, (_, i) => {
      const echo = command[2].replace('exec wafersim', 'exec echo');
      const env = { PATH: process.env['PATH'], JOB_COMPLETION_INDEX: String(i) };
      return spawnSync(command[0], [command[1], echo], { env, encoding: 'utf8' }).stdout.trim();
    });
    expect(shards).toEqual(
      shards.map((_, i) => `sweep ${PLAN} -o runs/plan --jobs 1 --shard ${i}/${completions}`),
    );
  });
});
