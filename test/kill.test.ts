/** What is left of runs that are killed, interrupted, or out of disk: nothing that looks finished. */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRun } from '../src/index.js';
import { wafersim } from './helpers/command-line.js';
import { count, FULL } from './helpers/full.js';

const MAIN = resolve('dist/cli/main.js');
const TINY = [
  ...['run', resolve('configs/tiny.yaml')],
  ...['--set', 'workload.tokens=1', '--set', 'workload.data=false'],
];

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-kill-'));
});
afterAll(() => rmSync(home, { recursive: true }));

/** A directory is absent, or has everything that a run writes, each file whole. */
function expectWholeOrAbsent(directory: string): boolean {
  if (!existsSync(directory)) return false;
  expect(readdirSync(directory).toSorted()).toEqual([
    ...['cores.npz', 'links.parquet', 'operators.csv', 'regions.csv', 'report.html', 'run.json'],
    ...['run.txt', 'summary.csv', 'trace.json.gz'],
  ]);
  expect(readRun(directory).decode.cyclesPerToken).toBeGreaterThan(0);
  expect(readFileSync(join(directory, 'report.html'), 'utf8')).toMatch(/<\/html>\s*$/);
  JSON.parse(gunzipSync(readFileSync(join(directory, 'trace.json.gz'))).toString());
  return true;
}

/** Starts a run and kills it when `wait` is over; how long it lasted, and whether it was done before. */
async function killAfter(target: string, wait: () => Promise<unknown>) {
  const child = spawn(process.execPath, [MAIN, ...TINY, '-o', target], { stdio: 'ignore' });
  const begun = performance.now();
  const gone = new Promise<boolean>((done) => child.on('exit', (code) => done(code === 0)));
  await Promise.race([wait(), gone]);
  child.kill('SIGKILL');
  return { finished: await gone, took: performance.now() - begun };
}

describe('a run that is killed', () => {
  it('at any moment leaves no directory, or a whole one', async () => {
    const random = seedrandom.alea('kill');
    const { took, finished } = await killAfter(join(home, 'whole'), () => new Promise(() => {}));
    expect(finished).toBe(true);
    expect(expectWholeOrAbsent(join(home, 'whole'))).toBe(true);
    for (let i = 0; i < count(2, 8); i++) {
      const target = join(home, `run-${i}`);
      await killAfter(target, () => setTimeout(random() * took));
      expectWholeOrAbsent(target);
    }
  }, 180_000);

  it('while it writes leaves no directory, or a whole one', async () => {
    const random = seedrandom.alea('write');
    for (let i = 0; i < count(2, 5); i++) {
      const folder = join(home, `writing-${i}`);
      const target = join(folder, 'run');
      mkdirSync(folder);
      // Its files come under a temporary name; from then on it is a matter of milliseconds.
      const writing = async () => {
        while (readdirSync(folder).length === 0) await setTimeout(1);
        await setTimeout(random() * 8);
      };
      await killAfter(target, writing);
      expectWholeOrAbsent(target);
      expect(readdirSync(folder).filter((name) => !name.startsWith('.run-'))).toEqual(
        existsSync(target) ? ['run'] : [],
      );
    }
  }, 180_000);
});

/** Until a process has a handler for a signal: on a busy host it may take long to start. Linux tells; elsewhere, at once. */
async function catches(pid: number, signal: NodeJS.Signals) {
  const status = `/proc/${pid}/status`;
  const bit = 1n << BigInt(constants.signals[signal] - 1);
  const isCaught = () => {
    const [, mask = 'f'] = /^SigCgt:\s*(\w+)$/m.exec(readFileSync(status, 'utf8')) ?? [];
    return (BigInt(`0x${mask}`) & bit) !== 0n;
  };
  while (existsSync(status) && !isCaught()) await setTimeout(20);
}

