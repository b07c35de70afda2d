/** `wafersim validate`: every published measurement next to what is simulated, fitted or out of sample. */
import { Option, type Command } from 'commander';
import { services, servicesTable, validateMarkdown, validateTable, validate } from '../index.js';
import { EXIT } from '../exit.js';
import { stepsOf } from './cache.js';
import { addSimulationOptions, type SimulationOptions } from './options.js';
import { flatTable } from '../report/data-table.js';
import { markdownOption, show } from './formats.js';
import { progressNotes } from './progress.js';
import { simulating } from './simulating.js';

interface ValidateOptions extends SimulationOptions {
  measurements?: string;
  only?: string;
  services?: boolean;
  markdown?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim validate
  wafersim validate --only waferllm
  wafersim validate --measurements mine.json --json
  wafersim validate --services                      # published speeds of services next to plain decoding
  wafersim validate --services --only gpt-oss-120b --json

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
    .option('--only <text>', 'only measurements with this text in their id')
    .addOption(
      new Option(
        '--services',
        'published speeds of services (measurements/services.json) next to plain decoding; judged where their settings are known',
      ).conflicts(['measurements', 'markdown']),
    );
  addSimulationOptions(command, { threads: 'work', keeps: true })
    .addOption(markdownOption())
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(options: ValidateOptions): Promise<void> {
  const { measurements, only } = options;
  if (options.services) return runServices(options);
  const document = await simulating(options, (limits) => validate({ measurements, only }, limits));
  show(
    {
      document,
      text: (style) => validateTable(document, style),
      rows: () => flatTable(document.rows),
      markdown: () => validateMarkdown(document),
    },
    options,
  );
  if (!document.passed) process.exitCode = EXIT.difference;
}

/** Their steps are kept, as those that serving is made of. */
async function runServices(options: ValidateOptions): Promise<void> {
  const { only } = options;
  const document = await simulating(options, (limits) =>
    services({ only }, { ...limits, ...progressNotes(limits), steps: stepsOf(options) }),
  );
  show(
    {
      document,
      text: (style) => servicesTable(document, style),
      rows: () => flatTable(document.rows),
    },
    options,
  );
  if (!document.passed) process.exitCode = EXIT.difference;
}
