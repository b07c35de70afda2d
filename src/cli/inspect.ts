/** `wafersim inspect`: what was resolved and mapped, in readable form; for waits and programs something is simulated. */
import { Option, type Command } from 'commander';
import { loadConfig, inspect, type What } from '../index.js';
import { flatTable } from '../report/data-table.js';
import { refuseRows, show } from './formats.js';
import { addSimulationOptions, coordinates, setOption, type SimulationOptions } from './options.js';
import { simulating } from './simulating.js';

interface InspectOptions extends SimulationOptions {
  what?: What;
  core?: { x: number; y: number };
  set?: string[];
}

const EXAMPLES = `
Examples:
  wafersim inspect configs/wse3.yaml --what placement
  wafersim inspect configs/tiny.yaml --what waits
  wafersim inspect configs/wse3.yaml --what waits --timeout '5 min' --json
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
    .optionsGroup(
      'How a step is simulated for waits, and lines for programs (never changes them):',
    );
  addSimulationOptions(command, { threads: 'wafer', memo: true })
    .addHelpText('after', EXAMPLES)
    .action(report);
}

async function report(path: string, options: InspectOptions): Promise<void> {
  const config = loadConfig(path, options.set ?? []);
  const what = options.what ?? (options.core ? 'program' : 'placement');
  if (what === 'program') refuseRows(options, 'a program');
  const { document, text, rows } = await simulating(options, (within) =>
    inspect(config, what, options.core, within),
  );
  show({ document, text: () => text, rows: () => flatTable(rows ?? []) }, options);
}
