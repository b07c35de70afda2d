/** `wafersim fleet`: what a fleet of such systems serves under a power limit. */
import type { Command } from 'commander';
import { loadConfig, fleetTable, fleet } from '../index.js';
import { addSimulationOptions, numberThat, setOption } from './options.js';
import type { SimulationOptions } from './options.js';
import { stepsOf } from './cache.js';
import { flatTable } from '../report/data-table.js';
import { show } from './formats.js';
import { simulating } from './simulating.js';

interface FleetCommandOptions extends SimulationOptions {
  megawatts: number;
  pue: number;
  speed: number;
  set?: string[];
}

const EXAMPLES = `
Examples:
  wafersim fleet configs/wse3.yaml --megawatts 750
  wafersim fleet configs/codex-spark.yaml --megawatts 750 --pue 1.2 --json
  wafersim fleet configs/wse3.yaml --megawatts 750 --set economics.energyPrice='0.08 USD/kWh'`;

export function addFleet(program: Command): void {
  const command = program
    .command('fleet')
    .description('how many wafers, users and tokens a power limit allows')
    .argument('<config>', 'configuration file (YAML)')
    .optionsGroup('The fleet:')
    .requiredOption('--megawatts <n>', 'power of the site', above0)
    .option('--pue <x>', 'power of the site over that of its systems', overhead, 1.2)
    .option('--speed <n>', 'tokens per second that every user has', above0, 1000)
    .optionsGroup('What is simulated:')
    .addOption(setOption('workload.context=8192'));
  addSimulationOptions(command, { threads: 'work', keeps: true })
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(path: string, options: FleetCommandOptions): Promise<void> {
  const { megawatts, pue, speed, set = [] } = options;
  const config = loadConfig(path, set);
  const document = await simulating(options, (within) =>
    fleet(
      config,
      { path, sets: set },
      { megawatts, pue, speed },
      { ...within, steps: stepsOf(options) },
    ),
  );
  show(
    {
      document,
      text: (style) => fleetTable(document, style),
      rows: () => flatTable(document.rows),
    },
    options,
  );
}

const above0 = numberThat((value) => value > 0 && value <= 1e9, 'a number above 0');
const overhead = numberThat((value) => value >= 1 && value <= 100, 'a number from 1 to 100');
