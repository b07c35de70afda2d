import fc from 'fast-check';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { wholeRun } from '../src/engine/engine.js';
import { fast } from '../src/engine/fast/fast.js';
import { createMachine } from '../src/engine/fast/machine.js';
import { runMachine } from '../src/engine/fast/run.js';
import { isSound } from '../src/engine/fast/sound.js';
import { layTables, startsOf } from '../src/engine/fast/tables.js';
import { createShards, type Here } from '../src/engine/sharded/sharded.js';
import { loadHardware } from '../src/config.js';
import { treeAllReduce } from '../src/kernels/all-reduce.js';
import { simulate } from '../src/studies/run/run.js';
import { onThreads } from './helpers/engines.js';
import { count as runs } from './helpers/full.js';
import { programs, type Generated } from './helpers/generate.js';

const { wafer } = loadHardware('configs/hardware/small.yaml', []);
const program = treeAllReduce({ pes: 30, groups: 5, words: 9, dtype: 'f16' }, wafer);

const here: Here = async (begin) => wholeRun(begin());

describe('tiles', () => {
  it.each([2, 3])('of %i threads count what one thread does, and fail where it fails', (count) => {
    const onTiles = onThreads(count);
    const alone = {
      machine: createMachine(),
      threads: 1,
      leastCores: 1,
      run: 0,
      bits: 32 as const,
    };
    const counts = ({ program, wafer, startAt }: Generated) => {
      const input = { program, wafer, startAt };
      if (!isSound(program, wafer)) return;
      const tables = layTables(program, wafer);
      const expected = runMachine(tables.image, startsOf(input, tables), alone);
      expect(onTiles(input, tables)).toEqual(expected);
    };
    fc.assert(fc.property(programs(), counts), { numRuns: runs(60, 200), seed: 20250302 });
  });
});

describe('shards', () => {
  it('give what the engine gives in this thread', async () => {
    const shards = createShards(2, { leastCores: 1 });
    try {
      const startAt = Int32Array.from({ length: 30 }, (_, i) => i % 7);
      const runs = [1, 2, 3].map(() => shards.run({ program, wafer, startAt }, here));
      for (const run of await Promise.all(runs))
        expect(run).toEqual(fast({ program, wafer, startAt }));
    } finally {
      await shards.close();
    }
  });

  it('repeat with more bits what 32 are not enough for', async () => {
    const shards = createShards(2, { leastCores: 1 });
    // Begun with 32 bits: the last core starts in the last cycle from which nothing is set beyond them.
    const startAt = new Float64Array(30);
    startAt[29] = 2 ** 31 - 2 - layTables(program, wafer).image.ahead;
    const input = { program, wafer, startAt };
    try {
      const result = await shards.run(input, here);
      expect(result.cycles).toBeGreaterThan(startAt[29]);
      expect(result).toEqual(fast(input));
    } finally {
      await shards.close();
    }
  });

  it('run more programs than a thread keeps', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => 2 + (i % 30));
    const programs = lines.map((pes) =>
      treeAllReduce({ pes, groups: 1, words: 9, dtype: 'f16' }, wafer),
    );
    const shards = createShards(2, { leastCores: 1 });
    try {
      const runs = programs.map((each, i) => {
        return shards.run({ program: each, wafer, startAt: new Int32Array(lines[i]) }, here);
      });
      const results = await Promise.all(runs);
      for (const [i, { cycles }] of results.entries())
        expect(cycles).toBe(fast({ program: programs[i], wafer }).cycles);
    } finally {
      await shards.close();
    }
  });

  it('pass the failure of the simulated machine on with its cores and colours', async () => {
    const broken = structuredClone(program);
    broken.roles[broken.roleOf[15]].operations.pop();
    const input = { program: broken, wafer, startAt: new Int32Array(30) };
    let expected: unknown;
    try {
      fast(input);
    } catch (error) {
      expected = error;
    }
    expect(expected).toMatchObject({ name: 'MachineError' });
    const shards = createShards(2, { leastCores: 1 });
    try {
      const run = shards.run(input, here);
      await expect(run).rejects.toEqual(expected);
    } finally {
      await shards.close();
    }
  });

  it('continue with new threads after a run that failed', async () => {
    const shards = createShards(2, { leastCores: 1 });
    const { fabric } = wafer;
    const tooLarge = { ...wafer, fabric: { ...fabric, queueDepth: 2 ** 27 } };
    const startAt = new Int32Array(30);
    try {
      const runs = [tooLarge, wafer].map((each) =>
        shards.run({ program, wafer: each, startAt }, here),
      );
      await expect(runs[0]).rejects.toThrow('4 GiB');
      expect(await runs[1]).toEqual(fast({ program, wafer, startAt }));
    } finally {
      await shards.close();
    }
  });

  it('end when they are closed, whatever waits to be run', async () => {
    const shards = createShards(2, { leastCores: 1 });
    const runs = [1, 2].map(() => shards.run({ program, wafer }, here));
    await Promise.all([shards.close(), ...runs.map((run) => expect(run).rejects.toThrow())]);
  });

  it.each([
    ['throws', 'throw new Error("out of luck")', 'a thread failed: out of luck'],
    ['dies', 'process.exit(3)', 'a thread ended early, with code 3'],
  ])('end a run whose thread %s', async (_, code, message) => {
    const script = join(tmpdir(), `wafersim-test-shard-${process.pid}-${code.length}.mjs`);
    writeFileSync(script, `setTimeout(() => { ${code} }, 20);`);
    const shards = createShards(2, { script: pathToFileURL(script), leastCores: 1 });
    const run = shards.run({ program, wafer }, here);
    await expect(run).rejects.toThrow(message);
    await shards.close();
    rmSync(script);
  });

  it('give the same bytes for any number of threads', async () => {
    const config = loadConfig('configs/tiny.yaml', ['workload.tokens=2', 'placement.rows=5']);
    const options = { engine: 'fast' as const, memo: false, now: () => 0, rss: () => 0 };
    const documents = await Promise.all(
      [1, 2, 3].map(async (shards) => {
        const { host: _host, ...rest } = await simulate(config, { ...options, shards });
        return JSON.stringify(rest);
      }),
    );
    expect(documents[1]).toBe(documents[0]);
    expect(documents[2]).toBe(documents[0]);
  });
});
