/** `wafersim fleet`: what a fleet of such systems serves under a power limit. */
import { InvalidArgumentError, type Command } from 'commander';
import { configHash, loadConfig } from '../config.js';
import { fleetRow, type FleetRow } from '../studies/fleet/fleet.js';
import { scenariosIdentity } from '../identity.js';
import { fleetTable } from '../studies/fleet/table.js';
import { scenariosOf } from '../studies/serve/serve.js';
import { withThreads } from '../studies/steps/work.js';
import {
  engineOption,
  host,
  hostResult,
  jsonOption,
  noCacheOption,
  setOption,
  shardsOption,
  type EngineName,
} from './options.js';
import { stepsOf } from './cache.js';
import { json, print, style } from './output.js';
import { maxCyclesOption, simulating, timeoutOption, type LimitOptions } from './simulating.js';

interface FleetCommandOptions extends LimitOptions {
  megawatts: number;
  pue: number;
  speed: number;
  set?: string[];
  engine: EngineName;
  shards: number;
  cache: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim fleet configs/wse3.yaml --megawatts 750
  wafersim fleet configs/codex-spark.yaml --megawatts 750 --pue 1.2 --json`;

export function addFleet(program: Command): void {
  program
    .command('fleet')
    .description('how many wafers, users and tokens a power limit allows')
    .argument('<config>', 'configuration file (YAML)')
    .optionsGroup('The fleet:')
    .requiredOption('--megawatts <n>', 'power of the site', above(0))
    .option('--pue <x>', 'power of the site over that of its systems', atLeastOne, 1.2)
    .option('--speed <n>', 'tokens per second that every user has', above(0), 1000)
    .optionsGroup('What is simulated:')
    .addOption(setOption('workload.context=8192'))
    .addOption(engineOption())
    .addOption(maxCyclesOption())
    .addOption(timeoutOption())
    .addOption(shardsOption())
    .addOption(noCacheOption(true))
    .optionsGroup('What is written:')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(fleet);
}

async function fleet(path: string, options: FleetCommandOptions): Promise<void> {
  const { megawatts, pue, speed, engine, shards, set = [] } = options;
  const config = loadConfig(path, set);
  const all = scenariosOf(config, path, set);
  const limits = { megawatts, pue, speed };
  const begun = host.now();
  const steps = stepsOf(options);
  const rows = await simulating(options, (within) =>
    withThreads({ engine, shards, memo: true, steps, ...host, ...within }, async (work) => {
      // Scenarios that differ in transport or scheduling only are the same fleet.
      const known = new Map<string, Promise<FleetRow>>();
      return Promise.all(
        all.map(async ({ scenario, config }) => {
          const { model, wafer, workload, placement, mapping } = config;
          const { context, tokens, batch } = workload;
          const key = configHash({ model, wafer, context, tokens, batch, placement, mapping });
          const row = known.get(key) ?? fleetRow(scenario, config, limits, work);
          known.set(key, row);
          return { ...(await row), scenario };
        }),
      );
    }),
  );
  const identity = scenariosIdentity(config, all, limits);
  const document = {
    schema: 'wafersim.fleet/1' as const,
    ...identity,
    ...limits,
    rows,
    host: hostResult({ engine, shards }, begun, steps.counts),
  };
  print(options.json ? json(document) : fleetTable(document, style()));
}

function above(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value > least) || value > 1e9)
      throw new InvalidArgumentError(`Expected a number above ${least}.`);
    return value;
  };
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!(value >= 1) || value > 100)
    throw new InvalidArgumentError('Expected a number from 1 to 100.');
  return value;
}
