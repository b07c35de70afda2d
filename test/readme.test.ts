/** README.md and docs/: their commands, typed as they stand, what they say is printed, and their links. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { partOf } from '../src/studies/documentation/markers.js';
import { wafersim } from './helpers/command-line.js';
import { cases } from './helpers/full.js';

const pages = readdirSync('docs').map((name) => `docs/${name}`);
const texts = new Map(
  ['README.md', 'CONTRIBUTING.md', 'PERFORMANCE.md', 'CHANGELOG.md', 'SECURITY.md', ...pages].map(
    (path) => [path, readFileSync(path, 'utf8')],
  ),
);
const README = texts.get('README.md')!;

/** Lines that call the command, without what follows `#`, each once over all pages. */
const calls = (line: RegExp) => [
  ...new Set(
    [...texts.values()].flatMap((text) => [...text.matchAll(line)].map(([, c]) => c.trim())),
  ),
];
/** Indented ones run here; those in a block of `sh` take minutes, and their words are looked at. */
const commands = calls(/^ {4}npx wafersim ([^#\n]+)/gm);
const long = calls(/^npx wafersim ([^#\n]+)/gm);
/** Of those that run here: what the benchmarks, or tests of their own, do as it stands. */
const isElsewhere = (command: string) =>
  /^run configs.gpt-oss-120b.yaml|^bench --suite examples/.test(command);
/** On whole wafers, which takes as long as all the others together. */
const isLarge = (command: string) => command.startsWith('fleet configs/wse3.yaml');
/** And what tests of their own do over and over, or on fewer cores. */
const isLong = (command: string) =>
  isLarge(command) ||
  /^(bench|diff|validate|capacity) |^run (configs.serving|examples.deployments)|^compare .*--strategies/.test(
    command,
  ) ||
  /^kernel (reduce .*--pes 512|layer .*--dim 4096)|^run configs.speculation|llama-70b/.test(
    command,
  );
const [late, quick] = [true, false].map((is) =>
  commands.filter((c) => !isElsewhere(c) && isLong(c) === is),
);
/** What is not run here has its words looked at. */
const looked = [...long, ...late, ...commands.filter(isElsewhere)];
/** Fewer requests are served, and large ones take one thread: other tests need the processors too. */
const lighter = (command: string) => [
  ...(isLarge(command) ? ['--shards', '1'] : []),
  ...(/ configs.serving/.test(command) ? ['--set', 'workload.requests=20'] : []),
];

afterAll(() => rmSync('runs/before', { recursive: true, force: true }));

describe('the commands of the documents', () => {
  it('are there', () => {
    expect(commands.length).toBeGreaterThan(20);
    expect(long.length).toBeGreaterThan(4);
    expect(README).toContain('npm ci && npx wafersim run configs/wse3.yaml');
    expect(README).toContain('npm ci && npm test');
  });

  it.each(cases(quick, late))(
    'wafersim %s',
    async (command) => {
      const words = [...command.split(/\s+/), ...lighter(command)];
      const { status, stdout, stderr } = await wafersim(...words);
      expect(stderr).not.toMatch(/error/i);
      expect(stdout).toMatch(/\S/);
      expect(status).toBe(0);
    },
    300_000,
  );

  it.each(looked)('wafersim %s: its files and options exist', async (command) => {
    const [name, ...words] = command.split(/\s+/);
    const { stdout: help } = await wafersim('help', name);
    for (const word of words) {
      if (word.startsWith('--')) expect(help).toContain(` ${word} `);
      if (word.startsWith('configs/')) expect(existsSync(word), word).toBe(true);
    }
  });
});

describe('the example of a regression', () => {
  it('is what a row that takes 1 % longer gives', async () => {
    const home = mkdtempSync(join(tmpdir(), 'wafersim-readme-'));
    try {
      for (const name of ['examples', 'configs'])
        cpSync(name, join(home, name), { recursive: true });
      const wafer = join(home, 'examples/ci/wafer.yaml');
      const slower = readFileSync(wafer, 'utf8').replace('row: { f16: 10,', 'row: { f16: 10.1,');
      writeFileSync(wafer, slower);
      const suite = join(home, 'examples/ci/suite.yaml');
      const { status, stdout } = await wafersim('bench', '--suite', suite, '--baseline');
      expect(status).toBe(1);
      const end = stdout.slice(
        stdout.indexOf('Against the baseline'),
        stdout.indexOf('\n\n6 regr'),
      );
      expect(end).toContain('regression');
      expect(texts.get('docs/ci.md')).toContain(`\n${end}\n`);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});

describe('the pages', () => {
  it('start with a README that fits 180 lines and links to every one of them', () => {
    expect(README.split('\n').length).toBeLessThanOrEqual(181);
    for (const page of pages) expect(README).toContain(`](${page})`);
  });

  it('list every folder of src/ as a room, and no other', () => {
    const rooms = texts.get('docs/architecture.md')!.matchAll(/^\| `(\w+)\/` \|/gm);
    const folders = readdirSync('src', { withFileTypes: true }).filter((e) => e.isDirectory());
    expect([...rooms].map(([, name]) => name).toSorted()).toEqual(
      folders.map(({ name }) => name).toSorted(),
    );
  });

  it('give in the README the errors that docs/accuracy.md has, which are generated', () => {
    const accuracy = partOf(texts.get('docs/accuracy.md')!, 'validate');
    const errors = accuracy.split('\n').filter((line) => line.startsWith('**'));
    expect(errors).toHaveLength(4);
    expect(README).toContain(`\n\n${errors.map((line) => `- ${line}`).join('\n')}\n\n`);
  });

  it.each([...texts])('%s: every file that it links to or names exists', (path, text) => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, to]) =>
      join(dirname(path), to),
    );
    const named = [...text.matchAll(/`((?:src|test|docs|configs|examples|bench)\/[\w./-]+)`/g)];
    for (const file of [...links, ...named.map(([, name]) => name)])
      expect(existsSync(file), file).toBe(true);
  });
});
