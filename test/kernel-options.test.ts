/**
 * Options of kernels: what is wrong is said in one line, and the document says what was resolved.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../src/config/errors.js';
import type { KernelDocument } from '../src/report/document.js';
import { runKernel, type KernelOptions } from '../src/studies/kernel/kernel.js';
import { kernelHelp } from '../src/studies/kernel/help.js';
import { kernelWafer } from './kernel-programs.js';

const host = { now: () => 0, rss: () => 0 };
const wafer = { ...kernelWafer(), name: 'WSE-T', width: 100, height: 50 };

async function messageOf(name: string, options: KernelOptions): Promise<string> {
  try {
    await runKernel(name, options, wafer, 'reference', host);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('a kernel refuses, in one line,', () => {
  const chain = { algorithm: 'chain', pes: 8, words: 8 };
  const layer = { dim: 8, ffn: 8, seq: 8, grid: '4x4' };
  const shift = { pattern: 'shift', distance: 2, mesh: '8x8', load: 0.1, cycles: 10 };
  it.each<[string, string, KernelOptions, string]>([
    ['an unknown name', 'scan', {}, 'kernel: expected one of reduce, broadcast, all-reduce'],
    ['a name of an object', 'constructor', {}, 'kernel: expected one of reduce'],
    ['a missing option', 'reduce', { algorithm: 'chain', pes: 8 }, 'words: expected a whole'],
    ['an unknown algorithm', 'reduce', { ...chain, algorithm: 'bush' }, 'one of chain, tree'],
    ['zero', 'reduce', { ...chain, pes: 0 }, 'pes: expected a whole number from 1 to 100'],
    ['a negative number', 'reduce', { ...chain, words: -3 }, 'words: expected a whole number'],
    ['a fraction', 'reduce', { ...chain, words: 2.5 }, 'found 2.5'],
    ['a word for a number', 'reduce', { ...chain, pes: 'many' }, 'found many'],
    ['too many cores', 'reduce', { ...chain, pes: 101 }, 'the width of WSE-T), found 101'],
    ['a line longer than either side', 'broadcast', { pes: 101, words: 1 }, 'from 1 to 100'],
    ['an option it does not take', 'reduce', { ...chain, k: 3 }, 'kernel reduce: k: expected one'],
    ['a group for a chain', 'reduce', { ...chain, group: 4 }, 'group: expected one of'],
    ['a misspelt option', 'reduce', { ...chain, dtyp: 'f16' }, 'did you mean dtype?'],
    ['a type it has not', 'reduce', { ...chain, dtype: 'f64' }, 'one of f16, f32, found f64'],
    ['more groups than cores', 'all-reduce', { ...chain, algorithm: 'tree', groups: 9 }, '8'],
    ['padding below the rows', 'matvec', { rows: 9, padded: 8 }, 'padded: expected a whole'],
    ['a grid in one number', 'gemv', { k: 8, n: 8, grid: 4 }, 'WIDTHxHEIGHT'],
    ['a grid of three sides', 'gemv', { k: 8, n: 8, grid: '4x4x4' }, 'WIDTHxHEIGHT'],
    ['a grid beyond the wafer', 'gemv', { k: 8, n: 8, grid: '4x51' }, 'at most 100x50'],

    ['another mapping', 'layer', { ...layer, mapping: 'gqa' }, 'one of waferllm, found gqa'],
    [
      'a prefill that is not square',
      'layer',
      { dim: 8, ffn: 8, prefill: 4, grid: '4x2' },
      'expected a square up to 50x50 cores, found 4x2',
    ],
    ['a prefill with a cache', 'layer', { ...layer, prefill: 4 }, 'seq: expected one of'],
    ['groups of no rectangle', 'layer', { ...layer, groups: '5x2' }, 'at most 4x4, found 5x2'],
    ['groups of half a core', 'layer', { ...layer, groups: '1.5' }, 'groups: expected a whole'],
    ['gemm on a rectangle', 'gemm', { m: 4, k: 4, n: 4, grid: '4x2' }, 'expected a square'],
    ['heads that do not divide', 'layer', { ...layer, heads: 3 }, 'a divisor of dim (8)'],
    ['no load', 'traffic', { ...shift, load: 0 }, 'load: expected a number over 0 and up to 1'],
    ['more than a wavelet a cycle', 'traffic', { ...shift, load: 1.1 }, 'found 1.1'],
    ['more colours than there are', 'traffic', { ...shift, distance: 24 }, 'one colour less'],
    [
      'a distance for neighbours',
      'traffic',
      { ...shift, pattern: 'neighbor' },
      'distance: expected one',
    ],
  ])('%s', async (_, name, options, message) => {
    expect(await messageOf(name, options)).toContain(message);
    expect(await messageOf(name, options)).not.toContain('\n');
  });
});

describe('a line of cores', () => {
  const tall = { ...wafer, width: 50, height: 100 };
  it.each<[string, KernelOptions]>([
    ['reduce', { algorithm: 'chain' }],
    ['reduce', { algorithm: 'two-phase' }],
    ['broadcast', {}],
    ['all-reduce', { algorithm: 'chain' }],
    ['all-reduce', { algorithm: 'tree' }],
  ])('of %s %j may lie along the longer side', async (name, options) => {
    const cyclesOn = async (machine: typeof wafer) =>
      (await runKernel(name, { ...options, pes: 100, words: 4 }, machine, 'fast', host)).cycles;
    expect(await cyclesOn(tall)).toBe(await cyclesOn(wafer));
    const longer = () => runKernel(name, { ...options, pes: 101, words: 4 }, tall, 'fast', host);
    await expect(longer()).rejects.toThrow('from 1 to 100 (the height of WSE-T), found 101');
  });
});

describe('the table of kernels', () => {
  const { kernels, groups } = kernelHelp();
  const optionsOf = (kernel: string) =>
    groups
      .filter((group) => group.kernels.includes(kernel))
      .flatMap((group) => group.options.map(([flag]) => keyOf(/^--([\w-]+)/.exec(flag)![1])));
  /** The key of an option in JSON: local-repeats is localRepeats. */
  const keyOf = (flag: string) =>
    flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  /** For each kernel choices that together read every option that it has. */
  const TRIED: Record<string, KernelOptions[]> = {
    reduce: [
      { algorithm: 'two-phase', pes: 4, words: 4 },
      { algorithm: 'chain', grid: '4x2', words: 4, relays: 'task', function: 'min' },
    ],
    broadcast: [
      { pes: 4, words: 4 },
      { grid: '2x2', words: 4, relays: 'vector' },
    ],
    'all-reduce': [
      { algorithm: 'tree', pes: 4, words: 4, form: 'echoed' },
      { algorithm: 'two-phase', grid: '4x2', words: 4, scheme: 'lines', relays: 'task' },
      { algorithm: 'library', pes: 4, words: 4, function: 'max' },
    ],
    gather: [{ pes: 4, words: 4 }],
    matvec: [{ rows: 4 }],
    gemv: [{ grid: '4x4', k: 8, n: 8 }],
    gemm: [{ grid: '4x4', m: 8, k: 8, n: 8 }],
    layer: [
      { grid: '4x4', dim: 8, ffn: 8, seq: 8 },
      { grid: '2x2', dim: 8, ffn: 8, prefill: 4 },
    ],
    traffic: [
      { pattern: 'shift', mesh: '8x2', distance: 2, load: 0.1, cycles: 10 },
      { pattern: 'hot-spot', mesh: '4x2', loads: '0.1,0.2', cycles: 10 },
    ],
  };

  it('lists every kernel, and for each just the options that it takes', async () => {
    expect(await messageOf('no kernel', {})).toContain(`one of ${kernels.join(', ')}, found`);
    expect(Object.keys(TRIED)).toEqual(kernels);
    for (const [kernel, tries] of Object.entries(TRIED)) {
      const read: string[] = [];
      for (const options of tries) {
        const { config } = await runKernel(kernel, options, wafer, 'fast', host);
        read.push(...Object.keys(config.options as object));
      }
      expect([kernel, [...new Set(read)].sort()]).toEqual([kernel, optionsOf(kernel).sort()]);
    }
  });

  it('offers no option that no kernel takes', () => {
    expect(groups.filter((group) => group.kernels.length === 0)).toEqual([]);
    expect(optionsOf('broadcast')).not.toContain('algorithm');
  });
});

