/** The examples: each command in them runs as it stands, and each file is used by one. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { BenchDocument } from '../src/studies/bench/document.js';
import { wafersim } from './helpers/command-line.js';

const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).map((name) =>
  join('examples', name),
);
const texts = files
  .filter((name) => /\.(md|yaml|ts)$/.test(name))
  .map((name) => readFileSync(name, 'utf8'));

/** Commands in comments and indented blocks, in the order of their files. */
const commands = texts.flatMap((text) =>
  [...text.matchAll(/^(?:#| \*)? {3,5}npx wafersim ([^#\n]+)$/gm)].map((match) => match[1].trim()),
);

afterAll(() => {
  rmSync('runs/row-major', { recursive: true, force: true });
  rmSync('runs/snake', { recursive: true, force: true });
});

describe('the examples', () => {
  it('are named in their README, every folder', () => {
    const readme = readFileSync('examples/README.md', 'utf8');
    const folders = readdirSync('examples', { withFileTypes: true }).filter((e) => e.isDirectory());
    for (const { name } of folders) expect(readme).toContain(`](${name})`);
    expect(commands.length).toBeGreaterThan(10);
  });

  it.each(commands.filter((command) => !command.includes('--update-baseline')))(
    'wafersim %s',
    async (command) => {
      const { status, stdout, stderr } = await wafersim(...command.split(/\s+/));
      expect(stderr).not.toMatch(/wafersim:|expected/);
      expect(stdout).toMatch(/\S/);
      expect(status).toBe(0);
    },
  );

  it('compute the right logits where they compute', async () => {
    const { stdout } = await wafersim('run', 'examples/model/run.yaml', '--json');
    expect(JSON.parse(stdout)).toHaveProperty('check.passed', true);
  });

  it('hold the suite of the CI example against a baseline that fits it', async () => {
    const { status, stdout } = await wafersim(
      ...'bench --suite examples/ci/suite.yaml --baseline --json'.split(' '),
    );
    expect(status).toBe(0);
    const { comparison } = JSON.parse(stdout) as BenchDocument;
    expect(comparison!.compared).toBeGreaterThan(10);
    expect(comparison!.differences).toEqual([]);
  });

  it('use the library by its name, from TypeScript', () => {
    const tsc = spawnSync('node_modules/.bin/tsc', ['-p', 'examples/library'], {
      encoding: 'utf8',
    });
    expect(tsc.stdout).toBe('');
    const { stdout, status } = spawnSync(process.execPath, ['.build/example/compare.js'], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/^row-major: \d+ cycles per token \(0\)\nsnake: \d+ .*\(-\d+\)\n/);
    expect(stdout).toContain('aborted: no longer wanted');
    expect(status).toBe(0);
  });
});
