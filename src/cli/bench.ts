/** `wafersim bench`: the regression benchmarks, alone or against a baseline. */
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  host,
  ALL,
  baselineOf,
  bench as runSuite,
  compareBench,
  ConfigError,
  EXACTLY,
  IncomparableError,
  ofPackage,
  readBaseline,
  readSuite,
  SUITE,
  type BenchDocument,
  type BenchHost,
  type NamedFile,
  type SuiteCase,
  customBenchmark,
  junit,
  benchMarkdown,
  benchRows,
  benchTable,
} from '../index.js';
import { EXIT } from '../exit.js';
import { addSimulationOptions, type SimulationOptions } from './options.js';
import { json } from '../report/json.js';
import { markdownOption, show } from './formats.js';
import { appendSummary, checkFile, checkSummary, note } from './output.js';
import { writeFile } from './output.js';
import { simulating } from './simulating.js';

interface BenchCommandOptions extends SimulationOptions {
  suite?: string;
  cases?: string;
  baseline?: string | true;
  updateBaseline?: boolean;
  host?: boolean;
  tolerance: number;
  exact?: boolean;
  markdown?: boolean;
  junit?: string;
  githubSmaller?: string;
  githubBigger?: string;
}

const EXAMPLES = `
Examples:
  wafersim bench --baseline                            the project's own suite against its baseline
  wafersim bench --cases kernel/                       the cases with kernel/ in their id
  wafersim bench --suite mine/suite.yaml --update-baseline
  wafersim bench --suite mine/suite.yaml --baseline --junit bench.xml
  wafersim bench --suite mine/suite.yaml --baseline --exact
  wafersim bench --suite mine/suite.yaml --baseline --tolerance 0.5% --json > bench.json

A suite lists kernels and configurations (see bench/suite.yaml). Simulated numbers are compared
exactly, unless --tolerance is given, and every change is reported, worst first; better ones fail
with --exact only, since a cost that is lost looks better too. Numbers of the host
are kept in the baseline with --host, and compared on that host only: times against a reference
loop, beyond 50 % and 1 s; memory beyond 50 % and 64 MiB. $GITHUB_STEP_SUMMARY, where it is set, gets
the Markdown.

Exit codes: 1 a regression (with --exact any change), or a number of the baseline that is no longer measured; 3 a baseline that
is foreign, damaged or newer; 4 a case on which the simulated machine fails.`;

export function addBench(program: Command): void {
  const command = program
    .command('bench')
    .description('regression benchmarks: a suite of runs and kernels, held against a baseline')
    .optionsGroup('What is run:')
    .option('--suite <file>', 'cases to run (default: the bundled bench/suite.yaml)')
    .option('--cases <text>', 'only cases with this text in their id')
    .optionsGroup('What it is compared with:')
    .option('--baseline [file]', 'a baseline (default: baseline.json next to the suite)')
    .option('--update-baseline', 'write what was measured as the baseline')
    .option('--host', 'with --update-baseline: time and memory too, for this host')
    .option(
      '--tolerance <share>',
      'how much worse a simulated number may be: 0.5% or 0.005',
      share,
      0,
    )
    .addOption(
      new Option(
        '--exact',
        'any change of a simulated number fails, better or new ones too',
      ).conflicts('tolerance'),
    )
    .optionsGroup('How it is simulated (never changes simulated numbers):');
  addSimulationOptions(command, { threads: 'wafer' })
    .addOption(markdownOption())
    .option('--junit <file>', 'also write JUnit XML')
    .option(
      '--github-smaller <file>',
      'also write customSmallerIsBetter of github-action-benchmark',
    )
    .option('--github-bigger <file>', 'also write customBiggerIsBetter of github-action-benchmark')
    .addHelpText('after', EXAMPLES)
    .action(bench);
}

