/** `wafersim compare`: one workload under several placements, configurations or finished runs, side by side. */
import { statSync } from 'node:fs';
import { InvalidArgumentError, type Command } from 'commander';
import { compare as compareConfigs, compareAll, ConfigError, loadConfig } from '../index.js';
import { readRunFile, compareMarkdown, compareTable } from '../index.js';
import type { Compared, CompareDocument } from '../index.js';
import { checkFailure } from '../report/check-text.js';
import { oneLine } from './errors.js';
import { EXIT } from './exit.js';
import { setOption, addSimulationOptions, type SimulationOptions } from './options.js';
import { json, note, print, style } from './output.js';
import { simulating } from './simulating.js';

interface CompareOptions extends SimulationOptions {
  strategies?: string[];
  set?: string[];
  markdown?: boolean;
}

const EXAMPLES = `
Examples:
  wafersim compare configs/wse3.yaml --strategies row-major,snake,hilbert,greedy,anneal
  wafersim compare configs/wse3.yaml --strategies snake,anneal --set placement.rows=165 --markdown
  wafersim compare configs/wse3.yaml configs/wse3-defects.yaml
  wafersim compare runs/before runs/after
  wafersim compare runs/before configs/wse3.yaml

A directory, or a file that ends in .json, is a finished run; any other file is a configuration, which
is simulated. The first is what the others are held against.
Exit codes: 3 if a run is damaged, or they are not of the same model and workload.`;

export function addCompare(program: Command): void {
  const command = program
    .command('compare')
    .description('several placements, configurations or finished runs, side by side')
    .argument('<config-or-run>', 'configuration file; or a run directory or its run.json')
    .argument('[others...]', 'what to hold against the first: configurations, runs')
    .optionsGroup('What is simulated:')
    .option('--strategies <list>', 'names of strategies, e.g. row-major,snake,greedy', names)
    .addOption(setOption('workload.context=8192'))
    .optionsGroup('How it is simulated (never changes the result):');
  addSimulationOptions(command, { threads: 'work', memo: true })
    .option('--markdown', 'print Markdown instead of a table')
    .addHelpText('after', EXAMPLES)
    .action(compare);
}

async function compare(first: string, others: string[], options: CompareOptions): Promise<void> {
  const document =
    others.length === 0
      ? await strategiesOf(first, options)
      : await allOf([first, ...others], options);
  if (options.json) print(json(document));
  else print(options.markdown ? compareMarkdown(document) : compareTable(document, style()));
  document.runs.forEach(({ check }, i) => {
    if (check?.passed !== false) return;
    note(oneLine(`${document.rows[i].name}: ${checkFailure(check)}`));
    process.exitCode = EXIT.difference;
  });
}

async function strategiesOf(path: string, options: CompareOptions): Promise<CompareDocument> {
  const { strategies, set = [] } = options;
  if (strategies === undefined)
    throw new ConfigError(`${path}: expected --strategies, or a second run, found neither`);
  const configs = strategies.map((strategy) =>
    loadConfig(path, [...set, `placement.strategy=${strategy}`]),
  );
  return simulating(options, (within) => compareConfigs(configs, within));
}

async function allOf(paths: string[], options: CompareOptions): Promise<CompareDocument> {
  const { strategies, set = [] } = options;
  const areRuns = paths.map(isRun);
  if (strategies !== undefined) {
    const count = paths.length === 2 ? 'two' : paths.length;
    const found = `${count} ${areRuns.includes(false) ? 'to compare' : 'runs'}`;
    throw new ConfigError(`--strategies: expected with one configuration, found ${found}`);
  }
  if (set.length > 0 && !areRuns.includes(false))
    throw new ConfigError('--set: expected with a configuration, found finished runs only');
  const all = paths.map((name, i): Compared =>
    areRuns[i]
      ? { name, ...readRunFile(name) }
      : { name, config: loadConfig(name, set), source: { path: name, sets: set } },
  );
  return simulating(options, (within) => compareAll(all, within));
}

/** A directory, or a document by its name. */
function isRun(path: string): boolean {
  return (
    path.endsWith('.json') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  );
}

/** @throws InvalidArgumentError unless names apart by commas, none twice */
function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.includes('') || new Set(list).size < list.length)
    throw new InvalidArgumentError('Expected different names, e.g. row-major,snake.');
  return list;
}
