/**
 * The library: read a configuration, simulate it, compare placements or finished runs, hold a suite
 * of benchmarks against a baseline. The command line uses these same functions; types of what comes
 * out are those of the JSON documents.
 */
import { availableParallelism } from 'node:os';
import type { ResolvedConfig } from './config.js';
import { host } from './host.js';
import type { CompareDocument } from './report/compare-document.js';
import type { RunDocument } from './report/document.js';
import { simulate as simulateWith, type SimulateOptions } from './simulate.js';
import { compareAll as compareAllWith, type Compared } from './tools/compare.js';
import { compareStrategies, comparison, whyIncomparable } from './tools/compare.js';
import { IncomparableError } from './tools/incomparable.js';

export { loadConfig, loadHardware, type ResolvedConfig } from './config.js';
export type { NamedFile } from './config/files.js';
export { ofPackage } from './identity.js';
export { LimitError, MachineError, TooLargeError } from './engine/engine.js';
export { ConfigError } from './config/errors.js';
export { ModelError } from './model/errors.js';
export { CapacityError } from './placement/errors.js';
export { placementOf, type SimulateOptions } from './simulate.js';
export { IncomparableError } from './tools/incomparable.js';
export type { Compared } from './tools/compare.js';
export { readRun, readRunFile } from './tools/run-file.js';
export { runKernel, type KernelOptions } from './tools/kernel.js';
export { kernelHelp, type KernelHelp } from './tools/kernels.js';
export { sensitivityOf } from './tools/sensitivity.js';
export { isServing } from './deployment/serve.js';
export { serveAll, type ServingDocument } from './deployment/serve-all.js';
export { ALL, bench, type BenchOptions } from './tools/bench.js';
export { readSuite, SUITE, type SuiteCase } from './tools/bench-suite.js';
export { baselineOf, readBaseline } from './tools/bench-baseline.js';
export { compareBench, EXACTLY, type BenchLimits } from './tools/bench-compare.js';
export type { KernelDocument, RunDocument } from './report/document.js';
export type { CompareDocument, CompareRow } from './report/compare-document.js';
export type * from './report/bench-document.js';

/**
 * Simulates the decode steps of a configuration. Everything outside `host` of the document depends on
 * the configuration alone.
 * @param options engine (`fast`), threads (`shards`), `memo`; `onProgress`; `signal`, an AbortSignal
 * @returns the document `wafersim.run/1`: cycles as integers, times and rates with their unit in the
 *   name
 * @throws CapacityError if the model does not fit the wafers, MachineError if the simulated machine
 *   fails, ConfigError for settings that exclude each other; the signal's reason once it is aborted
 */
export function simulate(
  config: ResolvedConfig,
  options: Partial<SimulateOptions> = {},
): Promise<RunDocument> {
  return simulateWith(config, withDefaults(options));
}

/**
 * Simulates configurations of one workload, each with a placement strategy of its own, and puts them
 * side by side, the first as what the others are held against.
 * @param options as of `simulate`
 * @returns the document `wafersim.compare/1`
 * @throws what `simulate` throws; IncomparableError if they differ in anything but the strategy (of
 *   such, `compareRuns` puts finished runs side by side)
 */
export function compare(
  configs: readonly ResolvedConfig[],
  options: Partial<SimulateOptions> = {},
): Promise<CompareDocument> {
  return compareStrategies([...configs], withDefaults(options));
}

/**
 * Simulates configurations of the same model doing the same work, whatever their hardware and their
 * placements, with what they have in common simulated once, and puts them and finished runs side by
 * side.
 * @param all configurations and runs with their names, the first as what the others are held against
 * @param options as of `simulate`
 * @returns the document `wafersim.compare/1`
 * @throws what `simulate` throws; IncomparableError, before anything is simulated, if model or work differ
 */
export function compareAll(
  all: readonly Compared[],
  options: Partial<SimulateOptions> = {},
): Promise<CompareDocument> {
  return compareAllWith(all, withDefaults(options));
}

/**
 * Puts finished runs side by side under these names.
 * @throws IncomparableError if they are not of the same model doing the same work
 */
export function compareRuns(
  runs: readonly RunDocument[],
  names: readonly string[],
): CompareDocument {
  const why = whyIncomparable([...runs], [...names]);
  if (why !== undefined) throw new IncomparableError(why);
  return comparison([...runs], [...names]);
}

function withDefaults(options: Partial<SimulateOptions>): SimulateOptions {
  return { engine: 'fast', memo: true, shards: availableParallelism(), ...host, ...options };
}