async function bench(options: BenchCommandOptions): Promise<void> {
  const suite: NamedFile[] = [];
  const cases = chosen(readSuite(options.suite ?? SUITE, suite), options.cases);
  const path = baselinePath(options);
  if (options.exact && path === undefined)
    throw new ConfigError('--exact: expected --baseline as well, found nothing to compare with');
  // All this before the simulation, which may take minutes.
  checkPlaces(options, path);
  const isThere = path !== undefined && (!options.updateBaseline || existsSync(path));
  const baseline = isThere ? readBaseline(path) : undefined;
  if (baseline && !options.updateBaseline) refuseForeign(baseline, cases, path!);
  const begun = new Date().toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length);
  const found = await simulating(options, (within) =>
    runSuite(cases, { ...within, machine: machine(), cpu: host.cpu }),
  );
  const own = options.suite === undefined ? ofPackage(suite) : suite;
  const measured = { ...found, files: [...own, ...(found.files ?? [])] };
  // A part of the suite says nothing of the other cases, nor of all together.
  const part = options.cases;
  const isMeasured = (id: string) => part === undefined || (id !== ALL && id.includes(part));
  const { tolerance, exact = false } = options;
  const limits = { ...EXACTLY, tolerance, exact };
  const comparison = baseline && compareBench(baseline, measured, path!, limits, isMeasured);
  const document: BenchDocument = { ...measured, ...(comparison && { comparison }) };
  report(document, options, begun);
  if (options.updateBaseline && !document.cases.some(({ failed }) => failed)) {
    const kept = (id: string) => !isMeasured(id);
    writeFile(path!, json(baselineOf(measured, options.host === true, baseline, kept)));
    note(`wrote ${path}`);
  }
  process.exitCode = exitCodeOf(document, options.updateBaseline === true);
}

function chosen(suite: SuiteCase[], part = ''): SuiteCase[] {
  const cases = suite.filter(({ id }) => id.includes(part));
  if (cases.length > 0) return cases;
  const known = suite.map(({ id }) => id).join(', ');
  throw new ConfigError(`--cases: expected a text in the id of a case (${known}), found ${part}`);
}

function baselinePath({ suite, baseline, updateBaseline }: BenchCommandOptions) {
  if (typeof baseline === 'string') return baseline;
  return baseline || updateBaseline ? join(dirname(suite ?? SUITE), 'baseline.json') : undefined;
}

/** Refuses, before the simulation, files that could not be written. */
function checkPlaces(options: BenchCommandOptions, baseline: string | undefined): void {
  const { junit, githubSmaller, githubBigger, updateBaseline } = options;
  const files = [junit, githubSmaller, githubBigger, updateBaseline ? baseline : undefined];
  for (const file of files) if (file !== undefined) checkFile(file);
  checkSummary();
}

function report(document: BenchDocument, options: BenchCommandOptions, begun: string): void {
  const markdown = benchMarkdown(document);
  // The result first: a full disk must not cost it as well.
  show(
    {
      document,
      text: (style) => benchTable(document, style),
      rows: () => benchRows(document),
      markdown: () => markdown,
    },
    options,
  );
  if (options.junit !== undefined) writeFile(options.junit, junit(document, begun));
  for (const [file, better] of [
    [options.githubSmaller, 'lower'],
    [options.githubBigger, 'higher'],
  ] as const)
    if (file !== undefined) writeFile(file, customBenchmark(document, better));
  appendSummary(markdown);
}

function exitCodeOf({ cases, comparison }: BenchDocument, isUpdate: boolean): number {
  if (cases.some(({ failed }) => failed !== undefined)) return EXIT.machine;
  if (cases.some(({ metrics }) => metrics['checkPassed']?.value === 0)) return EXIT.difference;
  return isUpdate || comparison?.passed !== false ? EXIT.fine : EXIT.difference;
}

function machine(): BenchHost {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown';
  const platform = `${process.platform} ${process.arch}`;
  const node = process.versions.node;
  return { name: hostname(), cpu, cores: availableParallelism(), platform, node };
}

/** `0.5%` or `0.005`. @throws InvalidArgumentError unless from 0 to 1 */
function share(text: string): number {
  const match = /^(\d*\.?\d+)\s*(%?)$/.exec(text.trim());
  const value = match ? Number(match[1]) / (match[2] === '%' ? 100 : 1) : NaN;
  if (!(value >= 0 && value <= 1))
    throw new InvalidArgumentError('Expected a share such as 0.5% or 0.005.');
  return value;
}

/** A baseline that has none of the cases is another suite's. */
function refuseForeign(baseline: BenchDocument, cases: readonly SuiteCase[], path: string): void {
  const known = new Set(baseline.cases.map(({ id }) => id));
  if (cases.some(({ id }) => known.has(id))) return;
  throw new IncomparableError(
    `${path}: expected some case of the suite, such as ${cases[0].id}, found none; ` +
      '--update-baseline writes a new one',
  );
}
