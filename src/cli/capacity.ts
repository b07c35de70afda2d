/** `wafersim capacity`: the highest request rate that meets limits. */
import { InvalidArgumentError, type Command } from 'commander';
import { capacityOf, readSlo, SLO_PRESETS, WHAT_IF } from '../studies/capacity/capacity.js';
import { loadConfig } from '../config.js';
import { ConfigError } from '../config/errors.js';
import { runIdentity } from '../identity.js';
import { nowDoing } from './command-thread.js';
import { capacityTable } from '../studies/capacity/table.js';
import { isServing, prepare, scenariosOf } from '../studies/serve/serve.js';
import { withThreads } from '../studies/steps/work.js';
import {
  engineOption,
  host,
  hostResult,
  jsonOption,
  noCacheOption,
  setOption,
  shardsOption,
  setsOf,
  skipInvalidOption,
  type EngineName,
  type SetOptions,
} from './options.js';
import { stepsOf } from './cache.js';
import { json, print, style } from './output.js';
import { maxCyclesOption, simulating, timeoutOption, type LimitOptions } from './simulating.js';

interface CapacityOptions extends LimitOptions, SetOptions {
  slo?: string[];
  preset?: string;
  tolerance: number;
  engine: EngineName;
  shards: number;
  cache: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim capacity configs/serving-tiny.yaml --slo 'ttft.p99<=500ms' --slo 'tpot.p99<=30ms'
  wafersim capacity configs/serving-azure.yaml --preset mlperf-interactive`;

export function addCapacity(program: Command): void {
  program
    .command('capacity')
    .description('the highest request rate that meets limits, by bisection')
    .argument('<config>', 'configuration file (YAML) with a serving workload')
    .optionsGroup('The limits:')
    .option('--slo <limit>', 'such as ttft.p99<=500ms (repeatable)', collect)
    .option(
      '--preset <name>',
      `limits of MLPerf as a what-if: ${Object.keys(SLO_PRESETS).join(', ')}`,
    )
    .option('--tolerance <share>', 'width of the bracket, as a share', share, 0.01)
    .optionsGroup('What is simulated:')
    .addOption(setOption('serving.policy=latency-first'))
    .addOption(skipInvalidOption())
    .addOption(engineOption())
    .addOption(maxCyclesOption())
    .addOption(timeoutOption())
    .addOption(shardsOption())
    .addOption(noCacheOption(true))
    .optionsGroup('What is written:')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(capacity);
}

async function capacity(path: string, options: CapacityOptions): Promise<void> {
  const { slo = [], preset, tolerance, engine, shards } = options;
  const set = setsOf(options);
  const known = preset === undefined ? [] : SLO_PRESETS[preset];
  if (known === undefined)
    throw new ConfigError(
      `--preset: expected ${Object.keys(SLO_PRESETS).join(' or ')}, found ${preset}`,
    );
  const slos = [...known, ...slo].map(readSlo);
  if (slos.length === 0)
    throw new ConfigError('capacity: expected --slo or --preset, found neither');
  const base = loadConfig(path, set);
  if (!isServing(base))
    throw new ConfigError(`${path}: workload.kind: expected serving, found decode`);
  const [{ scenario, config }] = scenariosOf(base, path, set);
  const begun = host.now();
  const steps = stepsOf(options);
  const prepared = await simulating(options, (within) =>
    withThreads({ engine, shards, memo: true, steps, ...host, ...within }, async (work) =>
      prepare(scenario, config, work),
    ),
  );
  nowDoing('serving');
  const result = capacityOf(prepared, slos, tolerance);
  const notes = [...result.notes, ...(preset === undefined ? [] : [WHAT_IF])];
  const limits = slos.map(({ text: _, ...limit }) => limit);
  const identity = runIdentity(config, { limits, tolerance });
  const document = {
    schema: 'wafersim.capacity/1' as const,
    ...identity,
    scenario,
    ...result,
    notes,
    host: hostResult({ engine, shards }, begun, steps.counts),
  };
  print(options.json ? json(document) : capacityTable(document, style()));
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1))
    throw new InvalidArgumentError('Expected a share between 0 and 1.');
  return value;
}
