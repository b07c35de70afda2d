/** `wafersim bench` as a user's CI calls it: a suite of their own, a baseline, an exit code. */
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ConfigError, IncomparableError, readBaseline, readSuite } from '../src/index.js';
import type { BenchDocument } from '../src/studies/bench/document.js';
import { wafersim } from './helpers/command-line.js';

const SUITE = `schema: wafersim.suite/1
cases:
  - id: kernel/reduce
    kernel: reduce
    hardware: small.yaml
    options: { algorithm: chain, pes: 16, words: 100, dtype: f32 }
  - id: decode/tiny
    run: tiny.yaml
    set: { workload.tokens: 1 }
`;

const HARDWARE = readFileSync('configs/hardware/small.yaml', 'utf8').replace(
  'extends: wse3.yaml',
  `extends: ${resolve('configs/hardware/wse3.yaml')}`,
);

let home: string;
let baseline: string;
let summary: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-bench-'));
  baseline = join(home, 'baseline.json');
  summary = join(home, 'summary.md');
  writeFileSync(join(home, 'suite.yaml'), SUITE);
  writeFileSync(join(home, 'small.yaml'), HARDWARE);
  writeFileSync(
    join(home, 'tiny.yaml'),
    `hardware: small.yaml\nmodel: { config: tiny.json, dtype: f32 }\nworkload: { context: 8, data: true }\nplacement: { rows: 6, layerColumns: 5 }\n`,
  );
  copyFileSync('models/tiny.json', join(home, 'tiny.json'));
  if ((await bench('--update-baseline')).status !== 0) throw new Error('no baseline');
});
afterAll(() => rmSync(home, { recursive: true }));

async function bench(...args: string[]) {
  const suite = args.includes('--suite') ? [] : ['--suite', join(home, 'suite.yaml')];
  vi.stubEnv('GITHUB_STEP_SUMMARY', summary);
  try {
    return await wafersim('bench', ...suite, ...args);
  } finally {
    vi.unstubAllEnvs();
  }
}

/** Runs with another small.yaml next to the suite, and puts the first one back. */
async function withHardware(further: string, ...args: string[]) {
  writeFileSync(join(home, 'small.yaml'), `${HARDWARE}${further}`);
  try {
    return await bench(...args);
  } finally {
    writeFileSync(join(home, 'small.yaml'), HARDWARE);
  }
}

