/** `wafersim run`: simulates the decode steps of a configuration. */
import type { Command } from 'commander';
import { loadConfig } from '../config.js';
import { runTable } from '../report/table.js';
import { sensitivityOf } from '../sensitivity.js';
import { simulate } from '../simulate.js';
import { EXIT } from './errors.js';
import {
  engineOption,
  host,
  jsonOption,
  setOption,
  shardCount,
  type EngineName,
} from './options.js';
import { checkRunDirectory, json, print, style, writeRunDirectory } from './output.js';
import { withProgress } from './progress.js';

interface RunOptions {
  set?: string[];
  engine: EngineName;
  shards: number;
  memo: boolean;
  json?: boolean;
  output?: string;
  exact?: boolean;
  sensitivity?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim run configs/wse3.yaml
  wafersim run configs/wse3.yaml --set workload.context=16384 --set hardware.fabric.hopCycles=2
  wafersim run configs/wse3.yaml --json > run.json
  wafersim run configs/wse3.yaml --sensitivity
  wafersim run configs/tiny.yaml --engine reference -o runs/tiny`;

export function addRun(program: Command): void {
  program
    .command('run')
    .description('simulate decode steps: tokens per second, and where the cycles go')
    .argument('<config>', 'configuration file (YAML)')
    .optionsGroup('What is simulated:')
    .addOption(setOption('workload.context=8192'))
    .option('--exact', 'mapping waferllm: exp and SiLU in full (the same as --set exact=true)')
    .option('--sensitivity', 'also vary each uncertain number of the hardware over its range')
    .optionsGroup('How it is simulated (never changes the result):')
    .addOption(engineOption())
    .option('--shards <n>', 'threads that share the wafer', shardCount, 1)
    .option('--no-memo', 'simulate every region itself, even if another one is equal')
    .optionsGroup('What is written:')
    .addOption(jsonOption())
    .option('-o, --output <dir>', 'also write run.json and run.txt to this directory')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(path: string, options: RunOptions): Promise<void> {
  if (options.output !== undefined) checkRunDirectory(options.output);
  const sets = [...(options.set ?? []), ...(options.exact ? ['exact=true'] : [])];
  const config = loadConfig(path, sets);
  const { engine, shards, memo } = options;
  const document = await withProgress(async (onProgress) => {
    const simulateOptions = { engine, shards, memo, ...host, ...(onProgress && { onProgress }) };
    const finished = await simulate(config, simulateOptions);
    if (!options.sensitivity) return finished;
    return { ...finished, ...(await sensitivityOf(finished, path, sets, simulateOptions)) };
  });
  try {
    if (options.output !== undefined)
      writeRunDirectory(options.output, {
        'run.json': json(document),
        'run.txt': runTable(document, { color: false }),
      });
  } finally {
    // A full disk must not cost the result as well.
    print(options.json ? json(document) : runTable(document, style()));
  }
  if (document.check?.passed === false) process.exitCode = EXIT.difference;
}
