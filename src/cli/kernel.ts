/** `wafersim kernel`: one kernel on a rectangle of cores. */
import type { Command } from 'commander';
import { bundled, kernelHelp, loadHardware, ofPackage, recordKernel, runKernel } from '../index.js';
import { kernelTable } from '../report/table.js';
import { setOption, addSimulationOptions, type SimulationOptions } from './options.js';
import { kernelSummary } from '../report/run-tables.js';
import { show } from './formats.js';
import { checkRunDirectory, writeRunDirectory } from './output.js';
import { simulating } from './simulating.js';

/** The hardware of kernels, unless another one is named. */
const DEFAULT_HARDWARE = 'configs/hardware/wse3.yaml';
export const HARDWARE = `hardware file, or name of a bundled one (default: ${DEFAULT_HARDWARE})`;

/** The hardware that a command names, or the bundled default, with the files that it is read from. */
export function hardwareOf(hardware: string | undefined, sets: readonly string[]) {
  const { wafer, files } = loadHardware(hardware ?? bundled(DEFAULT_HARDWARE), sets);
  return { wafer, files: hardware === undefined ? ofPackage(files) : files };
}

const EXAMPLES = `
Examples:
  wafersim kernel reduce --algorithm chain --pes 512 --words 4096 --dtype f32
  wafersim kernel reduce --algorithm auto --pes 512 --words 64
  wafersim kernel all-reduce --algorithm star --grid 32x20 --words 1 --dtype f32
  wafersim kernel all-reduce --algorithm library --function max --grid 8x8 --words 1 --dtype f32
  wafersim kernel gather --pes 64 --words 8
  wafersim kernel all-reduce --algorithm tree --pes 420 --groups 20 --words 35 --dtype f16
  wafersim kernel matvec --rows 30 --padded 32 --iterations 10 --dtype f32
  wafersim kernel gemv --k 128 --n 128 --grid 4x4 --groups 2 --dtype f16 --algorithm waferllm
  wafersim kernel gemm --algorithm mesh --m 48 --k 24 --n 24 --grid 3x3
  wafersim kernel layer --mapping waferllm --dim 4096 --ffn 14336 --seq 4096 --grid 420x420 --groups 20
  wafersim kernel layer --dim 2048 --ffn 6144 --seq 2048 --grid 64x128 --qk-norm --exp vector
  wafersim kernel traffic --pattern shift --distance 8 --mesh 64x64 --load 0.1 --cycles 10000
  wafersim kernel traffic --pattern uniform --mesh 32x32 --cycles 4000 --loads 0.05,0.1,0.2,0.3
  wafersim kernel all-reduce --algorithm two-phase --grid 8x8 --words 32 -o runs/all-reduce`;

interface KernelCommandOptions extends SimulationOptions {
  hardware?: string;
  set?: string[];
  output?: string;
  [kernelOption: string]: unknown;
}

/** The kernels by name, and their own options, grouped by the kernels that take them. */
export function addKernelOptions(command: Command): void {
  const { kernels, groups } = kernelHelp();
  command.argument('<name>', kernels.join(', '));
  for (const group of groups) {
    command.optionsGroup(`Of ${group.kernels.join(', ')}:`);
    for (const [flag, meaning] of group.options) command.option(flag, meaning);
  }
}

export function addKernel(program: Command): void {
  const command = program
    .command('kernel')
    .description('simulate one kernel: its cycles and their causes');
  addKernelOptions(command);
  command
    .optionsGroup('The machine:')
    .option('--hardware <file>', HARDWARE)
    .addOption(setOption('hardware.fabric.queueDepth=2'));
  addSimulationOptions(command, {})
    .option(
      '-o, --output <dir>',
      'also write kernel.json, kernel.txt and report.html there: on up to 16 x 16 cores the page plays every cycle, wavelet by wavelet',
    )
    .addHelpText('after', EXAMPLES)
    .action(kernel);
}

async function kernel(name: string, all: KernelCommandOptions): Promise<void> {
  const { hardware, set = [], format, json: asJson, cache: _, output, ...others } = all;
  if (output !== undefined) checkRunDirectory(output);
  const page = output === undefined ? undefined : await import('./kernel-files.js');
  const { engine, maxCycles, timeout, ...given } = others;
  const { wafer, files } = hardwareOf(hardware, set);
  const limits = { engine, maxCycles, timeout };
  const { document, recording } = await simulating(limits, async (within) => {
    const document = await runKernel(name, given, wafer, engine, { ...within, path: true }, files);
    // Within the limits too: it is simulated once more.
    return { document, recording: output === undefined ? '' : recordKernel(document, wafer) };
  });
  try {
    if (page && output !== undefined)
      writeRunDirectory(output, page.kernelFiles(document, recording));
  } finally {
    // A full disk must not cost the result as well.
    show(
      {
        document,
        text: (style) => kernelTable(document, style),
        rows: () => kernelSummary(document),
      },
      { format, json: asJson },
    );
  }
}
