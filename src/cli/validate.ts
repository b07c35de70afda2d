/** `wafersim validate`: every published measurement beside the prediction. */
import type { Command } from 'commander';
import { ConfigError } from '../hardware/errors.js';
import { joined, PUBLISHED, readMeasurements } from '../tools/measurements.js';
import { validateMarkdown, validateTable } from '../report/validate-table.js';
import { prefillFigures, prefillNotes } from '../tools/prefill.js';
import { validateMeasurements } from '../tools/validate.js';
import { EXIT } from './errors.js';
import { engineOption, host, jsonOption, type EngineName } from './options.js';
import { json, print, style } from './output.js';
import { withProgress } from './progress.js';

interface ValidateOptions {
  measurements?: string;
  only?: string;
  engine: EngineName;
  json?: boolean;
  markdown?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim validate
  wafersim validate --only waferllm
  wafersim validate --measurements mine.json --json

A file of measurements has the form of measurements/published.json; one with the id of a
published measurement takes its place. Exit code 1 if an error is beyond its limit.`;

export function addValidate(program: Command): void {
  program
    .command('validate')
    .description('show every published measurement beside the prediction, with error and source')
    .optionsGroup('What is compared:')
    .option('--measurements <file>', 'further measurements, in the form of those that are bundled')
    .option('--only <text>', 'only measurements with this text in their id')
    .addOption(engineOption())
    .optionsGroup('What is written:')
    .addOption(jsonOption().conflicts('markdown'))
    .option('--markdown', 'print Markdown instead of a table')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(options: ValidateOptions): Promise<void> {
  const published = readMeasurements(PUBLISHED);
  const own = options.measurements === undefined ? [] : readMeasurements(options.measurements);
  const { engine, only = '' } = options;
  const wanted = joined(published, own).filter(({ id }) => id.includes(only));
  if (wanted.length === 0 && prefillFigures(only).length === 0)
    throw new ConfigError(`--only: expected a text in the id of a measurement, found ${only}`);
  const document = await withProgress(async (onProgress) => {
    const simulate = { engine, shards: 1, memo: true, ...host, ...(onProgress && { onProgress }) };
    const judged = await validateMeasurements(wanted, published, simulate);
    return { ...judged, notes: await prefillNotes(only, simulate) };
  });
  if (options.json) print(json(document));
  else print(options.markdown ? validateMarkdown(document) : validateTable(document, style()));
  if (!document.passed) process.exitCode = EXIT.difference;
}
