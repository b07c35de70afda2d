/** Steps that are simulated once: what finds them again, and what shows in the time alone. */
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../src/config.js';
import { prepare } from '../src/studies/serve/serve.js';
import { stepCache, stepKey } from '../src/studies/steps/step-cache.js';
import { deploymentOf, stepTimes } from '../src/studies/steps/step-times.js';
import type { HostResult } from '../src/report/document.js';
import { wafersim } from './helpers/command-line.js';
import { cases, FULL } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';

/** Regions of few cores, whose steps are simulated soon. */
const SMALL = ['placement.rows=6', 'placement.layerColumns=5'];

describe('a step', () => {
  const store = () => {
    const entries = new Map<string, unknown>();
    const read = (key: string) => entries.get(key);
    const write = (key: string, value: unknown) => void entries.set(key, value);
    return { entries, read, write };
  };

  it('is computed once for all callers that ask at once, and for later ones', async () => {
    const kept = store();
    const steps = stepCache('', kept);
    let computed = 0;
    const compute = async () => {
      await setTimeout(5);
      return { cycles: ++computed };
    };
    const both = await Promise.all([steps.once('a', compute), steps.once('a', compute)]);
    expect(both).toEqual([{ cycles: 1 }, { cycles: 1 }]);
    expect(await steps.once('a', compute)).toEqual({ cycles: 1 });
    expect(await stepCache('', kept).once('a', compute)).toEqual({ cycles: 1 });
    expect(await steps.once('b', compute)).toEqual({ cycles: 2 });
    expect(steps.counts).toEqual({ simulated: 2, read: 0 });
    expect([...kept.entries.keys()]).toEqual(['a', 'b']);
  });

  it('that fails is not kept', async () => {
    const kept = store();
    const failing = stepCache('', kept).once('a', async () =>
      Promise.reject(new Error('deadlock')),
    );
    await expect(failing).rejects.toThrow('deadlock');
    expect(kept.entries.size).toBe(0);
  });

  it('that cannot be kept is computed all the same, and the reason reported once', async () => {
    const reasons: string[] = [];
    const full = {
      read: () => undefined,
      write: () => {
        throw new Error('no space left on device');
      },
    };
    const steps = stepCache('', full, ({ message }) => reasons.push(message));
    expect(await steps.once('a', async () => Promise.resolve(1))).toBe(1);
    expect(await steps.once('b', async () => Promise.resolve(2))).toBe(2);
    expect(reasons).toEqual(['no space left on device']);
  });

  it('that is known is not simulated, and its grid says the same', async () => {
    const kept = store();
    const config = loadConfig('configs/serving-tiny.yaml', [
      ...SMALL,
      'serving.minContext=200',
      'serving.tolerance=0.5',
    ]);
    const fresh = await prepare('', config, { ...OPTIONS, steps: stepCache('', kept) });
    const again = stepCache('', kept);
    const engine = 'no such engine' as 'fast';
    const keyed = { ...OPTIONS, steps: again };
    expect((await prepare('', config, keyed)).grid).toEqual(fresh.grid);
    expect((await prepare('', config, OPTIONS)).grid).toEqual(fresh.grid);
    expect(again.counts).toEqual({ simulated: 0, read: fresh.grid.contexts.length });
    // Nobody who has no cache reads anything.
    await expect(prepare('', config, { ...OPTIONS, engine })).rejects.toThrow();
  });
});

