/** Bad input of every kind ends in a result or in one documented line; more of it: `npm run fuzz:input`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../src/cli/errors.js';
import { IncomparableError, loadConfig, placementOf, readRun, simulate } from '../src/index.js';
import { count } from './helpers/full.js';
import { badInput, smallEntries, wrongOutcome, type Entry } from './helpers/bad-input.js';

let home: string;
let entries: Map<string, Entry>;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-input-'));
  entries = await smallEntries(home);
});
afterAll(() => rmSync(home, { recursive: true }));

const write = (text: string) => {
  const path = join(home, 'input');
  writeFileSync(path, text);
  return path;
};

/** The line and the code that a command would end with. */
async function failure(action: () => unknown) {
  try {
    await action();
  } catch (error) {
    return failureOf(error);
  }
  return { exitCode: 0, message: '' };
}

const BASE = `hardware: ${resolve('configs/hardware/small.yaml')}\nmodel: ${resolve('models/tiny.json')}\n`;
const load = (text: string) => failure(() => loadConfig(write(text)));
const place = (...sets: string[]) =>
  failure(() => placementOf(loadConfig('configs/tiny.yaml', sets)));

describe('bad input', () => {
  it('is whole before it is changed', async () => {
    for (const [kind, entry] of entries)
      await expect(
        (async () => entry.read(write(entry.whole)))(),
        kind,
      ).resolves.not.toBeInstanceOf(Error);
  });

  it('of any kind, generated, ends in a result or one line with the right exit code', async () => {
    const property = fc.asyncProperty(badInput(entries), async ({ kind, text }) => {
      expect(await wrongOutcome(entries.get(kind)!, write(text))).toBeUndefined();
    });
    await fc.assert(property, { numRuns: count(80, 240), seed: 1 });
  }, 180_000);

  it('with a wrong outcome is distinguished from one with a right outcome', async () => {
    const throws = (error: Error): Entry => ({
      whole: '',
      codes: [2],
      read: () => {
        throw error;
      },
    });
    expect(await wrongOutcome(throws(new TypeError('x is not a function')), '')).toContain(
      'code 70',
    );
  });
});

describe('hostile input', () => {
  it('such as an alias bomb or thousands of levels is refused at once', async () => {
    const levels = 'abcdefghijklmnop'.split('');
    const bomb = levels
      .map((name, i) => `${name}: &${name} [${`*${levels[i - 1]},`.repeat(i > 0 ? 9 : 0)}1]`)
      .join('\n');
    expect(await load(bomb)).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('at most 100000 values') as string,
    });
    for (const deep of [
      '['.repeat(50_000),
      `a: ${'{b: '.repeat(3000)}`,
      // These break the parser's stack in ways that end the process.
      '[\n'.repeat(20_000),
      '? '.repeat(20_000),
      '- &a !t '.repeat(20_000),
      Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    ])
      expect(await load(deep)).toMatchObject({
        exitCode: 2,
        message: expect.stringContaining('at most 64 deep') as string,
      });
    expect((await load(`a: [${'1,'.repeat(3_000_000)}]`)).message).toContain('characters');
  });

  it('such as thousands of levels of JSON is refused as well', async () => {
    const levels = 50_000;
    const deep = `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    const run = entries.get('run')!;
    const text = run.whole.replace('"config":{', `"config":{"deep":${deep},`);
    expect(await wrongOutcome(run, write(text))).toBeUndefined();
    await expect((async () => run.read(write(text)))()).rejects.toThrow(IncomparableError);
    for (const kind of ['run', 'baseline']) {
      const entry = entries.get(kind)!;
      const schema = entry.whole.replace(/"schema": ?"[^"]*"/, `"schema":${deep}`);
      expect(await wrongOutcome(entry, write(schema))).toBeUndefined();
    }
    const trace = entries.get('trace of JSON lines')!;
    expect(await wrongOutcome(trace, write(`{"timestamp":${deep}}`))).toBeUndefined();
    const model = entries.get('model')!;
    for (const text of [
      model.whole.replace('{', `{"deep":${deep},`),
      model.whole.replace('48', `{"a":`.repeat(9000) + 1 + '}'.repeat(9000)),
    ])
      expect(await wrongOutcome(model, write(text))).toBeUndefined();
  });

  it('cannot reach devices, which have no end', async () => {
    for (const [path, found] of [
      ['/dev/zero', 'no regular file'],
      ['/', 'expected the file /config.json, found no such file'],
      ['x\u0000y', 'cannot be read'],
    ]) {
      const { exitCode, message } = await load(
        BASE.replace(/model: .*/, `model: ${JSON.stringify(path)}`),
      );
      expect(message).toContain(found);
      expect(exitCode).toBe(2);
    }
    expect((await failure(() => readRun('/dev/zero'))).message).toContain('no regular file');
  });

  it('cannot poison objects by their keys', async () => {
    expect((await load(`${BASE}__proto__: { polluted: 1 }\n`)).exitCode).toBe(2);
    expect((await load(`${BASE}constructor: { prototype: { polluted: 1 } }\n`)).exitCode).toBe(2);
    expect({}).not.toHaveProperty('polluted');
  });

  it('with enormous numbers is refused for a reason, in no time', async () => {
    expect((await place('workload.batch=1e9')).message).toMatch(/GB of KV cache/);
    expect((await place('workload.tokens=1e9')).message).toMatch(
      /^workload.tokens: expected at most 512/,
    );
    expect((await place('hardware.fabric.queueDepth=65536')).message).toContain('at most 256');
    expect((await place('hardware.costs.elementsPerCycle.dot.f32=1e-300')).message).toContain(
      'at least 0.001',
    );
    expect((await place('placement.rows=1000000000')).exitCode).toBe(4);
  });

  it('that quotes pages of text is reported in one line of bounded length', async () => {
    const { message } = await load(`${BASE}? ${'x'.repeat(100_000)}\n: 1\n`);
    expect(message.length).toBeLessThanOrEqual(2000);
    expect(message).toContain('...');
  });
});

describe('a machine at its limits', () => {
  it.each(['hardware.fabric.queueDepth=256', 'hardware.costs.elementsPerCycle.dot.f32=0.001'])(
    'still runs: %s',
    async (set) => {
      const config = loadConfig('configs/tiny.yaml', ['workload.tokens=1', set]);
      expect((await simulate(config, { shards: 1 })).check?.passed).toBe(true);
    },
  );
});
