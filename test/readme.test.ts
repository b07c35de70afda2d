/** The README's commands, typed as they stand, and what it says that they print. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { wafersim } from './helpers/command-line.js';

const README = readFileSync('README.md', 'utf8');

/** Lines of the page that call the command, without what follows `#`. */
const commands = [...README.matchAll(/^ {4}npx wafersim ([^#\n]+)/gm)].map((match) =>
  match[1].trim().split(/\s+/),
);

describe('the commands of the README', () => {
  it('are there', () => {
    expect(commands.length).toBeGreaterThan(8);
    expect(README).toContain('npm ci && npx wafersim run configs/wse3.yaml');
    expect(README).toContain('npm ci && npm test');
  });

  it.each(commands.map((words) => [words.join(' '), words] as const))(
    'wafersim %s',
    (_, words) => {
      // The large ones on one thread, which takes less of the processors: other tests need them too.
      const threads = words.includes('configs/wse3.yaml') && /run|fleet/.test(words[0]);
      const all = ['dist/cli/main.js', ...words, ...(threads ? ['--shards', '1'] : [])];
      const run = spawnSync(process.execPath, all, { encoding: 'utf8' });
      expect(run.stderr).not.toMatch(/error/i);
      expect(run.stdout).toMatch(/\S/);
      expect(run.status).toBe(0);
    },
    300_000,
  );
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
      expect(README).toContain(`\n${end}\n`);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
