/**
 * Jobs on a real Slurm, connections to a real Redis: quick ones, where the daemons are. Whole sweeps on them are
 * `npm run test:cluster`, which `.ci/run` runs.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { arrayArguments, arrayScript, collectArguments } from '../src/studies/sweep/slurm.js';
import { collectScript, jobIdOf, maxArraySizeOf } from '../src/studies/sweep/slurm.js';
import { openPeers } from '../src/studies/sweep/queue/peers.js';
import { HAS_REDIS, startRedis } from './cluster/redis.js';
import { HAS_SLURM, startSlurm } from './cluster/slurm.js';

const missing = [!HAS_SLURM && 'slurm-wlm and munge', !HAS_REDIS && 'redis-server'].filter(Boolean);
if (missing.length > 0)
  console.log(
    `skipped: sweeps on a real Slurm and Redis, which need Debian's ${missing.join(', ')}`,
  );

describe.skipIf(!HAS_SLURM)('Slurm', () => {
  it('takes the scripts, and runs the job after the array with every shard', async () => {
    const home = mkdtempSync(join(tmpdir(), 'wafersim jobs-'));
    const { ask, stop } = await startSlurm();
    try {
      expect(maxArraySizeOf(ask('scontrol', 'show', 'config'))).toBe(20);
      const logs = join(home, '100% logs');
      mkdirSync(logs);
      const job = { command: ['echo', "it's", 'a "$HOME"'], directory: home, logs };
      writeFileSync(join(logs, 'array.sh'), arrayScript(job, 12));
      writeFileSync(join(logs, 'collect.sh'), collectScript(job));
      const array = jobIdOf(ask('sbatch', ...arrayArguments(job, { first: 10, tasks: 2 }, [])))!;
      const last = jobIdOf(ask('sbatch', ...collectArguments(job, [array], ['--time=1'])))!;
      while (ask('squeue', '-h') !== '') await setTimeout(100);
      const said = (name: string) => readFileSync(join(logs, `${name}.log`), 'utf8');
      const words = `it's a "$HOME" --jobs 1`;
      expect([said(`${array}_0`), said(`${array}_1`), said(last)]).toEqual([
        `${words} --shard 10/12\n`,
        `${words} --shard 11/12\n`,
        `${words}\n`,
      ]);
    } finally {
      await stop();
      rmSync(home, { recursive: true });
    }
  }, 120_000);
});

describe('a Redis server', () => {
  it.skipIf(!HAS_REDIS)('is reached, and left', async () => {
    const redis = await startRedis();
    try {
      const { connect, disconnect, name } = await openPeers(redis.url);
      expect(name).toBe(redis.url);
      const connection = connect();
      expect(await connection.ping()).toBe('PONG');
      disconnect();
      await expect(connection.ping()).rejects.toThrow(/closed/);
    } finally {
      await redis.stop();
    }
  });

  it.skipIf(!HAS_REDIS)('is not reached without its password', async () => {
    const redis = await startRedis('secret');
    try {
      await expect(openPeers(redis.url)).rejects.toThrow(
        /^redis:[^\n]*: expected a Redis server, found NOAUTH [^\n]*$/,
      );
      const url = redis.url.replace('//', '//:wrong@');
      await expect(openPeers(url)).rejects.toThrow(/: expected a Redis server, found WRONGPASS/);
      const { name } = await openPeers(redis.url.replace('//', '//:secret@'));
      expect(name).toBe(redis.url);
    } finally {
      await redis.stop();
    }
  });

  it('that does not answer is named without its password', async () => {
    await expect(openPeers('redis://me:secret@127.0.0.1:1')).rejects.toThrow(
      /^redis:\/\/me@127\.0\.0\.1:1: expected a Redis server, found connect ECONNREFUSED 127\.0\.0\.1:1$/,
    );
  });

  it.each([
    '',
    'localhost',
    'http://localhost',
    'redis://',
    'redis//:secret@host',
    'localhost:6379',
  ])('has a URL, and %j is none', async (url) => {
    const refused = openPeers(url);
    await expect(refused).rejects.toThrow(/^--redis: expected a URL such as [^\n]*, found [^\n]*$/);
    await expect(refused).rejects.not.toThrow(/secret/);
  });
});
