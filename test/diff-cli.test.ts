/** `wafersim diff` as a user meets it: its text, its document, its exit codes. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startReference } from '../src/engine/reference/reference.js';
import { SLICED_ENGINES } from '../src/engine/engines.js';
import { wafersim } from './helpers/command-line.js';

const CHAIN = 'kernel reduce --algorithm chain --pes 4 --words 9'.split(' ');

const diff = (...args: string[]) => wafersim('diff', ...args);

describe('wafersim diff', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('of a kernel without a difference says so and exits 0', async () => {
    const expected = 'no difference between reference, fast\n  1 program compared\n';
    expect(await diff(...CHAIN)).toEqual({ status: 0, stdout: expected, stderr: '' });
  });

  it('prints one document on --json, with the engines in the order asked for', async () => {
    const { status, stdout } = await diff(...CHAIN, '--engines', 'fast,reference', '--json');
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
  ])('refuses %j with exit 2 and one line', async (args, message) => {
    const { status, stdout, stderr } = await diff(...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect([status, stdout]).toEqual([2, '']);
  });

  it('names the first cycle and core of a difference and exits 1', async () => {
    vi.spyOn(SLICED_ENGINES, 'fast').mockImplementation((input) => {
      const costs = { ...input.wafer.costs, programStart: input.wafer.costs.programStart + 1 };
      return startReference({ ...input, wafer: { ...input.wafer, costs } });
    });
    const { status, stdout } = await diff(...CHAIN);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^reference and fast differ in 'reduce[^']*'\n/);
    expect(stdout).toMatch(/\n {2}first {2}in cycle \d+, core \(3,0\): end of operation \(\d+: /);
  });
});
