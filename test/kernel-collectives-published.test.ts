/** Collectives next to what is published of them: closed forms on the WSE-2, a library's all-reduce. */
import { describe, expect, it } from 'vitest';
import { loadHardware } from '../src/config.js';
import { fast } from '../src/engine/fast/fast.js';
import type { WaferSpec } from '../src/hardware/wafer.js';
import { kernelProgram, runKernel, type KernelOptions } from '../src/studies/kernel/kernel.js';

const wse2 = loadHardware('configs/hardware/wse2.yaml', []).wafer;

function cyclesOn(wafer: WaferSpec, name: string, options: KernelOptions): number {
  return fast({ program: kernelProgram(name, options, wafer).program, wafer }).cycles;
}

/** Start and set-up. */
const BEFORE = 56;

describe('on the WSE-2, in 32 bits', () => {
  const of = (name: string, options: KernelOptions) =>
    cyclesOn(wse2, name, { dtype: 'f32', ...options }) - BEFORE;

  it.each([
    [2, 1],
    [16, 500],
    [512, 64],
  ])('chain, broadcast and star of %i cores and %i words are exact', (pes, words) => {
    const line = { pes, words };
    expect(of('reduce', { algorithm: 'chain', ...line })).toBe(words + 6 * (pes - 1));
    expect(of('broadcast', line)).toBe(words + pes + 4);
    expect(of('reduce', { algorithm: 'star', ...line })).toBe(words * (pes - 1) + 6);
  });

  it.each([
    ...[1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((words): [number, number] => [512, words]),
    [64, 64],
  ])('a tree of %i cores and %i words is at most 10 %% above its form', (pes, words) => {
    const rounds = Math.log2(pes);
    const content = words * rounds;
    const energy = (content * pes) / 2 / (pes - 1);
    const form = Math.max(content, energy) + pes - 1 + 5 * rounds;
    const cycles = of('reduce', { algorithm: 'tree', pes, words });
    expect((cycles + BEFORE) / (form + BEFORE)).toBeLessThanOrEqual(1.1);
  });

  it.each([
    [2, 2],
    [8, 8],
    [32, 20],
    [120, 90],
  ])('an all-reduce of one word from the corner of %ix%i cores', (width, height) => {
    const grid = `${width}x${height}`;
    const cycles = of('all-reduce', { algorithm: 'star', grid, words: 1 });
    expect(cycles).toBeLessThanOrEqual(2 * (width + height) + 60);
    // Two stars, a broadcast, and two set-ups between them.
    expect(cycles).toBe(width + 5 + 21 + height + 5 + 21 + (width + height + 4));
  });
});

describe("the vendor library's all-reduce of one word", () => {
  const { wafer } = loadHardware('configs/hardware/wse3.yaml', []);

  it.each([
    [2, 735],
    [4, 874],
    [8, 1282],
  ])('on %ix%i cores is within 10 %% of what was measured', (side, measured) => {
    const grid = `${side}x${side}`;
    const options = { algorithm: 'library', grid, words: 1, dtype: 'f32', function: 'max' };
    const cycles = cyclesOn(wafer, 'all-reduce', options);
    expect(Math.abs(cycles / measured - 1)).toBeLessThanOrEqual(0.1);
  });

  it('is one call, and a task for each wavelet on its path', () => {
    const options = { algorithm: 'library', grid: '4x4', words: 1, dtype: 'f32' };
    const dear = (task: number, libraryCall: number) =>
      cyclesOn({ ...wafer, costs: { ...wafer.costs, task, libraryCall } }, 'all-reduce', options);
    expect(dear(131, 550) - dear(31, 550)).toBe(100 * (3 + 3 + 1));
    expect(dear(31, 1550) - dear(31, 550)).toBe(1000);
  });
});

describe('the fastest algorithm', () => {
  const host = { now: () => 0, rss: () => 0 };
  const chosen = (name: string, options: KernelOptions, wafer = wse2) =>
    runKernel(name, { algorithm: 'auto', ...options }, wafer, 'fast', host);

  it.each([
    ['reduce', { pes: 4, words: 1 }],
    ['reduce', { pes: 64, words: 500 }],
    ['all-reduce', { pes: 40, words: 30, dtype: 'f16' }],
    ['all-reduce', { grid: '12x7', words: 9 }],
  ])('of a %s of %o is the one with the fewest cycles', async (name, options) => {
    const document = await chosen(name, options);
    const { candidates = [], cycles } = document;
    for (const candidate of candidates) {
      const alone = cyclesOn(wse2, name, { ...options, ...candidate.options });
      expect(candidate.cycles ?? alone).toBe(alone);
      expect(candidate.atLeast ?? cycles).toBeLessThanOrEqual(alone);
      expect(cycles).toBeLessThanOrEqual(alone);
    }
    expect(candidates.some((one) => one.cycles === cycles)).toBe(true);
    const { candidates: _, ...rest } = document;
    const named = document.config.options as KernelOptions;
    expect(await runKernel(name, named, wse2, 'fast', host)).toEqual(rest);
  });

  it('is a star of few words, a chain of many on a short line, and groups on a long one', async () => {
    const algorithm = async (pes: number, words: number) =>
      ((await chosen('reduce', { pes, words })).config.options as KernelOptions)['algorithm'];
    expect(await algorithm(8, 1)).toBe('star');
    expect(await algorithm(8, 2000)).toBe('chain');
    expect(await algorithm(256, 500)).toBe('two-phase');
  });

  it('leaves out what the machine cannot run, and is refused if nothing is left', async () => {
    const poor = { ...wse2, fabric: { ...wse2.fabric, colors: 4 } };
    const { candidates = [] } = await chosen('reduce', { pes: 64, words: 4 }, poor);
    const tree = candidates.find((one) => one.options['algorithm'] === 'tree');
    expect(tree?.refused).toContain('the program uses colour 5');
    const none = { ...wse2, core: { ...wse2.core, sramBytes: 100 } };
    await expect(chosen('reduce', { pes: 8, words: 400 }, none)).rejects.toThrow('does-not-fit');
  });

  it('is refused with options that no candidate takes', async () => {
    await expect(chosen('reduce', { pes: 8, words: 4, groups: 2 })).rejects.toThrow(
      'kernel reduce: groups: expected one of',
    );
    await expect(chosen('all-reduce', { grid: '4x4', words: 4, groups: 2 })).rejects.toThrow(
      'groups',
    );
    expect(() =>
      kernelProgram('all-reduce', { algorithm: 'ring', grid: '4x4', words: 4 }, wse2),
    ).toThrow('found ring, which runs on a line');
  });
});