describe('a suite against its baseline', () => {
  it('has no difference at all if nothing changed, on another machine either', async () => {
    expect(readFileSync(baseline, 'utf8')).not.toMatch(/"host"|reference|wall|peakRss/);
    const { status, stdout } = await bench('--baseline', '--json');
    expect(status).toBe(0);
    const { comparison, cases } = JSON.parse(stdout) as BenchDocument;
    expect(comparison).toMatchObject({ differences: [], otherConfigurations: [], passed: true });
    expect(comparison!.compared).toBeGreaterThan(6);
    expect(cases.map(({ id }) => id)).toEqual(['kernel/reduce', 'decode/tiny', '(all)']);
  });

  it('is written the same, byte by byte', async () => {
    const before = readFileSync(baseline);
    expect((await bench('--update-baseline')).status).toBe(0);
    expect(readFileSync(baseline).equals(before)).toBe(true);
    expect(readdirSync(home).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('fails on a cost changed by 1 %, names the cases, worst first, and says it where CI shows it', async () => {
    const xml = join(home, 'bench.xml');
    writeFileSync(summary, '');
    const changed = 'costs:\n  issue: { f16: 1, f32: 1.01 }\n';
    const { status, stdout } = await withHardware(changed, '--baseline', '--junit', xml);
    expect(status).toBe(1);
    const changes = [...stdout.matchAll(/regression (\S+) \S+: .*\(([+-][\d.]+) %\)/g)];
    expect(new Set(changes.map((match) => match[1]))).toContain('decode/tiny');
    const sizes = changes.map((match) => Math.abs(Number(match[2])));
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes[0]).toBe(Math.max(...sizes));
    expect(stdout).toContain('other configuration than in the baseline: decode/tiny');
    expect(readFileSync(summary, 'utf8')).toMatch(/^### wafersim bench: \d regressions\n/);
    const junit = readFileSync(xml, 'utf8');
    expect(junit).toContain('<failure message="regression decode/tiny');
    const [, time, timestamp] = /<testsuites .* time="([\d.]+)" timestamp="(\S+)">/.exec(junit)!;
    expect(Number(time)).toBeGreaterThan(0);
    expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    expect(Math.abs(Date.now() - Date.parse(`${timestamp}Z`))).toBeLessThan(120_000);
  });

  it('says what became better, and is fine', async () => {
    const { status, stdout } = await withHardware(
      'costs:\n  setup: { f16: 8, f32: 20 }\n',
      '--baseline',
      '--cases',
      'kernel/',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/better kernel\/reduce cycles: .*\(-/);
    expect(stdout).toContain('--update-baseline makes these numbers the baseline');
  });

  it('fails with --exact on what became better, and on nothing if nothing changed', async () => {
    const kernels = ['--baseline', '--exact', '--cases', 'kernel/'];
    const lost = await withHardware('costs:\n  setup: { f16: 8, f32: 0 }\n', ...kernels);
    expect(lost.stdout).toMatch(/better kernel\/reduce cycles: .*\(-/);
    expect(lost.stdout).toMatch(/^\d changes?: \d+ numbers compared/m);
    expect(lost.status).toBe(1);
    expect((await bench(...kernels)).status).toBe(0);
  });

  it('refuses --exact with a tolerance, and without a baseline, in one line', async () => {
    const both = await bench('--baseline', '--exact', '--tolerance', '1%');
    const alone = await bench('--exact');
    expect(both.stderr).toMatch(/^[^\n]*--exact[^\n]*cannot be used with[^\n]*tolerance[^\n]*\n$/);
    expect(alone.stderr).toMatch(/^--exact: expected --baseline as well[^\n]*\n$/);
    expect([both.status, alone.status]).toEqual([2, 2]);
  });

  it('compares with --cases only what was run, and updates only that', async () => {
    const { status, stdout } = await bench('--baseline', '--cases', 'kernel/');
    expect(status).toBe(0);
    expect(stdout).toContain('no difference');
    const before = readFileSync(baseline);
    expect((await bench('--update-baseline', '--cases', 'kernel/')).status).toBe(0);
    expect(readFileSync(baseline).equals(before)).toBe(true);
  });

  it('with --host holds the times of this host too', async () => {
    const own = join(home, 'own.json');
    expect((await bench('--baseline', own, '--update-baseline', '--host')).status).toBe(0);
    const { comparison } = JSON.parse(
      (await bench('--baseline', own, '--json')).stdout,
    ) as BenchDocument;
    expect(comparison).toMatchObject({ host: 'compared', passed: true });
  });

  it('ends with 4 and keeps the baseline if the simulated machine fails', async () => {
    const before = readFileSync(baseline);
    const tooSmall = 'core:\n  sram: 18 KiB\n';
    for (const option of ['--baseline', '--update-baseline']) {
      const { status, stdout } = await withHardware(tooSmall, option);
      expect(status).toBe(4);
      expect(stdout).toMatch(/decode\/tiny: .*needs/);
    }
    expect(readFileSync(baseline).equals(before)).toBe(true);
  });
});

describe('a baseline that cannot be used', () => {
  const whole = () => readFileSync(baseline, 'utf8');
  const bad: [string, () => string, RegExp][] = [
    ['cut short', () => whole().slice(0, 300), /no JSON/],
    ['empty', () => '', /no JSON/],
    ['foreign', () => '{"schema":"wafersim.run/1"}', /expected a baseline .*wafersim\.run\/1/],
    ['no object', () => 'null', /found none/],
    ['newer', () => whole().replace('bench/1', 'bench/2'), /found version 2/],
    ['damaged', () => whole().replace(/"value": \d+/, '"value": "x"'), /metrics\.\w+\.value/],
    ['twofold', () => whole().replaceAll('decode/tiny', 'kernel/reduce'), /one twice/],
  ];
  it.each(bad)('%s is refused, with the file and what is wrong', (_, text, why) => {
    const file = join(home, 'bad.json');
    writeFileSync(file, text());
    expect(() => readBaseline(file)).toThrow(IncomparableError);
    expect(() => readBaseline(file)).toThrow(why);
    expect(() => readBaseline(file)).toThrow(/^[^\n]*bad\.json: [^\n]*$/);
  });

  it('ends the command with 3 and one line, before any run, and stays as it is', async () => {
    const file = join(home, 'newer.json');
    const text = whole().replace('bench/1', 'bench/2');
    writeFileSync(file, text);
    for (const option of [[], ['--update-baseline']]) {
      const { status, stdout, stderr } = await bench('--baseline', file, ...option);
      expect(stderr).toMatch(/^wafersim: [^\n]*newer\.json[^\n]*version 2\n$/);
      expect(stdout).toBe('');
      expect(status).toBe(3);
    }
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('of another suite is refused before any run', async () => {
    const { status, stdout, stderr } = await bench('--baseline', resolve('bench/baseline.json'));
    expect(stderr).toMatch(/^wafersim: [^\n]*baseline\.json: expected some case of the suite/);
    expect(stdout).toBe('');
    expect(status).toBe(3);
  });

  it('or is missing is a matter of usage', async () => {
    const { status, stderr } = await bench('--baseline', join(home, 'none.json'));
    expect(stderr).toMatch(/^[^\n]*none\.json[^\n]*\n$/);
    expect(status).toBe(2);
  });
});

describe('a suite that is wrong', () => {
  const bad: [string, RegExp][] = [
    ['schema: wafersim.suite/2\ncases: []', /:1:9: schema: expected wafersim\.suite\/1/],
    ['schema: wafersim.suite/1\ncases: []', /cases: expected cases/],
    [`${SUITE}    hardwear: x\n`, /cases\.1\.hardwear: .*did you mean hardware/],
    [`${SUITE}    kernel: reduce\n`, /cases\.1\.run: expected run or kernel, found both/],
    [`${SUITE}  - id: decode/tiny\n    run: tiny.yaml\n`, /cases\.2\.id: expected one of its own/],
    [`${SUITE}  - id: "<b>"\n    run: tiny.yaml\n`, /cases\.2\.id: expected a name of letters/],
    [`${SUITE}  - id: x\n    run: none.yaml\n`, /:11:10: run: expected the file .*none\.yaml/],
  ];
  it.each(bad)('is refused with its place: %s', (text, why) => {
    const file = join(home, 'wrong.yaml');
    writeFileSync(file, text);
    expect(() => readSuite(file)).toThrow(ConfigError);
    expect(() => readSuite(file)).toThrow(why);
    expect(() => readSuite(file)).toThrow(/^[^\n]*wrong\.yaml:\d+:\d+: [^\n]*$/);
  });

  it('ends the command with 2 and one line', async () => {
    const file = join(home, 'wrong.yaml');
    writeFileSync(file, SUITE.replace('tiny.yaml', 'none.yaml'));
    const { status, stdout, stderr } = await bench('--suite', file);
    expect(stderr).toMatch(/^[^\n]*wrong\.yaml:8:10: [^\n]*no such file\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});