describe('the key of a step', () => {
  const keyOf = (sets: string[] = [], options = OPTIONS, code = 'one', context = 100) =>
    stepKey(
      deploymentOf(loadConfig('configs/serving-tiny.yaml', sets)),
      { context },
      options,
      code,
    );
  const base = keyOf();

  it('does not depend on which requests are served, how fast and over which transport', () => {
    const sets = [
      ['workload.arrivals.rate=3', 'workload.requests=7', 'workload.seed=9'],
      ['workload.prompt.mean=33'],
      ['transport.kind=http', 'serving.policy=fcfs', 'serving.floor=1', 'serving.tolerance=0.1'],
      ['hardware.power=1 kW', 'hardware.name=other'],
      ['hardware=small', 'model.config=tiny'],
    ];
    for (const set of sets) expect(keyOf(set), set.join()).toBe(base);
  });

  it('depends on every part of where the model lies, but for what else its cores keep', () => {
    const deployment = deploymentOf(loadConfig('configs/serving-tiny.yaml'));
    const { placement } = deployment;
    const [first, ...rest] = placement.regions;
    const keyWith = (change: object) =>
      stepKey(
        { ...deployment, placement: { ...placement, ...change } },
        { context: 100 },
        OPTIONS,
        'one',
      );
    const moved = (change: object) => keyWith({ regions: [{ ...first, ...change }, ...rest] });
    expect(keyWith({})).toBe(base);
    expect(moved({ sramBytesPerCore: first.sramBytesPerCore + 1 })).toBe(base);
    const defects = { repair: 'avoid', deadCores: 1, longestLinkHops: 1 };
    const keys = [
      ...[{ x: first.x + 1 }, { y: first.y + 1 }, { width: 99 }, { height: 99 }].map(moved),
      ...[{ wafer: 9 }, { kind: 'head' }].map(moved),
      ...[{ regions: rest }, { wafers: 9 }, { defects }].map(keyWith),
      keyWith({ defects: { ...defects, repair: 'spares' } }),
    ];
    expect(new Set([base, ...keys]).size).toBe(keys.length + 1);
  });

  it('depends on machine, model, placement, groups, context, engine, reuse and code', () => {
    const sets = [
      'hardware.fabric.hopCycles=3',
      'hardware.costs.scalar.exp=41',
      'model.dtype=f16',
      'model.config=../models/tiny-qwen3.json',
      'placement.growth=minimal',
      'placement.rows=6',
      'placement.groups=2',
    ];
    const keys = [
      base,
      ...sets.map((set) => keyOf([set])),
      keyOf([], OPTIONS, 'one', 101),
      keyOf([], { ...OPTIONS, engine: 'reference' }),
      keyOf([], { ...OPTIONS, memo: false }),
      keyOf([], OPTIONS, 'two'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is asked for with the context of the step', async () => {
    const asked: string[] = [];
    const steps = {
      ...stepCache('code'),
      once: async <T>(key: string, compute: () => Promise<T>) => (asked.push(key), compute()),
    };
    const deployment = deploymentOf(loadConfig('configs/serving-tiny.yaml', SMALL));
    const { context } = await stepTimes(deployment, 100, { ...OPTIONS, steps });
    expect(context).toBe(100);
    expect(asked).toEqual([stepKey(deployment, { context: 100 }, OPTIONS, 'code')]);
  });
});

describe('the contexts of a grid', () => {
  const steps = stepCache();
  const contexts = async (...sets: string[]) => {
    const all = [...SMALL, 'serving.minContext=16', 'serving.tolerance=0.5', ...sets];
    const config = loadConfig('configs/serving-tiny.yaml', all);
    return (await prepare('', config, { ...OPTIONS, steps })).grid.contexts;
  };
  const lengths = (prompt: number, output: number) => [
    ...[`workload.prompt.mean=${prompt}`, 'workload.prompt.cv=0'],
    ...[`workload.output.mean=${output}`, 'workload.output.cv=0'],
  ];

  it('are the same for requests of about the same lengths: the shortest and a power of two on', async () => {
    expect(await contexts(...lengths(40, 20))).toEqual([16, 48, 80]);
    expect(await contexts(...lengths(60, 21))).toEqual([16, 48, 80]);
    expect(await contexts(...lengths(60, 22))).toEqual([16, 80, 144]);
    expect(await contexts(...lengths(16, 1))).toEqual([16]);
    expect(await contexts(...lengths(16, 2))).toEqual([16, 17]);
  });

  it('go up to what the configuration says, or to what a user can reach', async () => {
    expect(await contexts('serving.maxContext=100')).toEqual([16, 57, 99]);
    const { maxContext } = deploymentOf(loadConfig('configs/serving-tiny.yaml', SMALL));
    const all = await contexts(...lengths(maxContext - 10, 5));
    expect(all.at(-1)).toBe(maxContext - 1);
  });
});

describe('commands that keep steps', () => {
  const MAIN = resolve('dist/cli/main.js');
  let home: string;
  let number = 0;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-steps-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  const CAPACITY = [
    ...[
      'capacity',
      'configs/serving-tiny.yaml',
      '--slo=ttft.p99<=40ms',
      '--tolerance=0.2',
      '--json',
    ],
    ...['--set', 'serving.minContext=200', '--set', 'serving.tolerance=0.5', '--shards', '1'],
    ...SMALL.flatMap((set) => ['--set', set]),
  ];
  const folder = () => join(home, `cache ${number++}`);
  const kept = (cache: string) => {
    const path = join(cache, 'wafersim', 'steps');
    return existsSync(path) ? readdirSync(path) : [];
  };
  const env = (cache: string) => ({ ...process.env, XDG_CACHE_HOME: cache });

  /** What a command prints outside `host`, and which steps it simulated and read. */
  function outcome(stdout: string) {
    const { host, ...document } = JSON.parse(stdout) as { host: HostResult };
    return { text: JSON.stringify(document), steps: host.steps };
  }
  /** In this process; or the command of a build, which is other code and so keeps steps of its own. */
  async function run(cache: string, args: string[], main?: string) {
    const { stdout, stderr, status } = await (main === undefined
      ? inProcess(cache, args)
      : spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env: env(cache) }));
    if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
    return { ...outcome(stdout), stderr };
  }
  async function inProcess(cache: string, args: string[]) {
    vi.stubEnv('XDG_CACHE_HOME', cache);
    try {
      return await wafersim(...args);
    } finally {
      vi.unstubAllEnvs();
    }
  }
  function start(cache: string) {
    const child = spawn(process.execPath, [MAIN, ...CAPACITY], { env: env(cache) });
    let stdout = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    const ended = new Promise<string>((done) => child.on('close', () => done(stdout)));
    return { child, ended };
  }

  let whole: string;
  let first: Awaited<ReturnType<typeof run>>;
  let text: string;
  beforeAll(async () => {
    whole = folder();
    first = await run(whole, CAPACITY);
    ({ text } = first);
  });

  it('simulate steps the first time, and keep them', () => {
    expect(first).toEqual({ text, steps: { simulated: 3, read: 0 }, stderr: '' });
    expect(kept(whole)).toHaveLength(3);
  });

  it('read them the second time, and say the same', async () => {
    expect(await run(whole, CAPACITY)).toEqual({
      text,
      steps: { simulated: 0, read: 3 },
      stderr: '',
    });
  });

  it('read them for other rates, policies, transports, limits, and requests of such lengths', async () => {
    const other = await run(whole, [
      ...CAPACITY,
      ...[
        '--slo',
        'tpot.p99<=30ms',
        '--set',
        'transport.kind=http',
        '--set',
        'serving.policy=fcfs',
      ],
      ...['--set', 'workload.arrivals.rate=3', '--set', 'workload.seed=4'],
    ]);
    expect(other.steps).toEqual({ simulated: 0, read: 3 });
    const served = await run(whole, ['run', ...CAPACITY.slice(1, 2), ...CAPACITY.slice(4)]);
    expect(served.steps).toEqual({ simulated: 0, read: 3 });
    expect(kept(whole)).toHaveLength(3);
  });

  it('simulate those of another machine', async () => {
    const cache = folder();
    cpSync(whole, cache, { recursive: true });
    const other = await run(cache, [...CAPACITY, '--set', 'hardware.fabric.hopCycles=3']);
    expect(other.steps).toEqual({ simulated: 3, read: 0 });
    expect(other.text).not.toBe(text);
    expect(kept(cache)).toHaveLength(6);
  });

  it('neither read nor keep any with --no-cache', async () => {
    const found = await run(whole, [...CAPACITY, '--no-cache']);
    expect(found).toEqual({ text, steps: { simulated: 3, read: 0 }, stderr: '' });
    const cache = folder();
    await run(cache, [...CAPACITY, '--no-cache']);
    expect(existsSync(cache)).toBe(false);
  });

  it('simulate again, and replace, what is damaged', async () => {
    const cache = folder();
    cpSync(whole, cache, { recursive: true });
    const [first, second] = kept(cache).map((name) => join(cache, 'wafersim', 'steps', name));
    const before = readFileSync(first);
    writeFileSync(first, before.subarray(0, 40));
    writeFileSync(second, '');
    expect(await run(cache, CAPACITY)).toEqual({
      text,
      steps: { simulated: 2, read: 1 },
      stderr: '',
    });
    expect(readFileSync(first)).toEqual(before);
    expect((await run(cache, CAPACITY)).steps).toEqual({ simulated: 0, read: 3 });
  });

  it.skipIf(!FULL)('say the same when two of them begin at once', async () => {
    const cache = folder();
    const both = await Promise.all([start(cache).ended, start(cache).ended]);
    expect(both.map((stdout) => outcome(stdout).text)).toEqual([text, text]);
    expect(kept(cache)).toHaveLength(3);
    expect((await run(cache, CAPACITY, MAIN)).steps).toEqual({ simulated: 0, read: 3 });
  });

  it.skipIf(!FULL)('are not harmed by one that was killed, whenever that was', async () => {
    const cache = folder();
    for (let kills = 0; kills < 3; kills++) {
      const { child, ended } = start(cache);
      await setTimeout(300 + 350 * kills);
      child.kill('SIGKILL');
      await ended;
    }
    expect((await run(cache, CAPACITY, MAIN)).text).toBe(text);
    expect(await run(cache, CAPACITY, MAIN)).toEqual({
      text,
      steps: { simulated: 0, read: 3 },
      stderr: '',
    });
  });

  it.skipIf(!FULL)(
    'of another build, or another version, never read what this one has kept',
    async () => {
      const cache = folder();
      expect((await run(cache, CAPACITY, MAIN)).steps).toEqual({ simulated: 3, read: 0 });
      const other = join(home, 'other');
      for (const name of ['dist', 'configs', 'models'])
        cpSync(name, join(other, name), { recursive: true });
      cpSync('package.json', join(other, 'package.json'));
      symlinkSync(resolve('node_modules'), join(other, 'node_modules'));
      const main = join(other, 'dist/cli/main.js');
      const steps = async () => (await run(cache, CAPACITY, main)).steps;
      // The same build elsewhere is the same.
      expect(await steps()).toEqual({ simulated: 0, read: 3 });
      const engine = join(other, 'dist/engine/fast/fast.js');
      const code = readFileSync(engine, 'utf8');
      writeFileSync(engine, `${code}\n// changed`);
      expect(await steps()).toEqual({ simulated: 3, read: 0 });
      writeFileSync(engine, code);
      const manifest = readFileSync('package.json', 'utf8').replace(
        /"version": ".*"/,
        '"version": "9.9.9"',
      );
      writeFileSync(join(other, 'package.json'), manifest);
      expect(await steps()).toEqual({ simulated: 3, read: 0 });
      expect(await run(cache, CAPACITY, MAIN)).toEqual({
        text,
        steps: { simulated: 0, read: 3 },
        stderr: '',
      });
    },
  );

  it('say in one line on stderr that nothing can be kept, and do without', async () => {
    const file = join(home, 'file');
    writeFileSync(file, '');
    const found = await run(file, CAPACITY);
    expect(found).toMatchObject({ text, steps: { simulated: 3, read: 0 } });
    expect(found.stderr).toMatch(
      /^wafersim: simulated steps are not kept: [^\n]*; --no-cache does without\n$/,
    );
  });

  it('are those alone: decode steps, kernels and comparisons are always simulated', async () => {
    const cache = folder();
    const timed = ['configs/tiny.yaml', '--set=workload.tokens=1', '--set=workload.data=false'];
    for (const args of cases(
      [
        ['run', ...timed],
        ['kernel', 'broadcast', '--pes=8', '--words=8', '--no-cache'],
        ['diff', ...timed, '--no-cache'],
      ],
      [
        ['compare', ...timed, '--strategies', 'snake', '--no-cache'],
        ['bench', '--cases', 'kernel/matvec', '--no-cache'],
        ['validate', '--only', 'matvec-single-pe-f32-10', '--no-cache'],
      ],
    ))
      expect(await inProcess(cache, args)).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(cache)).toBe(false);
  });
});
