/** Kernels as programs of their own, run with numbers: what tests of kernels share. */
import type { RunResult } from '../src/engine/engine.js';
import { reference } from '../src/engine/reference/reference.js';
import type { WaferSpec } from '../src/hardware/wafer.js';
import { kernelProgram, type KernelOptions } from '../src/studies/kernel/kernel.js';
import { cellsOf, type Program } from '../src/program/program.js';
import { testWafer } from './helpers/programs.js';

/** 24 colours, no overheads, memory without end, a stack of nothing. */
export function kernelWafer(costs: Parameters<typeof testWafer>[1] = {}): WaferSpec {
  const wafer = testWafer({ colors: 24 }, costs);
  return { ...wafer, core: { ...wafer.core, sramBytes: 1e9 } };
}

export function programOf(name: string, options: KernelOptions, wafer = kernelWafer()): Program {
  return kernelProgram(name, options, wafer).program;
}

export function cyclesOf(name: string, options: KernelOptions, wafer = kernelWafer()): number {
  return reference({ program: programOf(name, options, wafer), wafer }).cycles;
}

/** Cells of a buffer of one core. */
export function cells(program: Program, memory: Float32Array[], core: number, name: string) {
  const { at, length } = program.roles[program.roleOf[core]].buffers.find(
    (buffer) => buffer.name === name,
  )!;
  return memory[core].subarray(at, at + length);
}

/**
 * Small whole numbers that differ from core to core and from cell to cell; sums of them are exact.
 */
export function runWithNumbers(
  program: Program,
  wafer = kernelWafer(),
): { memory: Float32Array[]; before: Float32Array[]; result: RunResult } {
  const memory = Array.from(program.roleOf, (role, core) =>
    Float32Array.from(
      { length: cellsOf(program.roles[role]) },
      (_, i) => ((core * 7 + i * 3) % 11) - 4,
    ),
  );
  const before = memory.map((image) => image.slice());
  const result = reference({ program, wafer, memory });
  return { memory, before, result };
}

/** Element by element over all cores' `vector`s. */
export function sums(program: Program, before: Float32Array[]): number[] {
  const vectors = before.map((_, core) => cells(program, before, core, 'vector'));
  return Array.from(vectors[0], (_, i) => vectors.reduce((sum, v) => sum + v[i], 0));
}
