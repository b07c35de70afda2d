/** The parts of the command line: errors as lines and exit codes, and run directories. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureOf } from '../src/cli/errors.js';
import { oneLine } from '../src/index.js';
import { cycles, duration } from '../src/cli/simulating.js';
import { coordinates, shardCount } from '../src/cli/options.js';
import { checkRunDirectory, writeFile, writeRunDirectory } from '../src/cli/output.js';
import { json } from '../src/report/json.js';
import { inTemporary } from '../src/store/temporary.js';
import { LimitError, MachineError } from '../src/engine/engine.js';
import { ConfigError } from '../src/config/errors.js';
import { CapacityError } from '../src/placement/placement.js';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure');
}

describe('a failure', () => {
  it('of the configuration exits 2 and begins with its file and line', () => {
    expect(failureOf(new ConfigError('a.yaml:3:1: model: expected a path\n  found 7'))).toEqual({
      exitCode: 2,
      message: 'a.yaml:3:1: model: expected a path found 7',
    });
  });

  it('of the machine exits 4', () => {
    const deadlock = new MachineError('deadlock', { cycle: 9, cores: [1], colors: [2] }, 'stuck');
    expect(failureOf(deadlock)).toEqual({ exitCode: 4, message: 'wafersim: stuck' });
    expect(failureOf(new CapacityError('too big'))).toEqual({
      exitCode: 4,
      message: 'wafersim: too big',
    });
  });

  it('of the system exits 2 and names the file', () => {
    let failure;
    try {
      readFileSync('/nowhere/at/all');
    } catch (error) {
      failure = failureOf(error);
    }
    expect(failure?.exitCode).toBe(2);
    expect(failure?.message).toMatch(/^wafersim: ENOENT.*\/nowhere\/at\/all/);
  });

  it('of the host exits 5: no memory, no room, a place that cannot be written', () => {
    const noRoom = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    expect(failureOf(noRoom).exitCode).toBe(5);
    const ended = new Error('a thread failed', {
      cause: Object.assign(new Error('heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' }),
    });
    expect(failureOf(ended).exitCode).toBe(5);
    for (const allocate of [() => new Float64Array(2 ** 33), () => 'x'.repeat(2 ** 29)])
      expect(failureOf(thrownBy(allocate)).exitCode).toBe(5);
    for (const write of [
      () => checkRunDirectory('/dev/null/run'),
      () => writeFile('/dev/null/a', ''),
    ]) {
      const { exitCode, message } = failureOf(thrownBy(write));
      expect(message).toMatch(/^wafersim: (?:ENOTDIR|EEXIST): .*'\/dev\/null/);
      expect(exitCode).toBe(5);
    }
    expect(failureOf(new RangeError('Maximum call stack size exceeded')).exitCode).toBe(70);
  });

  it.each([
    ['ENOSPC EDQUOT EFBIG EROFS EIO', 5],
    ['EMFILE ENFILE ENOMEM EAGAIN', 5],
    ['ENOENT EACCES EISDIR ENOTDIR EPERM', 2],
  ])('of the system wherever something is read: %s', (codes, exitCode) => {
    for (const code of codes.split(' ')) {
      const failure = Object.assign(new Error(`${code}: x, open 'y'`), { code, syscall: 'open' });
      expect(failureOf(failure)).toEqual({ exitCode, message: `wafersim: ${code}: x, open 'y'` });
    }
  });

  it('of a limit exits 4', () => {
    expect(failureOf(new LimitError('time is up', 7))).toEqual({
      exitCode: 4,
      message: 'wafersim: time is up',
    });
  });

  it('of the simulator itself is one line with its place, and no stack', () => {
    const { exitCode, message } = failureOf(new TypeError('x is\nnot a function'));
    expect(exitCode).toBe(70);
    expect(message).toMatch(
      /^wafersim: internal error: x is not a function \(cli-output\.test\.ts:\d+\)$/,
    );
    expect(failureOf('thrown text').message).toBe('wafersim: internal error: thrown text');
    const tooLarge = Object.assign(new Error('too much'), { name: 'TooLargeError' });
    expect(failureOf(tooLarge)).toEqual({ exitCode: 4, message: 'wafersim: too much' });
  });

  it('that the command line parser has printed is not printed again', () => {
    const usage = new CommanderError(1, 'commander.unknownOption', 'error: unknown');
    expect(failureOf(usage)).toEqual({ exitCode: 2, message: '' });
    const help = new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)');
    expect(failureOf(help)).toEqual({ exitCode: 0, message: '' });
  });

  it('cannot drive a terminal', () => {
    expect(oneLine('a\u001B[31m\r\n b\u0007 ')).toBe('a[31m b');
  });
});

describe('limits', () => {
  it('read cycles and times with their units, and refuse what is neither', () => {
    expect(cycles('1000')).toBe(1000);
    expect(cycles('9007199254740992')).toBe(2 ** 53);
    for (const text of ['0', '-1', '1.5', '1e3', '', '9007199254740993'])
      expect(() => cycles(text)).toThrow('Expected a whole number');
    expect(duration('30 s')).toEqual({ seconds: 30, text: '30 s' });
    expect(duration('5min').seconds).toBe(300);
    expect(duration('1.5 h').seconds).toBe(5400);
    expect(duration('250 ms').seconds).toBe(0.25);
    expect(duration('2')).toEqual({ seconds: 2, text: '2 s' });
    for (const text of ['', '0', '-1 s', '3 m', '3 KiB', 'soon', '25 days', 'Infinity'])
      expect(() => duration(text)).toThrow('Expected a time such as');
  });
});

describe('options', () => {
  it('read coordinates and shards, and refuse what is neither', () => {
    expect(coordinates('12,7')).toEqual({ x: 12, y: 7 });
    for (const text of ['12', '1,2,3', '-1,2', 'a,b', '1.5,2'])
      expect(() => coordinates(text)).toThrow('Expected x,y');
    expect(shardCount('16')).toBe(16);
    for (const text of ['0', '-1', '1.5', '1e2', '', '1025'])
      expect(() => shardCount(text)).toThrow('Expected a whole number');
  });
});

describe('a run directory', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const FILES = { 'run.json': json({ a: 1 }), 'run.txt': 'one\n' };

  it('appears with all its files, and nothing else is left next to it', () => {
    const target = join(home, 'deep', 'run');
    checkRunDirectory(target);
    writeRunDirectory(target, FILES);
    expect(readdirSync(target).toSorted()).toEqual(['run.json', 'run.txt']);
    expect(JSON.parse(readFileSync(join(target, 'run.json'), 'utf8'))).toEqual({ a: 1 });
    expect(readdirSync(join(home, 'deep'))).toEqual(['run']);
  });

  it('takes the place of an earlier run', () => {
    const target = join(home, 'run');
    writeRunDirectory(target, FILES);
    checkRunDirectory(target);
    writeRunDirectory(target, { ...FILES, 'run.txt': 'two\n' });
    expect(readFileSync(join(target, 'run.txt'), 'utf8')).toBe('two\n');
    expect(readdirSync(home)).toEqual(['run']);
  });

  it('never takes the place of anything else', () => {
    writeFileSync(join(home, 'letter.txt'), 'dear');
    expect(() => checkRunDirectory(home)).toThrow(ConfigError);
    expect(() => checkRunDirectory(home)).toThrow(/letter\.txt/);
    expect(() => checkRunDirectory(join(home, 'letter.txt'))).toThrow('found a file');
  });

  it('is never the present directory by another name', () => {
    const before = process.cwd();
    mkdirSync(join(home, 'here'));
    process.chdir(join(home, 'here'));
    try {
      writeFileSync('letter.txt', 'dear');
      for (const name of ['', ' ', '.', 'missing/..', '../here', './/']) {
        expect(() => checkRunDirectory(name)).toThrow(ConfigError);
        expect(() => writeRunDirectory(name, FILES)).toThrow(ConfigError);
        expect(() => writeFile('', 'text')).toThrow(ConfigError);
      }
      expect(readdirSync('.')).toEqual(['letter.txt']);
    } finally {
      process.chdir(before);
    }
  });

  it('is absent when a file of it cannot be written', () => {
    const target = join(home, 'run');
    const broken = { ...FILES, 'run.txt': Symbol('no text') as unknown as string };
    expect(() => writeRunDirectory(target, broken)).toThrow();
    expect(readdirSync(home)).toEqual([]);
  });

  it('keeps the earlier run when the new one cannot be written', () => {
    const target = join(home, 'run');
    writeRunDirectory(target, FILES);
    const broken = { ...FILES, 'run.txt': Symbol('no text') as unknown as string };
    expect(() => writeRunDirectory(target, broken)).toThrow();
    expect(readFileSync(join(target, 'run.txt'), 'utf8')).toBe('one\n');
    expect(readdirSync(home)).toEqual(['run']);
  });

  it('is cleared of what a killed process left, which gives back what it had moved away', () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const leftover = (name: string, pid: number) => {
      inTemporary(join(home, name), (made) => {
        const as = made.replace(`-${process.pid}-`, `-${pid}-`);
        cpSync(made, as, { recursive: true });
        mkdirSync(join(as, 'previous'));
        writeFileSync(join(as, 'previous', 'run.txt'), 'before\n');
      });
    };
    leftover('run', dead);
    leftover('run', process.ppid);
    leftover('run-2', dead);
    const target = join(home, 'run');
    checkRunDirectory(target);
    expect(readFileSync(join(target, 'run.txt'), 'utf8')).toBe('before\n');
    // What is in its place already is newer than what was moved away.
    leftover('run', dead);
    writeFileSync(join(target, 'run.txt'), 'newer\n');
    checkRunDirectory(target);
    expect(readFileSync(join(target, 'run.txt'), 'utf8')).toBe('newer\n');
    // A living process still writes; another name is another's.
    const left = readdirSync(home).filter((name) => name.startsWith('.'));
    expect(left).toHaveLength(2);
    expect(left.some((name) => name.includes(`-${process.ppid}-`))).toBe(true);
    expect(left.some((name) => name.startsWith('.run-2-'))).toBe(true);
  });

  it('of a device or a pipe is written to, not replaced', () => {
    if (!existsSync('/dev/full')) return;
    // By a link of the test's own, so that a fault replaces that and not the host's device.
    const link = join(home, 'full');
    symlinkSync('/dev/full', link);
    expect(failureOf(thrownBy(() => writeFile(link, 'text')))).toEqual({
      exitCode: 5,
      message: `wafersim: ENOSPC: no space left on device, write '${link}'`,
    });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });
});
