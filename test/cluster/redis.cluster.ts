/** A sweep on a real Redis: workers that share nothing but the queue, one of which is killed in the middle of a point. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Queue } from 'bullmq';
import { Redis as IORedis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Parcel } from '../../src/studies/sweep/queue/parcel.js';
import { HAS_REDIS, startRedis, type Redis } from './redis.js';
import {
  childrenOf,
  contentOf,
  isRunning,
  PLAN,
  processorSeconds,
  started,
  until,
  wafersim,
} from './sweeps.js';

const count = (text: string, what: RegExp) => [...text.matchAll(what)].length;
const DONE = /: done \(/g;

describe.skipIf(!HAS_REDIS)('a sweep on Redis', () => {
  let home: string;
  let redis: Redis;
  let running: ReturnType<typeof started>[] = [];
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-on-redis-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));
  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    running = [];
    await redis.stop();
  });

  /** How many points the queue has in each state. */
  async function counts(): Promise<Record<string, number>> {
    return withQueue(async (queue) => queue.getJobCounts('active', 'wait', 'delayed'));
  }

  async function withQueue<T>(work: (queue: Queue<Parcel>) => Promise<T>): Promise<T> {
    const connection = new IORedis(redis.url, { maxRetriesPerRequest: null });
    const queue = new Queue<Parcel>('wafersim', { connection });
    try {
      return await work(queue);
    } finally {
      await queue.close();
      connection.disconnect();
    }
  }

  /** In a folder that has nothing of the plan. */
  function worker(jobs = 1) {
    const one = started(['worker', '--redis', redis.url, '--jobs', String(jobs)], home);
    running.push(one);
    return one;
  }

  function sweep(plan: string, store: string, cwd?: string) {
    const one = started(['sweep', plan, '-o', store, '--redis', redis.url], cwd);
    running.push(one);
    return one;
  }

  it('has the results of one machine, though a worker was killed', async () => {
    const local = join(home, 'local');
    expect(wafersim(['sweep', PLAN, '-o', local])).toMatchObject({ status: 0 });
    const store = join(home, 'redis');
    const sender = sweep(PLAN, store);
    const [first, second] = [worker(), worker()];
    await until(
      () => first.said.stderr,
      () => count(first.said.stderr, DONE) >= 3,
    );
    const children = childrenOf(first.child.pid!);
    expect(children.length).toBeGreaterThan(0);
    first.child.kill('SIGKILL');
    // What simulated for it ends with it.
    await until(
      () => String(children.filter(isRunning)),
      () => !children.some(isRunning),
      5000,
    );
    expect(await sender.ended, sender.said.stderr).toBe(0);
    expect(contentOf(store)).toEqual(contentOf(local));
    expect(count(second.said.stderr, DONE)).toBeGreaterThan(0);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(143);
    expect(second.said.stderr).toMatch(/\nwafersim: terminated\n$/);
  });

  it('needs no file of the plan on the host of a worker, and gives back what a worker leaves', async () => {
    const folder = join(home, 'away');
    cpSync(resolve('configs'), join(folder, 'configs'), { recursive: true });
    cpSync(resolve('models/tiny.json'), join(folder, 'models/tiny.json'));
    const plan = [
      'base: configs/tiny.yaml',
      'set: [workload.data=false]',
      'axes:',
      '  workload.context: [8, 9, 10, 11]',
    ];
    writeFileSync(join(folder, 'plan.yaml'), `${plan.join('\n')}\n`);
    const store = join(home, 'away-store');
    const sender = sweep('plan.yaml', store, folder);
    await until(
      () => sender.said.stderr,
      () => sender.said.stderr.includes('no worker: wafersim worker --redis redis://'),
    );
    await until(
      () => sender.said.stderr,
      async () => (await counts()).wait === 4,
    );
    rmSync(folder, { recursive: true });
    const first = worker(2);
    await until(
      () => first.said.stderr,
      async () => (await counts()).active === 2,
    );
    // As a scheduler ends it: the points that it had are there for others at once.
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(143);
    expect((await counts()).active).toBe(0);
    const second = worker(2);
    expect(await sender.ended, sender.said.stderr).toBe(0);
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(130);
  });

  it('is for workers of its own build that have its large files; others decline it, and say why', async () => {
    const folder = join(home, 'large');
    cpSync(resolve('models/tiny.json'), join(folder, 'models/tiny.json'));
    const trace = join(folder, 'trace.csv');
    const rows = '2024-01-01 00:00:00,4,2\n'.repeat(20_000);
    writeFileSync(trace, `TIMESTAMP,ContextTokens,GeneratedTokens\n${rows}`);
    const base = [
      'hardware: small',
      'model: { config: models/tiny.json, dtype: f32 }',
      'workload: { kind: serving, context: 256, requests: 3, trace: trace.csv }',
    ];
    writeFileSync(join(folder, 'base.yaml'), `${base.join('\n')}\n`);
    writeFileSync(join(folder, 'plan.yaml'), 'base: base.yaml\naxes: { workload.seed: [1] }\n');
    const sender = sweep('plan.yaml', join(home, 'large-store'), folder);
    await until(
      () => sender.said.stderr,
      async () => (await counts()).wait === 1,
    );
    // A worker that is there meanwhile has another file under that path.
    writeFileSync(
      trace,
      `TIMESTAMP,ContextTokens,GeneratedTokens\n${rows.replace(',4,2', ',4,3')}`,
    );
    const one = worker();
    await until(
      () => one.said.stderr,
      () => one.said.stderr.includes('declines point 0: '),
    );
    await until(
      () => sender.said.stderr,
      () =>
        /worker \S+:\d+ declines points: [^\n]*found another trace\.csv\n/.test(sender.said.stderr),
    );
    // One of another build finds the same, whatever it has.
    const isOther = await withQueue(async (queue) => {
      const [job] = await queue.getJobs(['wait', 'delayed', 'active']);
      const data = {
        ...job.data,
        build: '9.9.9+0123456789ab',
        point: { ...job.data.point, index: 7 },
      };
      return queue.add('point', data, { jobId: 'of-another-build' });
    });
    await until(
      () => one.said.stderr,
      () =>
        one.said.stderr.includes(
          'declines point 7: it is of version 9.9.9+0123456789ab, this worker of 0.',
        ),
    );
    await withQueue(async (queue) => {
      expect(await (await queue.getJob(isOther.id!))?.isFailed()).toBe(false);
      await until(
        () => 'it stays with the worker',
        async () => (await queue.remove(isOther.id!)) === 1,
      );
    });
    writeFileSync(trace, `TIMESTAMP,ContextTokens,GeneratedTokens\n${rows}`);
    expect(await sender.ended, sender.said.stderr).toBe(0);
  });

  it('leaves no process of a killed worker, and no point of a sweep that was ended', async () => {
    // Minutes of work, without a moment in which its process listens.
    const long = [
      'configs/wse3.yaml',
      '--axis',
      'workload.context=1000,2000,3000',
      '--engine',
      'reference',
    ];
    const args = ['sweep', ...long, '-o', join(home, 'long'), '--redis', redis.url];
    const sender = started([...args, '--set', 'workload.tokens=1']);
    running.push(sender);
    const one = worker();
    await until(
      () => one.said.stderr,
      async () => (await counts()).active === 1 && (await counts()).wait === 2,
    );
    const children = () => childrenOf(one.child.pid!);
    // Loading takes it less than that.
    await until(
      () => one.said.stderr,
      () => children().some((child) => processorSeconds(child) > 4),
    );
    const [child] = children();
    one.child.kill('SIGKILL');
    await until(
      () => 'it still runs',
      () => !isRunning(child),
      5000,
    );
    sender.child.kill('SIGTERM');
    expect(await sender.ended).toBe(143);
    expect(await counts()).toEqual({ active: 1, wait: 0, delayed: 0 });
  });

  it('says in one line that there is no server', () => {
    const none = wafersim(['worker', '--redis', 'redis://:secret@127.0.0.1:1']);
    expect(none.stderr).toBe(
      'wafersim: redis://127.0.0.1:1: expected a Redis server, found connect ECONNREFUSED 127.0.0.1:1\n',
    );
    expect(none.status).toBe(5);
  });
});
