/** The commands on the small configuration: one document or one table, and whole directories. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { style } from '../src/cli/output.js';
import type { KernelDocument, RunDocument } from '../src/report/document.js';
import { runTable } from '../src/report/table.js';
import { wafersim } from './helpers/command-line.js';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TINY = ['configs/tiny.yaml', '--set', 'workload.tokens=1'];

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-'));
});
afterAll(() => rmSync(home, { recursive: true }));

describe('wafersim run', () => {
  it('prints with --json one document that adds up, the same outside host from run to run', async () => {
    const [first, second] = [
      await wafersim('run', ...TINY, '--json'),
      await wafersim('run', ...TINY, '--json'),
    ];
    expect(first.stderr).toBe('');
    expect(first.status).toBe(0);
    const { host, ...run } = JSON.parse(first.stdout) as RunDocument;
    const { host: _, ...again } = JSON.parse(second.stdout) as RunDocument;
    expect(JSON.stringify(again)).toBe(JSON.stringify(run));
    expect(run.schema).toBe('wafersim.run/1');
    const { breakdown, coreCycles, cyclesPerToken } = run.decode;
    expect(sum(Object.values(breakdown).map(({ cycles }) => cycles))).toBe(cyclesPerToken);
    expect(sum(Object.values(coreCycles))).toBe(run.placement.coresUsed * cyclesPerToken);
    expect(host.peakRssBytes).toBeGreaterThan(10e6);
    expect(host.wallSeconds).toBeGreaterThan(0);
  });

  it('writes with -o the document and the table that it prints', async () => {
    const target = join(home, 'runs', 'tiny');
    const { status, stdout } = await wafersim('run', ...TINY, '-o', target);
    expect(status).toBe(0);
    expect(readdirSync(target).toSorted()).toEqual([
      'cores.npz',
      'links.parquet',
      'operators.csv',
      'regions.csv',
      'report.html',
      'run.json',
      'run.txt',
      'summary.csv',
      'trace.json.gz',
    ]);
    expect(readFileSync(join(target, 'run.txt'), 'utf8')).toBe(stdout);
    const run = JSON.parse(readFileSync(join(target, 'run.json'), 'utf8')) as RunDocument;
    expect(runTable(run, { color: false })).toBe(stdout);
    expect(readFileSync(join(target, 'report.html'), 'utf8')).toContain(
      `<dd>${run.configHash}</dd>`,
    );
    const trace = gunzipSync(readFileSync(join(target, 'trace.json.gz'))).toString();
    expect(JSON.parse(trace)).toHaveProperty('otherData.cyclesPerToken', run.decode.cyclesPerToken);
    expect(readdirSync(join(home, 'runs'))).toEqual(['tiny']);
  });

  it('refuses to write over what is no run, and writes nothing for a run that fails', async () => {
    writeFileSync(join(home, 'letter.txt'), 'dear');
    const refused = await wafersim('run', ...TINY, '-o', home);
    expect(refused.stderr).toMatch(/^[^\n]*letter\.txt[^\n]*\n$/);
    expect(refused.status).toBe(2);
    const target = join(home, 'too-big');
    const failed = await wafersim(
      'run',
      ...TINY,
      '--set',
      'hardware.core.sram=17KiB',
      '-o',
      target,
    );
    expect(failed.status).toBe(4);
    expect(readdirSync(home)).not.toContain('too-big');
  });

  const wrong: [set: string, status: number, message: RegExp][] = [
    ['workload.contxt=5', 2, /workload\.contxt.*did you mean context\?/],
    ['hardware.core.sram=17408 B', 4, /tiny needs .* there is .* it would fit/],
    ['workload.context=1000000', 2, /workload\.context: expected at most 509/],
    ['hardware.clock=5 KiB', 2, /hardware\.clock/],
    ['hardware.clock=1.1', 2, /hardware\.clock.*1\.0 GHz/],
    ['workload.tokens=0', 2, /workload\.tokens/],
    ['workload.batch=-1', 2, /workload\.batch/],
  ];
  it.each(wrong)(
    'with --set %s exits %i and says why in one line',
    async (set, status, message) => {
      const found = await wafersim('run', 'configs/tiny.yaml', '--set', set);
      expect(found.stderr).toMatch(message);
      expect(found.stderr).toMatch(/^[^\n]+\n$/);
      expect(found.stdout).toBe('');
      expect(found.status).toBe(status);
    },
  );
});

describe('wafersim run with numbers', () => {
  it('refuses a model that is too large to compute with, exit 2', async () => {
    const found = await wafersim('run', 'configs/wse3.yaml', '--set', 'workload.data=true');
    expect(found.stderr).toMatch(/^[^\n]*expected at most 268435456 parameters[^\n]*\n$/);
    expect(found.stderr).not.toContain('internal');
    expect(found.status).toBe(2);
  });
});

describe('wafersim kernel', () => {
  const reduce = ['kernel', 'reduce', '--algorithm', 'chain', '--pes', '16', '--words', '500'];

  it('gives one document with the cycles and the options as resolved', async () => {
    const { status, stdout, stderr } = await wafersim(...reduce, '--dtype', 'f32', '--json');
    const kernel = JSON.parse(stdout) as KernelDocument;
    expect(kernel).toMatchObject({
      schema: 'wafersim.kernel/1',
      config: { kernel: 'reduce', options: { algorithm: 'chain', pes: 16, words: 500 } },
    });
    expect(kernel.cycles).toBeGreaterThan(590);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('takes another hardware file, and changes to it, from any directory', async () => {
    const hardware = ['--hardware', join(ROOT, 'configs/hardware/small.yaml')];
    const cycles = async (...more: string[]) => {
      const { stdout } = await wafersim(...reduce, '--json', ...hardware, ...more);
      return (JSON.parse(stdout) as KernelDocument).cycles;
    };
    const deep = await cycles();
    // Machine model 4a: 590 cycles at depth 4, 2087 at depth 1, start-up left out.
    expect((await cycles('--set', 'hardware.fabric.queueDepth=1')) - deep).toBe(2087 - 590);
    const elsewhere = spawnSync(process.execPath, [MAIN, ...reduce], {
      encoding: 'utf8',
      cwd: home,
    });
    expect(elsewhere.stderr).toBe('');
    expect(elsewhere.status).toBe(0);
  });

  const wrong: [args: string[], message: RegExp][] = [
    [['redoce'], /expected one of reduce.*found redoce/],
    [['reduce', '--algorithm', 'chain', '--pes', '0', '--words', '4'], /pes: expected a whole/],
    [['reduce', '--algorithm', 'chain', '--pes', 'x', '--words', '4'], /pes: expected.*found x/],
    [['reduce', '--algorithm', 'chain', '--pes', '4'], /words: expected.*found nothing/],
    [['broadcast', '--pes', '4', '--words', '4', '--k', '3'], /kernel broadcast: k:/],
  ];
  it.each(wrong)('refuses %j with exit 2 and one line', async (args, message) => {
    const { status, stdout, stderr } = await wafersim('kernel', ...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

describe('wafersim inspect', () => {
  it('shows the placement, or with --core the program of that core', async () => {
    const { stdout } = await wafersim('inspect', 'configs/tiny.yaml');
    expect(stdout).toMatch(/^ +region .*\n +embedding /);
    expect((await wafersim('inspect', 'configs/tiny.yaml', '--core', '3,3')).stdout).toMatch(
      /^layer 0: /,
    );
    const json = (await wafersim('inspect', 'configs/tiny.yaml', '--what', 'model', '--json'))
      .stdout;
    expect(JSON.parse(json)).toMatchObject({ model: { name: 'tiny' } });
  });

  it('says whether a core is off the wafer or idle', async () => {
    const at = (core: string, ...more: string[]) =>
      wafersim('inspect', 'configs/tiny.yaml', '--core', core, ...more);
    // Regions of 12 rows on a wafer of 24 leave cores of the last column idle.
    for (const what of ['placement', 'program']) {
      const idle = await at('31,23', '--what', what, '--set', 'placement.growth=minimal');
      expect([idle.stderr, idle.status]).toEqual([
        '--core: expected a core of a region (--what placement lists them), found (31,23), which is idle\n',
        2,
      ]);
      for (const core of ['32,0', '0,24']) {
        const off = await at(core, '--what', what);
        expect([off.stderr, off.status]).toEqual([
          `--core: expected a core of small, from 0,0 to 31,23, found (${core}), which is off the wafer\n`,
          2,
        ]);
      }
    }
  });
});

describe('colours', () => {
  const { isTTY } = process.stdout;
  const noColor = process.env['NO_COLOR'];
  afterEach(() => {
    process.stdout.isTTY = isTTY;
    if (noColor === undefined) delete process.env['NO_COLOR'];
    else process.env['NO_COLOR'] = noColor;
  });

  it.each([
    [true, '', true],
    [true, '1', false],
    [false, '', false],
  ])('on a terminal: %s, NO_COLOR: "%s": %s', (terminal, setting, expected) => {
    process.stdout.isTTY = terminal;
    process.env['NO_COLOR'] = setting;
    expect(style().color).toBe(expected);
  });
});
