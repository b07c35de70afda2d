/** The README's commands, typed as they stand. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

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
      const run = spawnSync(process.execPath, ['dist/cli/main.js', ...words], { encoding: 'utf8' });
      expect(run.stderr).not.toMatch(/error/i);
      expect(run.stdout).toMatch(/\S/);
      expect(run.status).toBe(0);
    },
    120_000,
  );
});