describe('a command that gets a signal', () => {
  /**
   * In the middle of a stage, alone and on threads; while a placement is searched for; in a study. Each takes several
   * seconds, on a quick host too.
   */
  const COMMANDS: [what: string, args: string[]][] = [
    ['run', [...TINY.slice(0, 2), '--set', 'workload.tokens=400']],
    ['run on threads', ['run', resolve('configs/wse3.yaml'), '--no-memo', '--shards', '2']],
    ['run of the reference', ['run', resolve('configs/wse3.yaml'), '--engine', 'reference']],
    ['search', ['run', resolve('configs/codex-spark.yaml'), '--set', 'placement.strategy=optimal']],
    [
      'kernel',
      ['kernel', 'traffic', '--pattern=uniform', '--mesh=100x100', '--load=0.2', '--cycles=40000'],
    ],
    [
      'capacity',
      [
        ...['capacity', resolve('configs/serving-azure.yaml'), '--preset=mlperf-server'],
        '--no-cache',
      ],
    ],
    ['diff', ['diff', resolve('configs/wse3.yaml')]],
  ];
  /** And when they come at the earliest: long enough for the command to be at work. */
  const SIGNALS = [
    ['SIGINT', 130, 'interrupted', 1200],
    ['SIGTERM', 143, 'terminated', 1200],
  ] as const;
  const random = seedrandom.alea('signals');

  const SENT = COMMANDS.flatMap(([what, args]) =>
    SIGNALS.map((signal) => [signal[0], what, args, signal] as const),
  );
  // Each signal once: SIGINT to a run, SIGTERM to one on threads.
  const sent = FULL ? SENT : [SENT[0], SENT[3]];

  it.each(sent)(
    '%s ends with one line and writes nothing: %s',
    async (_, __, args, [signal, code, says, earliest]) => {
      const target = join(home, 'interrupted');
      const output = args[0] === 'run' ? ['-o', target] : [];
      const child = spawn(process.execPath, [MAIN, ...args, ...output]);
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const gone = new Promise((done) => child.on('exit', done));
      await catches(child.pid!, signal);
      await Promise.race([gone, setTimeout(earliest + random() * 800)]);
      expect(child.exitCode).toBe(null);
      const begun = performance.now();
      child.kill(signal);
      expect(await gone).toBe(code);
      expect(performance.now() - begun).toBeLessThan(1000);
      expect(said).toBe(`wafersim: ${says}; nothing was written\n`);
      expect(readdirSync(home).filter((name) => name.includes('interrupted'))).toEqual([]);
    },
    60_000,
  );
});

describe('a limit', () => {
  const chain = ['kernel', 'reduce', '--algorithm=chain', '--pes=64', '--words=500'];

  it('of cycles says which core waits for which, the same with both engines', async () => {
    const { cycles } = JSON.parse((await wafersim(...chain, '--json')).stdout) as {
      cycles: number;
    };
    expect((await wafersim(...chain, '--max-cycles', String(cycles))).status).toBe(0);
    const said: string[] = [];
    for (const engine of ['fast', 'reference']) {
      const limited = [...chain, '--max-cycles=500', '--engine', engine];
      const { status, stdout, stderr } = await wafersim(...limited);
      expect(stdout).toBe('');
      expect(status).toBe(4);
      said.push(stderr);
    }
    expect(said[0]).toMatch(
      /^wafersim: 'kernel reduce' is not over in cycle 500, its limit: core \(0,0\) waits for input on colour \d+ in 'reduce'; [^\n]*; and \d+ more\n$/,
    );
    expect(said[1]).toBe(said[0]);
  });

  it('of cycles is the same for any number of threads', async () => {
    const limited = async (...args: string[]) => {
      const { status, stderr } = await wafersim(...TINY, '--max-cycles=2000', '--no-memo', ...args);
      expect(status).toBe(4);
      return stderr;
    };
    const alone = await limited('--shards=1');
    expect(alone).toMatch(
      /^wafersim: 'layer 0' is not over in cycle 2000, its limit: (no core waits, )?core/,
    );
    expect(await limited('--shards=3')).toBe(alone);
    expect(await limited('--shards=1', '--engine=reference')).toBe(alone);
  });

  it('of time says the cycle and what ran in it, or at what the command was', () => {
    const args = ['run', resolve('configs/wse3.yaml'), '--engine=reference', '--timeout', '2 s'];
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
      encoding: 'utf8',
    });
    expect(stderr).toMatch(
      /^wafersim: time is up after 2 s(?:, at: [^\n]+| in cycle -?\d+ of '[^']+': [^\n]*core [^\n]+)\n$/,
    );
    expect(stdout).toBe('');
    expect(status).toBe(4);
  });

  it.each([
    ['compare', [resolve('configs/tiny.yaml'), '--strategies=row-major,snake']],
    ['validate', ['--only=reduce']],
    ['bench', ['--cases=kernel/gemv']],
    ['diff', ['kernel', ...chain.slice(1)]],
    ['diff', [resolve('configs/tiny.yaml')]],
    ['capacity', [resolve('configs/serving-tiny.yaml'), '--slo=tpot.p99<=30ms']],
    ['fleet', [resolve('configs/tiny.yaml'), '--megawatts=1']],
    ['run', [resolve('configs/serving-tiny.yaml')]],
    ['run', [resolve('configs/tiny.yaml'), '--set=placement.growth=search']],
  ])('holds for %s %j', async (command, args) => {
    const { status, stdout, stderr } = await wafersim(command, ...args, '--max-cycles=7');
    expect(stderr).toMatch(/^wafersim: '[^']+' is not over in cycle 7, its limit: [^\n]+\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(4);
  });
});

