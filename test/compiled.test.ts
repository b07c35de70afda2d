/** What V8 compiled of the command's files when they were built is taken, and only for the very same text. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOf } from '../src/cli/compiled.js';

const home = mkdtempSync(join(tmpdir(), 'wafersim-compiled-'));
afterAll(() => rmSync(home, { recursive: true }));

/** Runs code with what is exported by the loader of a build, in a process of its own; gives what it says as JSON. */
function loading(dist: string, code: string): unknown {
  const script = `import * as loader from ${JSON.stringify(join(dist, 'cli/compiled.js'))};
    import { setFlags } from ${JSON.stringify(resolve('dist/cli/flags.js'))};
    import { writeFileSync } from 'node:fs';
    setFlags();
    const say = (what) => process.stdout.write(JSON.stringify(what));
    ${code}`;
  const args = ['--input-type=module', '--eval', script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

describe('what was compiled of a file', () => {
  const write = (value: number) =>
    writeFileSync(
      join(home, 'command', 'one.cjs'),
      `'use strict';const a = () => ${value};\nreturn { a };\n`,
    );
  const call = (before = '') =>
    loading(home, `${before} say([loader.load('./one.cjs').a(), loader.taken().length]);`);

  beforeAll(() => {
    for (const folder of ['cli', 'command']) mkdirSync(join(home, folder));
    writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
    cpSync('dist/cli/compiled.js', join(home, 'cli', 'compiled.js'));
    write(1);
    loading(
      home,
      `loader.load('./one.cjs').a();
      for (const [file, content] of loader.compiledCode()) writeFileSync(file, content);
      say(true);`,
    );
  });

  it('is taken', () => {
    expect(call()).toEqual([1, 1]);
  });

  it('is not taken with other flags of V8, to the same effect', () => {
    const other = "(await import('node:v8')).setFlagsFromString('--no-use-ic');";
    expect(call(other)).toEqual([1, 0]);
  });

  it('is not taken on another kind of processor, to the same effect', () => {
    const elsewhere = "Object.defineProperty(process, 'arch', { value: 'another' });";
    expect(call(elsewhere)).toEqual([1, 0]);
  });

  it('is not taken of another text of the same length', () => {
    write(2);
    expect(call()).toEqual([2, 0]);
    write(1);
    expect(call()).toEqual([1, 1]);
  });

  it('is not taken where it is none', () => {
    writeFileSync(join(home, 'command', 'one.code'), 'no code');
    expect(call()).toEqual([1, 0]);
  });
});

/** Tests run on versions that did not build. */
const built = readFileSync('dist/command/run.code');
const hash = hashOf(readFileSync('dist/command/run.cjs'));
const isOfBuild = built.subarray(0, hash.length).equals(hash);

it.skipIf(!isOfBuild)('comes with the build, of the files that runs load', () => {
  const files = loading(
    resolve('dist'),
    "loader.load('./run.cjs'); say(loader.taken());",
  ) as string[];
  expect(files.map((file) => basename(file))).toEqual(
    expect.arrayContaining(['start.cjs', 'configuration.cjs', 'simulation.cjs', 'run.cjs']),
  );
});

it.skipIf(!isOfBuild)('is for threads that simulate, too', () => {
  const files = loading(
    resolve('dist'),
    "loader.load('./sweep-worker.cjs'); say(loader.taken());",
  ) as string[];
  expect(files.map((file) => basename(file))).toEqual(
    expect.arrayContaining(['configuration.cjs', 'simulation.cjs']),
  );
});

it('needs no flag that this version of V8 does not know', () => {
  const { status, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', '--version'], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
});
