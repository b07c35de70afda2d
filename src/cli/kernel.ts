/** `wafersim kernel`: one kernel on a rectangle of cores. */
import type { Command } from 'commander';
import { bundled } from '../bundled.js';
import { loadHardware, runKernel } from '../index.js';
import { kernelTable } from '../report/table.js';
import { engineOption, host, jsonOption, setOption, type EngineName } from './options.js';
import { json, print, style } from './output.js';

/** The hardware of kernels, unless another file is named. */
export const HARDWARE = 'configs/hardware/wse3.yaml';

/** Options of the kernels, by what they describe; which kernel takes which is the kernel's to say. */
const KERNEL_OPTIONS: Record<string, [flag: string, meaning: string][]> = {
  'Lines of cores (reduce, broadcast, all-reduce):': [
    ['--algorithm <name>', 'chain, tree, star, two-phase or ring; gemv: waferllm'],
    ['--pes <n>', 'cores in the line'],
    ['--words <n>', 'elements per core'],
    ['--group <n>', 'cores per group (two-phase)'],
    ['--groups <n>', 'groups of a two-level tree'],
    ['--dtype <type>', 'f16 or f32'],
  ],
  'Matrix-vector products (matvec, gemv):': [
    ['--rows <n>', 'rows of the matrix on one core'],
    ['--padded <n>', 'row length, padding included'],
    ['--iterations <n>', 'how often'],
    ['--k <n>', 'length of the input vector'],
    ['--n <n>', 'length of the output vector'],
    ['--grid <WxH>', 'cores, e.g. 4x4'],
  ],
  'Whole layers (layer):': [
    ['--mapping <name>', 'waferllm'],
    ['--dim <n>', 'width of the model'],
    ['--ffn <n>', 'inner width of the MLP'],
    ['--seq <n>', 'tokens in the cache'],
    ['--heads <n>', 'attention heads'],
    ['--exact', 'exp and SiLU in full, scores per head'],
  ],
  'The network alone (traffic):': [
    ['--pattern <name>', 'neighbor, shift or multicast'],
    ['--distance <n>', 'cores to the east (shift)'],
    ['--mesh <WxH>', 'cores, e.g. 64x64'],
    ['--load <x>', 'wavelets per core and cycle'],
    ['--cycles <n>', 'cycles of injection'],
    ['--seed <text>', 'seed of the injection times'],
  ],
};

const EXAMPLES = `
Examples:
  wafersim kernel reduce --algorithm chain --pes 512 --words 4096 --dtype f32
  wafersim kernel all-reduce --algorithm tree --pes 420 --groups 20 --words 35 --dtype f16
  wafersim kernel matvec --rows 30 --padded 32 --iterations 10 --dtype f32
  wafersim kernel gemv --k 128 --n 128 --grid 4x4 --groups 2 --dtype f16 --algorithm waferllm
  wafersim kernel layer --mapping waferllm --dim 4096 --ffn 14336 --seq 4096 --grid 420x420 --groups 20
  wafersim kernel traffic --pattern shift --distance 8 --mesh 64x64 --load 0.1 --cycles 10000`;

interface KernelCommandOptions {
  hardware?: string;
  set?: string[];
  engine: EngineName;
  json?: boolean;
  [kernelOption: string]: unknown;
}

/** The kernels' own options, in their groups. */
export function addKernelOptions(command: Command): void {
  for (const [group, options] of Object.entries(KERNEL_OPTIONS)) {
    command.optionsGroup(group);
    for (const [flag, meaning] of options) command.option(flag, meaning);
  }
}

export function addKernel(program: Command): void {
  const command = program
    .command('kernel')
    .description('simulate one kernel: its cycles and their causes')
    .argument('<name>', 'reduce, broadcast, all-reduce, matvec, gemv, layer or traffic');
  addKernelOptions(command);
  command
    .optionsGroup('The machine:')
    .option('--hardware <file>', `hardware file (default: the bundled ${HARDWARE})`)
    .addOption(setOption('hardware.fabric.queueDepth=2'))
    .addOption(engineOption())
    .optionsGroup('What is written:')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(kernel);
}

function kernel(name: string, all: KernelCommandOptions): void {
  const { hardware = bundled(HARDWARE), set = [], engine, json: asJson, ...given } = all;
  const { wafer } = loadHardware(hardware, set);
  const document = runKernel(name, given, wafer, engine, host);
  print(asJson ? json(document) : kernelTable(document, style()));
}
