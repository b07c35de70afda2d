/** `wafersim capacity`: the highest request rate that meets limits. */
import type { Command } from 'commander';
import { SLO_PRESETS, capacityTable, capacity } from '../index.js';
import { setOption, setsOf, skipInvalidOption } from './options.js';
import { addSimulationOptions, numberThat, repeated } from './options.js';
import type { SetOptions, SimulationOptions } from './options.js';
import { stepsOf } from './cache.js';
import { flatTable } from '../report/data-table.js';
import { show } from './formats.js';
import { simulating } from './simulating.js';

interface CapacityOptions extends SimulationOptions, SetOptions {
  slo?: string[];
  preset?: string;
  tolerance: number;
}

const EXAMPLES = `
Examples:
  wafersim capacity configs/serving-tiny.yaml --slo 'ttft.p99<=500ms' --slo 'tpot.p99<=30ms'
  wafersim capacity configs/serving-azure.yaml --preset mlperf-interactive
  wafersim capacity examples/deployments/run.yaml --slo 'tpot.p99<=0.1ms'    of several models: each meets the limits
  wafersim capacity configs/serving-tiny.yaml --slo 'tpot.p99<=30ms' --set economics.hourPrice='100 USD/h'`;

export function addCapacity(program: Command): void {
  const command = program
    .command('capacity')
    .description('the highest request rate that meets limits, by bisection')
    .argument('<config>', 'configuration file (YAML) with a serving workload')
    .optionsGroup('The limits:')
    .option('--slo <limit>', 'such as ttft.p99<=500ms (repeatable)', repeated)
    .option(
      '--preset <name>',
      `limits of MLPerf as a what-if: ${Object.keys(SLO_PRESETS).join(', ')}`,
    )
    .option('--tolerance <share>', 'width of the bracket, as a share', share, 0.01)
    .optionsGroup('What is simulated:')
    .addOption(setOption('serving.policy=latency-first'))
    .addOption(skipInvalidOption());
  addSimulationOptions(command, { threads: 'work', keeps: true })
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(path: string, options: CapacityOptions): Promise<void> {
  const { slo = [], preset, tolerance } = options;
  const source = { path, sets: setsOf(options) };
  const document = await simulating(options, (within) =>
    capacity(source, { slo, preset, tolerance }, { ...within, steps: stepsOf(options) }),
  );
  const { scenario, requestsPerSecond, slos, tried, metrics } = document;
  const row = { scenario, slos: slos.join(', '), requestsPerSecond, tried, ...metrics };
  show(
    { document, text: (style) => capacityTable(document, style), rows: () => flatTable([row]) },
    options,
  );
}

const share = numberThat((value) => value > 0 && value < 1, 'a share between 0 and 1');
