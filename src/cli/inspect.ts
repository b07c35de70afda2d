/** `wafersim inspect`: what was resolved and mapped, in readable form; but for waits without simulating it. */
import { Option, type Command } from 'commander';
import { loadConfig, inspect, type What } from '../index.js';
import { coordinates, jsonOption, setOption } from './options.js';
import { json } from '../report/json.js';
import { print } from './output.js';

interface InspectOptions {
  what?: What;
  core?: { x: number; y: number };
  set?: string[];
  json?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim inspect configs/wse3.yaml --what placement
  wafersim inspect configs/tiny.yaml --what waits
  wafersim inspect configs/wse3.yaml --what program --core 12,7`;

export function addInspect(program: Command): void {
  program
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
    .optionsGroup('What is written:')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(show);
}

async function show(path: string, options: InspectOptions): Promise<void> {
  const config = loadConfig(path, options.set ?? []);
  const what = options.what ?? (options.core ? 'program' : 'placement');
  const { document, text } = await inspect(config, what, options.core);
  print(options.json ? json(document) : text);
}
