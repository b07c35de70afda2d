/** `wafersim compare`: one workload under several placements, configurations or finished runs, side by side. */
import { statSync } from 'node:fs';
import { InvalidArgumentError, type Command } from 'commander';
import { compare as compareConfigs, compareAll, ConfigError, loadConfig } from '../index.js';
import { readRunCores, readRunFile, compareMarkdown, compareRows } from '../index.js';
import { compareTable, placedExperts } from '../index.js';
import type { Compared, CompareDocument, KnownDetail } from '../index.js';
import { checkFailure } from '../report/check-text.js';
import { oneLine } from '../index.js';
import { EXIT } from '../exit.js';
import { setOption, addSimulationOptions, type SimulationOptions } from './options.js';
import { markdownOption, show } from './formats.js';
import { checkRunDirectory, note, writeRunDirectory } from './output.js';
import { simulating } from './simulating.js';

interface CompareOptions extends SimulationOptions {
  strategies?: string[];
  experts?: string[];
  set?: string[];
  markdown?: boolean;
  output?: string;
}

const EXAMPLES = `
Examples:
  wafersim compare configs/wse3.yaml --strategies row-major,snake,hilbert,greedy,anneal
  wafersim compare configs/wse3.yaml --strategies snake,anneal --set placement.rows=165 --markdown
  wafersim compare configs/wse3.yaml configs/wse3-defects.yaml
  wafersim compare configs/gpt-oss-120b.yaml --experts sliced,strips,strips:4 --set workload.routing=skewed
  wafersim compare runs/before runs/after
  wafersim compare runs/before configs/wse3.yaml
  wafersim compare configs/tiny.yaml --strategies row-major,snake -o runs/compared

--experts: sliced is every expert on all columns of its layer, strips:4 four strips of columns with a quarter of the
experts each, strips as many as fit the fewest wafers. Times on strips depend on which experts are chosen: cycles and
tokens/s are simulated for each of workload.routingDraws tokens, and the cycles lost to imbalance are their mean less
those of as many chosen experts in every strip, simulated too.

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
    .option('--experts <list>', 'placements of experts, e.g. sliced,strips:4,strips:8', experts)
    .addOption(setOption('workload.context=8192'))
    .optionsGroup('How it is simulated (never changes the result):');
  addSimulationOptions(command, { threads: 'work', memo: true })
    .option(
      '-o, --output <dir>',
      'also write compare.json, compare.txt, summary.csv and compare.html there, a page with operators by what changed and a map of what differs',
    )
    .addOption(markdownOption())
    .addHelpText('after', EXAMPLES)
    .action(compare);
}

async function compare(first: string, others: string[], options: CompareOptions): Promise<void> {
  const { output } = options;
  if (output !== undefined) checkRunDirectory(output);
  const files = output === undefined ? undefined : await import('./compare-files.js');
  let details: readonly (KnownDetail | undefined)[] = [];
  const onDetails = output === undefined ? undefined : (found: typeof details) => (details = found);
  const document =
    others.length === 0
      ? await strategiesOf(first, options, onDetails)
      : await allOf([first, ...others], options, onDetails);
  if (files && output !== undefined)
    writeRunDirectory(output, files.compareFiles(document, details));
  show(
    {
      document,
      text: (style) => compareTable(document, style),
      rows: () => compareRows(document),
      markdown: () => compareMarkdown(document),
    },
    options,
  );
  document.runs.forEach(({ check }, i) => {
    if (check?.passed !== false) return;
    note(oneLine(`${document.rows[i].name}: ${checkFailure(check)}`));
    process.exitCode = EXIT.difference;
  });
}

type OnDetails = ((details: (KnownDetail | undefined)[]) => void) | undefined;

async function strategiesOf(
  path: string,
  options: CompareOptions,
  onDetails: OnDetails,
): Promise<CompareDocument> {
  const { strategies, experts: placements, set = [] } = options;
  if (strategies !== undefined && placements !== undefined)
    throw new ConfigError('--experts: expected without --strategies, found both');
  if (placements !== undefined) {
    const all = placedExperts(path, placements, set);
    return simulating(options, (within) => compareAll(all, { ...within, onDetails }));
  }
  if (strategies === undefined)
    throw new ConfigError(
      `${path}: expected --strategies, or a second run, or --experts, found none of them`,
    );
  const configs = strategies.map((strategy) =>
    loadConfig(path, [...set, `placement.strategy=${strategy}`]),
  );
  return simulating(options, (within) => compareConfigs(configs, { ...within, onDetails }));
}

async function allOf(
  paths: string[],
  options: CompareOptions,
  onDetails: OnDetails,
): Promise<CompareDocument> {
  const { strategies, experts: placements, set = [] } = options;
  const areRuns = paths.map(isRun);
  if (strategies !== undefined || placements !== undefined) {
    const option = strategies === undefined ? '--experts' : '--strategies';
    const count = paths.length === 2 ? 'two' : paths.length;
    const found = `${count} ${areRuns.includes(false) ? 'to compare' : 'runs'}`;
    throw new ConfigError(`${option}: expected with one configuration, found ${found}`);
  }
  if (set.length > 0 && !areRuns.includes(false))
    throw new ConfigError('--set: expected with a configuration, found finished runs only');
  const all = paths.map((name, i): Compared =>
    areRuns[i]
      ? { name, ...readRunFile(name), detail: onDetails && readRunCores(name) }
      : { name, config: loadConfig(name, set), source: { path: name, sets: set } },
  );
  return simulating(options, (within) => compareAll(all, { ...within, onDetails }));
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

/** @throws InvalidArgumentError unless sliced, strips or strips:N, apart by commas, none twice */
function experts(text: string): string[] {
  const list = names(text);
  if (!list.every((name) => /^(?:sliced|strips(?::(?:auto|[1-9]\d*))?)$/.test(name)))
    throw new InvalidArgumentError('Expected sliced, strips or strips:N, e.g. sliced,strips:4.');
  return list;
}
