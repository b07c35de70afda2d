/** `wafersim inspect`: what was resolved and mapped, in readable form; but for waits without simulating it. */
import { Option, type Command } from 'commander';
import { loadConfig, inspect, type What } from '../index.js';
import { flatTable } from '../report/data-table.js';
import { addFormatOptions, refuseRows, show, type FormatOptions } from './formats.js';
import { coordinates, setOption } from './options.js';

interface InspectOptions extends FormatOptions {
  what?: What;
  core?: { x: number; y: number };
  set?: string[];
}

const EXAMPLES = `
Examples:
  wafersim inspect configs/wse3.yaml --what placement
  wafersim inspect configs/tiny.yaml --what waits
  wafersim inspect configs/wse3.yaml --what program --core 12,7`;

export function addInspect(program: Command): void {
  const command = program
    .command('inspect')
    .description(
      'show the wafer, the model, the placement, the program of a core, or why cores wait',
    )
    .argument('<config>', 'configuration file (YAML)')
    .optionsGroup('What is shown:')
    .addOption(
      new Option(
        '--what <what>',
        'which part (default: placement, or program with --core)',
      ).choices(['wafer', 'model', 'placement', 'program', 'waits']),
    )
    .option('--core <x,y>', 'one core of the wafer', coordinates)
    .addOption(setOption('placement.strategy=snake'))
    .optionsGroup('What is written:');
  addFormatOptions(command).addHelpText('after', EXAMPLES).action(report);
}

async function report(path: string, options: InspectOptions): Promise<void> {
  const config = loadConfig(path, options.set ?? []);
  const what = options.what ?? (options.core ? 'program' : 'placement');
  if (what === 'program') refuseRows(options, 'a program');
  const { document, text, rows } = await inspect(config, what, options.core);
  show({ document, text: () => text, rows: () => flatTable(rows ?? []) }, options);
}
