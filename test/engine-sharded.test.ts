import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { fast } from '../src/engine/fast.js';
import { createShards } from '../src/engine/sharded.js';
import { loadHardware } from '../src/config.js';
import { allReduce } from '../src/lowering/kernels/all-reduce.js';
import { lookAhead } from '../src/run/lookahead.js';
import { simulate } from '../src/simulate.js';

const { wafer } = loadHardware('configs/hardware/small.yaml', []);
const program = allReduce({ algorithm: 'tree', pes: 30, groups: 5, words: 9, dtype: 'f16' }, wafer);

describe('shards', () => {
  it('give what the engine gives in this thread', async () => {
    const shards = createShards(2, 'fast');
    try {
      const startAt = Int32Array.from({ length: 30 }, (_, i) => i % 7);
      const runs = [1, 2, 3].map(() => shards.run('a', program, wafer, startAt));
      for (const run of await Promise.all(runs))
        expect(run).toEqual(fast({ program, wafer, startAt }));
    } finally {
      await shards.close();
    }
  });

  it('run more programs at once than a thread keeps', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => 2 + (i % 30));
    const programs = lines.map((pes) =>
      allReduce({ algorithm: 'tree', pes, groups: 1, words: 9, dtype: 'f16' }, wafer),
    );
    const shards = createShards(1, 'fast');
    try {
      const runs = programs.map((each, i) => {
        return shards.run(`${lines[i]}`, each, wafer, new Int32Array(lines[i]));
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
    const shards = createShards(1, 'fast');
    try {
      const run = shards.run('b', broken, wafer, input.startAt);
      await expect(run).rejects.toEqual(expected);
    } finally {
      await shards.close();
    }
  });

  it.each([
    ['throws', 'throw new Error("out of luck")', 'a thread failed: out of luck'],
    ['dies', 'process.exit(3)', 'a thread ended early, with code 3'],
  ])('end a run whose thread %s', async (_, code, message) => {
    const script = join(tmpdir(), `wafersim-test-shard-${process.pid}-${code.length}.mjs`);
    writeFileSync(script, `setTimeout(() => { ${code} }, 20);`);
    const shards = createShards(1, 'fast', pathToFileURL(script));
    const run = shards.run('c', program, wafer, new Int32Array(30));
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

describe('looking ahead', () => {
  const at = (...starts: number[]) => Int32Array.from(starts);
  const result = (i: number, startAt: Int32Array) => ({ i, startAt }) as never;

  it('takes right guesses and throws wrong ones away', async () => {
    const ran: [number, number][] = [];
    const keys = ['a', 'a', 'a', 'b'];
    const run = lookAhead(keys, 2, async (i, startAt) => {
      ran.push([i, startAt[0]]);
      return result(i, startAt);
    });
    expect(await run(0, at(7))).toEqual({ i: 0, startAt: at(7) });
    expect(await run(1, at(7))).toEqual({ i: 1, startAt: at(7) });
    expect(await run(2, at(8))).toEqual({ i: 2, startAt: at(8) });
    expect(await run(3, at(1))).toEqual({ i: 3, startAt: at(1) });
    expect(ran).toEqual([
      [0, 7],
      [1, 7],
      [2, 7],
      [2, 8],
      [3, 1],
    ]);
  });

  it('keeps every thread at work: the next stages that it can guess, one a thread', async () => {
    const ran: number[] = [];
    const ends: (() => void)[] = [];
    const keys = ['a', 'b', 'a', 'a', 'a'];
    const run = lookAhead(keys, 2, (i, startAt) => {
      ran.push(i);
      return new Promise((resolve) => (ends[i] = () => resolve(result(i, startAt))));
    });
    const first = run(0, at(7));
    // Stage 1 has no equal one before it; stage 2 has the second thread.
    expect(ran).toEqual([0, 2]);
    ends[2]();
    await new Promise(setImmediate);
    expect(ran).toEqual([0, 2, 3]);
    ends[0]();
    await first;
    const second = run(1, at(5));
    expect(ran).toEqual([0, 2, 3, 1]);
    ends[1]();
    await second;
    expect(await run(2, at(7))).toEqual({ i: 2, startAt: at(7) });
    // Stage 3 is the present one now, and its guess is right: the other thread is free.
    const third = run(3, at(7));
    expect(ran).toEqual([0, 2, 3, 1, 4]);
    ends[3]();
    expect(await third).toEqual({ i: 3, startAt: at(7) });
  });
});
