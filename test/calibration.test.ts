/**
 * The cost tables of the shipped hardware files against published measurements; ids, programs and
 * cycles are those of the measurement list (sources next to them there and in the hardware files).
 */
import { describe, expect, it } from 'vitest';
import { loadHardware } from '../src/config.js';
import { fast } from '../src/engine/fast/fast.js';
import { kernelProgram, type KernelOptions } from '../src/studies/kernel/kernel.js';
import { lowerWaferllmLayer } from '../src/lowering/waferllm.js';
import type { WaferllmOptions } from '../src/mapping/waferllm-shape.js';
import { cases } from './helpers/full.js';
import { cyclesByLines } from './calibration-lines.js';

const wse2 = loadHardware('configs/hardware/wse2.yaml', []).wafer;
const wse3 = loadHardware('configs/hardware/wse3.yaml', []).wafer;

function error(name: string, options: KernelOptions, measured: number, wafer = wse2): number {
  const { program } = kernelProgram(name, options, wafer);
  return Math.abs(fast({ program, wafer }).cycles / measured - 1);
}

describe('on the vendor simulator of WSE-2', () => {
  const line = { pes: 512, words: 4096, dtype: 'f32' };
  it.each([
    ['reduce-two-phase-512x4096-s4', { algorithm: 'two-phase', group: 4 }, 9421],
    ['reduce-two-phase-512x4096-s16', { algorithm: 'two-phase', group: 16 }, 8989],
    ['reduce-two-phase-512x4096-s64', { algorithm: 'two-phase', group: 64 }, 9061],
    ['reduce-chain-512x4096', { algorithm: 'chain' }, 7218],
  ])('%s is predicted to the cycle', (_, options, measured) => {
    expect(error('reduce', { ...line, ...options }, measured)).toBe(0);
  });

  it.each([
    [10, 12, 1698],
    [30, 32, 10298],
    [60, 60, 37018],
    [100, 100, 101448],
  ])('matvec-single-pe-f32-%i is predicted within 0.5 %%', (rows, padded, measured) => {
    const options = { rows, padded, iterations: 10, pes: 1, dtype: 'f32' };
    expect(error('matvec', options, measured)).toBeLessThan(0.005);
  });
});

describe('on the vendor simulator of WSE-3', () => {
  it.each([
    ['meshgemv-f16-128-4x4', { k: 128, n: 128, grid: [4, 4], groups: 2 }, 512],
    ['meshgemv-f16-512-8x8-g2', { k: 512, n: 512, grid: [8, 8], groups: 2 }, 1413],
    ['meshgemv-f16-512-8x8-g4', { k: 512, n: 512, grid: [8, 8], groups: 4 }, 1435],
  ])('%s is predicted within 2 %%', (_, options, measured) => {
    expect(error('gemv', { ...options, dtype: 'f16' }, measured, wse3)).toBeLessThan(0.02);
  });
});

describe('on WSE-2 itself', () => {
  const llama = { dim: 4096, ffn: 14336, heads: 1, headDim: 4096, context: 4096 };
  const published = { normEpsilon: 1e-5, dtype: 'f16', exact: false } as const;
  const sides = cases(
    [[420, 20, 12732]],
    [
      [540, 20, 13742],
      [660, 22, 15323],
    ],
  );
  it.each(sides)(
    'waferllm-decode-llama3-8b-%i is predicted within 0.5 %%',
    (P, groups, measured) => {
      const cycles = cyclesByLines({ ...llama, ...published, P, groups }, wse2);
      expect(Math.abs(cycles / measured - 1)).toBeLessThan(0.005);
    },
  );

  it.each<Partial<WaferllmOptions> & { P: number; groups: number }>([
    { P: 12, groups: 3 },
    { P: 25, groups: 4 },
    { P: 20, groups: 5, ffn: 300 },
    { P: 9, width: 21, groups: 2, rowGroups: 4 },
    { P: 24, width: 5, groups: 5, rowGroups: 1, qkNorm: true },
  ])('a layer timed line by line is the layer: %o', (shape) => {
    const sizes = { dim: 80, ffn: 120, heads: 1, headDim: 80, context: 70 };
    const options = { ...sizes, ...published, ...shape };
    const program = lowerWaferllmLayer(options, wse2);
    expect(cyclesByLines(options, wse2)).toBe(fast({ program, wafer: wse2 }).cycles);
  });
});
