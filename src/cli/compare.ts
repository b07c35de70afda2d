/** `wafersim compare`: one workload under several placements, or two finished runs, side by side. */
import { availableParallelism } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import {
  compare as compareConfigs,
  compareRuns,
  ConfigError,
  loadConfig,
  readRun,
} from '../index.js';
import { checkFailure } from '../report/check-text.js';
import type { CompareDocument } from '../report/compare-document.js';
import { compareMarkdown, compareTable } from '../report/compare-table.js';
import { EXIT, oneLine } from './errors.js';
import { engineOption, jsonOption, setOption, shardCount, type EngineName } from './options.js';
import { json, note, print, style } from './output.js';
import { maxCyclesOption, simulating, timeoutOption, type LimitOptions } from './simulating.js';

interface CompareOptions extends LimitOptions {
  strategies?: string[];
  set?: string[];
  engine: EngineName;
  shards: number;
  memo: boolean;
  json?: boolean;
  markdown?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim compare configs/wse3.yaml --strategies row-major,snake,hilbert,greedy,anneal
  wafersim compare configs/wse3.yaml --strategies snake,anneal --set placement.rows=165 --markdown
  wafersim compare runs/before runs/after

Exit codes: 3 if a run is damaged, or the two are not of the same model and workload.`;

export function addCompare(program: Command): void {
  program
    .command('compare')
    .description('several placements, or two finished runs, side by side')
    .argument('<config-or-run>', 'configuration file; or a run directory or its run.json')
    .argument('[run]', 'the run to hold against the first')
    .optionsGroup('What is simulated:')
    .option('--strategies <list>', 'names of strategies, e.g. row-major,snake,greedy', names)
    .addOption(setOption('workload.context=8192'))
    .optionsGroup('How it is simulated (never changes the result):')
    .addOption(engineOption())
    .addOption(maxCyclesOption())
    .addOption(timeoutOption())
    .option('--shards <n>', 'threads that share the work', shardCount, availableParallelism())
    .option('--no-memo', 'simulate every region itself, even if another one is equal')
    .optionsGroup('What is written:')
    .addOption(jsonOption())
    .option('--markdown', 'print Markdown instead of a table')
    .addHelpText('after', EXAMPLES)
    .action(compare);
}

async function compare(
  first: string,
  second: string | undefined,
  options: CompareOptions,
): Promise<void> {
  const document =
    second === undefined
      ? await strategiesOf(first, options)
      : runsOf([first, second], options.strategies);
  if (options.json) print(json(document));
  else print(options.markdown ? compareMarkdown(document) : compareTable(document, style()));
  document.runs.forEach(({ check }, i) => {
    if (check?.passed !== false) return;
    note(oneLine(`${document.rows[i].name}: ${checkFailure(check)}`));
    process.exitCode = EXIT.difference;
  });
}

async function strategiesOf(path: string, options: CompareOptions): Promise<CompareDocument> {
  const { strategies, set = [], engine, shards, memo } = options;
  if (strategies === undefined)
    throw new ConfigError(`${path}: expected --strategies, or a second run, found neither`);
  const configs = strategies.map((strategy) =>
    loadConfig(path, [...set, `placement.strategy=${strategy}`]),
  );
  return simulating(options, (limits) =>
    compareConfigs(configs, { engine, shards, memo, ...limits }),
  );
}

function runsOf(paths: string[], strategies: string[] | undefined): CompareDocument {
  if (strategies !== undefined)
    throw new ConfigError(`--strategies: expected with one configuration, found two runs`);
  return compareRuns(paths.map(readRun), paths);
}

/** @throws InvalidArgumentError unless names apart by commas, none twice */
function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.includes('') || new Set(list).size < list.length)
    throw new InvalidArgumentError('Expected different names, e.g. row-major,snake.');
  return list;
}