describe('a disk without room', () => {
  /** Files may grow to 8 blocks of 1,024 bytes. */
  const limited = (...args: string[]) =>
    spawnSync('bash', ['-c', 'ulimit -f 8; exec "$@"', 'bash', process.execPath, MAIN, ...args], {
      encoding: 'utf8',
    });

  it('costs a run its directory, not its result, and says so in one line', () => {
    const target = join(home, 'full', 'run');
    const { status, stdout, stderr } = limited(...TINY, '-o', target);
    expect(stderr).toMatch(/^wafersim: EFBIG[^\n]*full\/run[^\n]*\n$/);
    expect(stdout).toContain('tokens/s per user');
    expect(status).toBe(5);
    expect(readdirSync(join(home, 'full'))).toEqual([]);
  });

  it('leaves the run of before in its place', () => {
    const target = join(home, 'whole');
    const before = readFileSync(join(target, 'run.json'), 'utf8');
    expect(limited(...TINY, '--set', 'workload.batch=1', '-o', target).status).toBe(5);
    expect(readFileSync(join(target, 'run.json'), 'utf8')).toBe(before);
  });

  it('leaves a baseline as it was', () => {
    const baseline = join(home, 'baseline.json');
    const text = '{"schema":"wafersim.bench/1","cases":[]}';
    writeFileSync(baseline, text);
    const { status, stderr } = spawnSync(
      'bash',
      [
        '-c',
        'ulimit -f 0; exec "$@"',
        'bash',
        process.execPath,
        MAIN,
        'bench',
        '--cases=kernel/gemv',
        '--update-baseline',
        '--baseline',
        baseline,
      ],
      { encoding: 'utf8' },
    );
    expect(stderr).toMatch(/^wafersim: EFBIG[^\n]*baseline\.json[^\n]*\n$/);
    expect(status).toBe(5);
    expect(readFileSync(baseline, 'utf8')).toBe(text);
  });

  it('is an error on stdout too', () => {
    if (!existsSync('/dev/full')) return;
    const { status, stderr } = spawnSync(
      'bash',
      ['-c', '"$@" > /dev/full', 'bash', process.execPath, MAIN, 'schema'],
      { encoding: 'utf8' },
    );
    expect(stderr).toMatch(/^wafersim: ENOSPC[^\n]* to the standard output\n$/);
    expect(status).toBe(5);
  });
});

describe('a run that is damaged or foreign', () => {
  it.each([
    [
      'cut short',
      (text: string) => text.slice(0, 5000),
      /expected a document wafersim\.run\/1, found none/,
    ],
    ['of another kind', () => '{"schema": "wafersim.kernel/1"}', /found "wafersim\.kernel\/1"/],
    [
      'without a part',
      (text: string) => text.replace('"decode"', '"decoed"'),
      /whole run, found decode/,
    ],
    [
      'with a text for a number',
      (text: string) => text.replace(/"coresUsed": \d+/, '"coresUsed": ""'),
      /placement\.coresUsed/,
    ],
  ])('is not compared: %s', async (_, damage, why) => {
    const whole = join(home, 'whole', 'run.json');
    const bad = join(home, 'bad.json');
    writeFileSync(bad, damage(readFileSync(whole, 'utf8')));
    const { status, stdout, stderr } = await wafersim('compare', whole, bad);
    expect(stderr).toMatch(/^wafersim: [^\n]*bad\.json: [^\n]*\n$/);
    expect(stderr).toMatch(why);
    expect(stdout).toBe('');
    expect(status).toBe(3);
  });
});
