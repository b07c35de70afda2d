/** `wafersim validate`: every published measurement beside what is simulated, fitted or out of sample. */
import type { Command } from 'commander';
import type { NamedFile } from '../config/files.js';
import { ConfigError } from '../config/errors.js';
import { ofPackage } from '../identity.js';
import { joined, PUBLISHED, readMeasurements } from '../studies/validate/measurements.js';
import { validateMarkdown, validateTable } from '../studies/validate/table.js';
import { prefillFigures, prefillNotes } from '../studies/validate/prefill.js';
import { validateMeasurements } from '../studies/validate/validate.js';
import { withThreads } from '../studies/steps/work.js';
import { EXIT } from './exit.js';
import {
  engineOption,
  host,
  jsonOption,
  noCacheOption,
  shardsOption,
  type EngineName,
} from './options.js';
import { json, print, style } from './output.js';
import { maxCyclesOption, simulating, timeoutOption, type LimitOptions } from './simulating.js';

interface ValidateOptions extends LimitOptions {
  measurements?: string;
  only?: string;
  engine: EngineName;
  shards: number;
  json?: boolean;
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
  program
    .command('validate')
    .description(
      'show every published measurement beside what is simulated, with error, basis and source',
    )
    .optionsGroup('What is compared:')
    .option('--measurements <file>', 'further measurements, in the form of those that are bundled')
    .option('--only <text>', 'only measurements with this text in their id')
    .addOption(engineOption())
    .addOption(maxCyclesOption())
    .addOption(timeoutOption())
    .addOption(shardsOption())
    .addOption(noCacheOption())
    .optionsGroup('What is written:')
    .addOption(jsonOption().conflicts('markdown'))
    .option('--markdown', 'print Markdown instead of a table')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(options: ValidateOptions): Promise<void> {
  const [bundled, named]: [NamedFile[], NamedFile[]] = [[], []];
  const published = readMeasurements(PUBLISHED, bundled);
  const { measurements } = options;
  const own = measurements === undefined ? [] : readMeasurements(measurements, named);
  const { engine, shards, only = '' } = options;
  const wanted = joined(published, own).filter(({ id }) => id.includes(only));
  const figures = prefillFigures(only, bundled);
  if (wanted.length === 0 && figures.length === 0)
    throw new ConfigError(`--only: expected a text in the id of a measurement, found ${only}`);
  const from = { files: [...ofPackage(bundled), ...named], content: figures };
  const document = await simulating(options, async (limits) => {
    const simulate = { engine, shards, memo: true, ...host, ...limits };
    return withThreads(simulate, async (work) => {
      const [notes, judged] = await Promise.all([
        prefillNotes(only, work),
        validateMeasurements(wanted, published, work, from),
      ]);
      return { ...judged, notes };
    });
  });
  if (options.json) print(json(document));
  else print(options.markdown ? validateMarkdown(document) : validateTable(document, style()));
  if (!document.passed) process.exitCode = EXIT.difference;
}
