/** The examples: each command in them runs as it stands, and each file is used by one. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { wafersim } from './helpers/command-line.js';
import { cases, FULL } from './helpers/full.js';

const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).map((name) =>
  join('examples', name),
);
const texts = files
  .filter((name) => /\.(md|yaml|ts)$/.test(name))
  .map((name) => readFileSync(name, 'utf8'));

/** Commands in comments and indented blocks, in the order of their files. */
const named = texts.flatMap((text) =>
  [...text.matchAll(/^(?:#| \*)? {3,5}npx wafersim ([^#\n]+)$/gm)].map((match) => match[1].trim()),
);
/** Each once. */
const commands = [...new Set(named)].filter((command) => !command.includes('--update-baseline'));
/** Of the plan that sweep-examples.test.ts has. */
const isOfPlan = (command: string) => command.startsWith('sweep examples/sweep/plan.yaml');
const [late, soon] = [true, false].map((is) => commands.filter((c) => isOfPlan(c) === is));

/** What some of them say in addition to ending well. */
const SAYS: Record<string, RegExp> = {
  'run examples/model/run.yaml': /^ *logits differ by [^\n]*: passed$/m,
  'bench --suite examples/ci/suite.yaml --baseline': /^no difference: 1\d numbers compared with /m,
};

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
    expect(commands).toEqual(expect.arrayContaining(Object.keys(SAYS)));
  });

  it.each(cases(soon, late))('wafersim %s', async (command) => {
    const { status, stdout, stderr } = await wafersim(...command.split(/\s+/));
    expect(stderr).not.toMatch(/wafersim:|expected/);
    expect(stdout).toMatch(SAYS[command] ?? /\S/);
    expect(status).toBe(0);
  });

  it.runIf(FULL)('use the library by its name, from TypeScript', () => {
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
