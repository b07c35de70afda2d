/** `wafersim diff` as a user meets it: its text, its document, its exit codes. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addDiff } from '../src/cli/diff.js';
import { startReference } from '../src/engine/reference/reference.js';
import { SLICED_ENGINES } from '../src/engine/engines.js';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const CHAIN = 'kernel reduce --algorithm chain --pes 4 --words 9'.split(' ');

function diff(...args: string[]) {
  const all = [MAIN, 'diff', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('wafersim diff', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  it('of a kernel without a difference says so and exits 0', () => {
    const expected = 'no difference between reference, fast\n  1 program compared\n';
    expect(diff(...CHAIN)).toEqual({ status: 0, stdout: expected, stderr: '' });
  });

  it('prints one document on --json, with the engines in the order asked for', () => {
    const { status, stdout } = diff(...CHAIN, '--engines', 'fast,reference', '--json');
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(document).toMatchObject({ schema: 'wafersim.diff/1', engines: ['fast', 'reference'] });
    expect(document).toMatchObject({ difference: null, config: { kernel: 'reduce' } });
    expect(status).toBe(0);
  });

  it.each([
    [['configs/tiny.yaml', '--engines', 'fast'], /--engines.*two or more of/],
    [['configs/tiny.yaml', '--engines', 'fast,fast'], /--engines.*two or more of/],
    [['configs/tiny.yaml', '--engines', 'fast,quick'], /--engines.*two or more of/],
    [['nowhere.yaml'], /nowhere\.yaml/],
    [['kernel', 'reduce', '--pes', '4'], /kernel reduce: algorithm/],
    [[], /missing required argument 'config'/],
  ])('refuses %j with exit 2 and one line', (args, message) => {
    const { status, stdout, stderr } = diff(...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect([status, stdout]).toEqual([2, '']);
  });

  it('names the first cycle and core of a difference and exits 1', async () => {
    vi.spyOn(SLICED_ENGINES, 'fast').mockImplementation((input) => {
      const costs = { ...input.wafer.costs, programStart: input.wafer.costs.programStart + 1 };
      return startReference({ ...input, wafer: { ...input.wafer, costs } });
    });
    let text = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    });
    const program = new Command();
    addDiff(program);
    await program.parseAsync(['node', 'wafersim', 'diff', ...CHAIN]);
    expect(process.exitCode).toBe(1);
    expect(text).toMatch(/^reference and fast differ in 'reduce[^']*'\n/);
    expect(text).toMatch(/\n {2}first {2}in cycle \d+, core \(3,0\): end of operation \(\d+: /);
  });
});
