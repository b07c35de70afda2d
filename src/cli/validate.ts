/** `wafersim validate`: every published measurement next to what is simulated, fitted or out of sample. */
import { Option, type Command } from 'commander';
import { validateMarkdown, validateTable, validate } from '../index.js';
import { EXIT } from '../exit.js';
import { addSimulationOptions, type SimulationOptions } from './options.js';
import { json } from '../report/json.js';
import { print, style } from './output.js';
import { simulating } from './simulating.js';

interface ValidateOptions extends SimulationOptions {
  measurements?: string;
  only?: string;
  markdown?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim validate
  wafersim validate --only waferllm
  wafersim validate --measurements mine.json --json

A file of measurements has the form of measurements/published.json; one with the id of a
published measurement takes its place. A row is fitted where a number of the cost table was chosen on it:
figures over such rows are a calibration; only what is out of sample is predicted. Exit code 1 if an error is beyond its limit.`;

export function addValidate(program: Command): void {
  const command = program
    .command('validate')
    .description(
      'show every published measurement next to what is simulated, with error, basis and source',
    )
    .optionsGroup('What is compared:')
    .option('--measurements <file>', 'further measurements, in the form of those that are bundled')
    .option('--only <text>', 'only measurements with this text in their id');
  addSimulationOptions(command, { threads: 'work' })
    .addOption(new Option('--markdown', 'print Markdown instead of a table').conflicts('json'))
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(options: ValidateOptions): Promise<void> {
  const { measurements, only } = options;
  const document = await simulating(options, (limits) => validate({ measurements, only }, limits));
  if (options.json) print(json(document));
  else print(options.markdown ? validateMarkdown(document) : validateTable(document, style()));
  if (!document.passed) process.exitCode = EXIT.difference;
}
