/** `wafersim run`: simulates the decode steps of a configuration. */
import { InvalidArgumentError, type Command } from 'commander';
import {
  acceptanceStudy,
  ConfigError,
  createLogits,
  isServing,
  loadConfig,
  sensitivityOf,
  simulate,
} from '../index.js';
import type { serveAll, ServingDocument } from '../index.js';
import { checkFailure } from '../report/check-text.js';
import type { CoreAt, RunDetail } from '../report/detail.js';
import type { RunDocument } from '../report/document.js';
import { shownPage, type Style } from '../report/format.js';
import { summaryTable } from '../report/run-tables.js';
import { runTable } from '../report/table.js';
import { EXIT } from '../exit.js';
import { stepsOf } from './cache.js';
import { formatOf, show } from './formats.js';
import { coresOf, setOption, setsOf, skipInvalidOption } from './options.js';
import { addSimulationOptions } from './options.js';
import type { SetOptions, SimulationOptions } from './options.js';
import { checkRunDirectory, note, writeRunDirectory } from './output.js';
import { simulating } from './simulating.js';

interface RunOptions extends SimulationOptions, SetOptions {
  output?: string;
  sensitivity?: boolean;
  acceptance?: number | true;
  traceCore?: CoreAt[];
}

const EXAMPLES = `
Examples:
  wafersim run configs/wse3.yaml
  wafersim run configs/wse3.yaml --set workload.context=16384 --set hardware.fabric.hopCycles=2
  wafersim run configs/wse3.yaml --json > run.json
  wafersim run configs/wse3.yaml --sensitivity
  wafersim run configs/wse3.yaml --set economics.hourPrice='100 USD/h'
  wafersim run configs/llama-70b-mtp.yaml --acceptance 2100
  wafersim run configs/tiny.yaml --engine reference -o runs/tiny
  wafersim run configs/tiny.yaml -o runs/tiny --trace-core 3,5 --trace-core 0:8,2
  wafersim run configs/wse3.yaml --format csv >> runs.csv
  wafersim run configs/small.yaml --set model.config=DIR --set model.weights=DIR --set workload.prompt="Once upon a time"
  wafersim run configs/serving-tiny.yaml -o runs/serving`;

/** Options that are about decode steps. */
const OF_DECODE = [
  ['sensitivity', '--sensitivity'],
  ['acceptance', '--acceptance'],
  ['traceCore', '--trace-core'],
] as const;

export function addRun(program: Command): void {
  const command = program
    .command('run')
    .description('simulate decode steps: tokens per second, and where the cycles go')
    .argument('<config>', 'configuration file (YAML)')
    .optionsGroup('What is simulated:')
    .addOption(setOption('workload.context=8192'))
    .option('--exact', 'mapping waferllm: exp and SiLU in full (the same as --set exact=true)')
    .option('--sensitivity', 'also vary each uncertain number of the hardware over its range')
    .option(
      '--acceptance [tokens/s]',
      'with speculation also rounds of 2 to 16 tokens, their speed with a chance of 0.5 to 0.9 that a draft is right, and the chance that gives so many tokens/s',
      speedOption,
    )
    .addOption(skipInvalidOption())
    .optionsGroup('How it is simulated (never changes the result):');
  addSimulationOptions(command, { threads: 'wafer', memo: true, keeps: true })
    .option(
      '-o, --output <dir>',
      'also write run.json, run.txt, report.html and trace.json.gz there, with weights or a prompt logits.safetensors; and for notebooks summary.csv, operators.csv, regions.csv, cores.npz, links.parquet, and requests.csv of what was served (docs/data.md)',
    )
    .option(
      '--trace-core <core>',
      'with -o: every operation of core x,y or wafer:x,y in the last step as operations.parquet (repeatable)',
      coresOf,
    )
    .addHelpText('after', EXAMPLES)
    .action(run);
}

function speedOption(text: string): number {
  const speed = Number(text);
  if (text.trim() === '' || !(speed > 0 && speed < Infinity))
    throw new InvalidArgumentError(`expected tokens/s, above 0, found ${JSON.stringify(text)}.`);
  return speed;
}

async function run(path: string, options: RunOptions): Promise<void> {
  const { traceCore: traceCores } = options;
  if (traceCores && options.output === undefined)
    throw new ConfigError('--trace-core: expected -o DIR as well, to write operations.parquet to');
  if (options.output !== undefined) checkRunDirectory(options.output);
  const sets = setsOf(options);
  const config = loadConfig(path, sets);
  if (options.skipInvalid && !isServing(config))
    throw new ConfigError('--skip-invalid: expected a serving workload with a trace, found decode');
  // What only some runs need is loaded now, and not after hours in which the package may have been replaced.
  const serving = isServing(config) ? await import('./run-serving.js') : undefined;
  const files = options.output === undefined ? undefined : await import('./run-files.js');
  let served: Awaited<ReturnType<typeof serveAll>> | undefined;
  let detail: RunDetail | undefined;
  const onDetail = (last: RunDetail) => (detail = last);
  const hasLogits = config.weights !== undefined || config.prompt !== undefined;
  const logits = hasLogits && options.output !== undefined ? createLogits(config) : undefined;
  const hasText = hasLogits && config.tokenizer.length > 0 && !isServing(config);
  const text = hasText && formatOf(options) === 'table' ? textTeller() : undefined;
  const document = await simulating(
    options,
    async (simulateOptions): Promise<RunDocument | ServingDocument> => {
      const listening = {
        ...simulateOptions,
        ...(options.output !== undefined && { onDetail }),
        ...(traceCores && { traceCores }),
        ...(logits && { onLogits: logits.take }),
        ...(text && { onText: text.tell }),
      };
      if (serving) {
        const ofDecode = OF_DECODE.find(([name]) => options[name]);
        if (ofDecode)
          throw new ConfigError(
            `${ofDecode[1]}: expected a decode run, found workload.kind: serving`,
          );
        served = await serving.serveAll(config, path, sets, {
          ...listening,
          steps: stepsOf(options),
        });
        return served.document;
      }
      let finished = await simulate(config, listening);
      if (options.sensitivity)
        finished = { ...finished, ...(await sensitivityOf(finished, path, sets, simulateOptions)) };
      if (options.acceptance === undefined) return finished;
      const target = options.acceptance === true ? undefined : options.acceptance;
      const study = await acceptanceStudy(finished, config, target, simulateOptions);
      return { ...finished, ...study };
    },
    // A bar and a text on one line are neither.
    { bar: text === undefined },
  );
  text?.end();
  const textOf = (style: Style): string =>
    serving && 'serving' in document
      ? serving.servingText(document, style)
      : runTable(document, style);
  try {
    if (files && options.output !== undefined) {
      const { provenanceFor, runFiles } = files;
      const more = { served, logits: logits?.file(), provenance: provenanceFor(config) };
      const page = textOf({ color: false });
      writeRunDirectory(options.output, runFiles(document, detail!, page, more));
    }
  } finally {
    // A full disk must not cost the result as well.
    show(
      {
        document,
        text: textOf,
        rows: () => summaryTable([document]),
      },
      options,
    );
  }
  if (document.check?.passed === false) {
    note(checkFailure(document.check));
    process.exitCode = EXIT.difference;
  }
}

/** The text as it is computed, for a person at a terminal; it stands in the table as well. */
function textTeller(): { tell: (text: string) => void; end: () => void } | undefined {
  if (!process.stderr.isTTY) return undefined;
  let hasTold = false;
  return {
    tell(text) {
      hasTold = true;
      process.stderr.write(shownPage(text));
    },
    end() {
      if (hasTold) process.stderr.write('\n');
    },
  };
}
