/** The package as npm packs it, unpacked elsewhere: the command, the library, the files it needs. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelDocument } from '../src/report/document.js';
import type { BenchDocument } from '../src/studies/bench/document.js';
import { FULL } from './helpers/full.js';

let home: string;
/** The package as a project's dependency. */
let installed: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-package-'));
  // dist is built before the tests; without scripts nothing asks for the network.
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', home]);
  const [tarball] = readdirSync(home);
  execFileSync('tar', ['-xzf', tarball], { cwd: home });
  installed = join(home, 'node_modules', 'wafersim');
  mkdirSync(join(home, 'node_modules'));
  execFileSync('mv', [join(home, 'package'), installed]);
  // Only what the package depends on, as an installation would bring it.
  for (const name of dependencies()) {
    mkdirSync(join(home, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(resolve('node_modules', name), join(home, 'node_modules', name));
  }
  mkdirSync(join(home, 'node_modules', '.bin'));
  symlinkSync('../wafersim/dist/cli/main.js', join(home, 'node_modules', '.bin', 'wafersim'));
});
afterAll(() => rmSync(home, { recursive: true }));

/** Names of the packages that a project needs to run, with those that they need. */
function dependencies(): string[] {
  const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable', '--silent'], {
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .flatMap((path) => path.split('/node_modules/').slice(1, 2))
    .filter((name, i, all) => name !== '' && all.indexOf(name) === i);
}

function node(...args: string[]) {
  return spawnSync(process.execPath, args, { encoding: 'utf8', cwd: home });
}
const wafersim = (...args: string[]) => node(join(installed, 'dist/cli/main.js'), ...args);

describe.skipIf(!FULL)('the package', () => {
  it('starts threads of its own where a region is large', () => {
    const large = ['hardware=wse3', 'placement.rows=64', 'placement.layerColumns=64'];
    const sets = [...large, 'workload.data=false', 'workload.tokens=1'];
    const { status, stdout, stderr } = wafersim(
      ...['run', join(installed, 'configs/tiny.yaml'), '--shards', '2'],
      ...sets.flatMap((set) => ['--set', set]),
    );
    expect(stderr).toBe('');
    expect(stdout).toContain('fast engine, 2 shards');
    expect(status).toBe(0);
  });

  it('runs a configuration that it brings', () => {
    const { status, stdout, stderr } = wafersim('run', join(installed, 'configs/tiny.yaml'));
    expect(stderr).toBe('');
    expect(stdout).toContain('6,365 cycles');
    expect(status).toBe(0);
  });

  it('finds its own hardware, measurements and benchmarks', () => {
    expect(wafersim('kernel', 'reduce', '--algorithm=chain', '--pes=8', '--words=8').status).toBe(
      0,
    );
    expect(wafersim('validate', '--only', 'matvec-single-pe-f32-10').status).toBe(0);
    const { status, stdout } = wafersim('bench', '--cases', 'tiny-qwen3', '--baseline', '--json');
    expect(status).toBe(0);
    const { comparison } = JSON.parse(stdout) as BenchDocument;
    expect(comparison).toMatchObject({ compared: 7, differences: [], otherConfigurations: [] });
  });

  it('brings hardware and models that configurations anywhere name', () => {
    writeFileSync(join(home, 'mine.yaml'), 'hardware: small\nmodel: tiny\n');
    const { status, stdout, stderr } = wafersim('inspect', 'mine.yaml', '--what', 'model');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^tiny: /);
    expect(status).toBe(0);
    writeFileSync(join(home, 'mine.yaml'), 'hardware: wse3\nmodel: llama-3.1-9b\n');
    expect(wafersim('inspect', 'mine.yaml').stderr).toMatch(/did you mean llama-3\.1-8b\?\n$/);
  });

  it('is imported by its name', () => {
    const config = join(installed, 'configs/tiny.yaml');
    writeFileSync(
      join(home, 'use.mjs'),
      `import { compare, loadConfig, simulate } from 'wafersim';
       const config = loadConfig(${JSON.stringify(config)}, ['workload.tokens=1']);
       const run = await simulate(config);
       const { rows } = await compare([config]);
       process.stdout.write([run.schema, rows[0].cyclesPerToken === run.decode.cyclesPerToken].join());`,
    );
    const { status, stdout, stderr } = node('use.mjs');
    expect(stderr).toBe('');
    expect(stdout).toBe('wafersim.run/1,true');
    expect(status).toBe(0);
  });

  it('is imported in pages by another name, without anything that it depends on', () => {
    const page = join(home, 'page');
    mkdirSync(page);
    const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
      exports: Record<string, { default: string }>;
    };
    copyFileSync(join(installed, exports['./browser'].default), join(page, 'browser.mjs'));
    const use = `import { kernel } from './browser.mjs';
      const options = { algorithm: 'chain', pes: 8, words: 8, dtype: 'f32' };
      process.stdout.write(String((await kernel('reduce', options)).cycles));`;
    writeFileSync(join(page, 'use.mjs'), use);
    const { stdout, stderr } = node('page/use.mjs');
    const args = ['--algorithm=chain', '--pes=8', '--words=8', '--dtype=f32', '--json'];
    const { cycles } = JSON.parse(wafersim('kernel', 'reduce', ...args).stdout) as KernelDocument;
    expect([stderr, stdout]).toEqual(['', String(cycles)]);
  });

  it('holds what it needs, and neither tests nor sources', () => {
    const top = readdirSync(installed).toSorted();
    expect(top).toEqual([
      'LICENSE',
      'README.md',
      'bench',
      'configs',
      'dist',
      'docs',
      'examples',
      'measurements',
      'models',
      'package.json',
    ]);
    expect(readdirSync(join(installed, 'bench')).toSorted()).toEqual([
      'baseline.json',
      'suite.yaml',
    ]);
  });
});

describe.skipIf(!FULL)('the example for CI, in a repository of its own', () => {
  const shell = (script: string) =>
    spawnSync('sh', ['-ec', script], { encoding: 'utf8', cwd: home });

  /** The README's commands, block by block, as they stand there. */
  const blocks = () =>
    [...readFileSync('examples/ci/README.md', 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(
      (match) => match[1],
    );

  it('is copied and run as its README says', () => {
    const [copy, compare, ...rest] = blocks();
    expect(shell(copy)).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(home, '.github/workflows/wafersim.yml'))).toBe(true);
    const { status, stdout, stderr } = shell(compare);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/no difference: 14 numbers compared with bench.baseline\.json/);
    expect(stdout).not.toContain('other');
    expect(status).toBe(0);
    expect(rest).toHaveLength(1);
  });

  it('runs what its workflow runs, and fails on a cost that is 1 % higher', () => {
    const workflow = readFileSync(join(home, '.github/workflows/wafersim.yml'), 'utf8');
    const [command] = /npx wafersim .*/.exec(workflow)!;
    expect(shell(command)).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(home, 'bench.xml'))).toBe(true);
    expect(existsSync(join(home, 'smaller.json'))).toBe(true);
    const wafer = join(home, 'bench/wafer.yaml');
    writeFileSync(wafer, readFileSync(wafer, 'utf8').replace('f16: 10,', 'f16: 10.1,'));
    const worse = shell(command);
    expect(worse.stdout).toMatch(/regression decode\/one-user cyclesPerToken/);
    expect(worse.status).toBe(1);
    const [, , update] = blocks();
    expect(shell(update).stderr).toBe('wrote bench/baseline.json\n');
    expect(shell(command).status).toBe(0);
  });
});
