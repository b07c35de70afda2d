/** `wafersim diff`: the first cycle and core at which engines differ. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { loadConfig, diffConfig, diffKernel, diffText, ENGINES } from '../index.js';
import type { NamedEngine, DiffDocument, EngineName } from '../index.js';
import { EXIT } from '../exit.js';
import { addKernelOptions, HARDWARE, hardwareOf } from './kernel.js';
import { flatTable } from '../report/data-table.js';
import { addFormatOptions, show, type FormatOptions } from './formats.js';
import { noCacheOption, setOption } from './options.js';
import { maxCyclesOption, simulating, timeoutOption, type LimitOptions } from './simulating.js';

interface DiffOptions extends LimitOptions, FormatOptions {
  engines: NamedEngine[];
  set?: string[];
}

interface DiffKernelOptions extends DiffOptions {
  hardware?: string;
  [kernelOption: string]: unknown;
}

const EXAMPLES = `
Examples:
  wafersim diff configs/tiny.yaml --engines reference,fast
  wafersim diff kernel reduce --algorithm chain --pes 16 --words 500 --engines reference,fast

Exit codes: 1 if the engines differ. The first engine is the one that is held to be right.`;

export function addDiff(program: Command): void {
  const command = program
    .command('diff')
    .description('the first cycle and core at which engines differ')
    .argument('<config>', 'configuration file (YAML), or: kernel <name>');
  addDiffOptions(command).addHelpText('after', EXAMPLES).action(diff);
  const kernel = command
    .command('kernel')
    .description('one kernel, with the options that `wafersim kernel` takes');
  addKernelOptions(kernel);
  kernel.optionsGroup('Engines, machine and output:').option('--hardware <file>', HARDWARE);
  addDiffOptions(kernel).action(diffOfKernel);
}

function addDiffOptions(command: Command): Command {
  command
    .addOption(enginesOption())
    .addOption(maxCyclesOption())
    .addOption(timeoutOption())
    .addOption(setOption('hardware.fabric.queueDepth=2'))
    .addOption(noCacheOption());
  return addFormatOptions(command);
}

function enginesOption(): Option {
  return new Option('--engines <list>', 'engines to compare, the one held to be right first')
    .argParser(namedEngines)
    .default(namedEngines('reference,fast'), 'reference,fast');
}

/** @throws InvalidArgumentError unless two or more different engines, apart by commas */
function namedEngines(text: string): NamedEngine[] {
  const names = text.split(',').map((name) => name.trim());
  const known = names.every((name) => Object.hasOwn(ENGINES, name));
  if (!known || names.length < 2 || new Set(names).size < names.length)
    throw new InvalidArgumentError(
      `Expected two or more of ${Object.keys(ENGINES).join(', ')}, e.g. reference,fast.`,
    );
  return names.map((name) => [name, ENGINES[name as EngineName]]);
}

async function diff(path: string, options: DiffOptions): Promise<void> {
  const { engines, set } = options;
  const config = loadConfig(path, set ?? []);
  const document = await simulating(options, (within) => diffConfig(config, engines, within));
  report(document, options);
}

async function diffOfKernel(name: string, _: unknown, command: Command): Promise<void> {
  // An option that `diff` has as well may stand on either side of `kernel`.
  const all: DiffKernelOptions = command.optsWithGlobals();
  const { hardware, set = [], engines, format, json, cache: __, ...others } = all;
  const { maxCycles, timeout, ...given } = others;
  const { wafer, files } = hardwareOf(hardware, set);
  const document = await simulating({ maxCycles, timeout }, (within) =>
    diffKernel(name, given, wafer, engines, within, files),
  );
  report(document, { format, json });
}

function report(document: DiffDocument, options: FormatOptions): void {
  show(
    {
      document,
      text: (style) => diffText(document, style),
      rows: () => flatTable(document.programs),
    },
    options,
  );
  if (document.difference !== null) process.exitCode = EXIT.difference;
}
