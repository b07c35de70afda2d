/** The cycles of a kernel that has run, one by one, for a page: by the reference engine, whichever gave its document. */
import { recordCycles, type RecordLimits } from '../../engine/reference/record.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { whyNotRecorded, type Recording } from '../../recording/recording.js';
import type { KernelDocument } from '../../report/document.js';
import { kernelProgram, type KernelOptions } from './kernel.js';

/**
 * Simulates the program of a document once more; of several loads that of the last one.
 * @returns why not, where the mesh is too large
 */
export function recordKernel(
  { kernel, config, loads }: KernelDocument,
  wafer: WaferSpec,
  limits: RecordLimits = {},
): Recording | string {
  const { loads: _, ...options } = config.options as KernelOptions;
  const given = loads ? { ...options, load: loads.at(-1)!.load } : options;
  const { program } = kernelProgram(kernel, given, wafer);
  return (
    whyNotRecorded(program) ?? recordCycles({ program, wafer, name: `kernel ${kernel}` }, limits)
  );
}