describe('the document of a kernel', () => {
  const options = { algorithm: 'two-phase', pes: '12', words: 20 };
  let document: KernelDocument;
  beforeAll(async () => {
    document = await runKernel('reduce', options, wafer, 'fast', host);
  });

  it('has the options as resolved, text as numbers and defaults filled in', () => {
    expect(document.config).toMatchObject({
      kernel: 'reduce',
      options: { algorithm: 'two-phase', pes: 12, words: 20, group: 3, dtype: 'f32' },
    });
  });

  it('has operators that add up to its cycles', () => {
    const operators = Object.values(document.breakdown);
    expect(Object.keys(document.breakdown)).toEqual(['groups', 'heads']);
    expect(operators.reduce((sum, { cycles }) => sum + cycles, 0)).toBe(document.cycles);
    for (const { cycles, compute, communication } of operators)
      expect(compute + communication).toBe(cycles);
  });

  it('gives every cycle of every core one cause', () => {
    const causes = Object.values(document.coreCycles!);
    expect(Math.min(...causes)).toBeGreaterThanOrEqual(0);
    expect(causes.reduce((sum, cycles) => sum + cycles, 0)).toBe(12 * document.cycles);
  });

  it('has the load of the busiest link', async () => {
    const chain = { algorithm: 'chain', pes: 4, words: 50 };
    const { fabric, cycles } = await runKernel('reduce', chain, wafer, 'fast', host);
    expect(fabric.peakLinkUtilization).toBe(50 / cycles);
    expect(fabric.waveletHops).toBe(3 * 50);
  });

  it('is the same with both engines', async () => {
    const { host: _, ...other } = await runKernel('reduce', options, wafer, 'reference', host);
    expect(document).toMatchObject(other);
  });
});
