/**
 * The library: read a configuration, simulate it, compare placements or finished runs, hold a suite
 * of benchmarks against a baseline. The command line uses these same functions; types of what comes
 * out are those of the JSON documents.
 */
import { availableParallelism } from 'node:os';
import type { ResolvedConfig } from './config.js';
import { host } from './host.js';
import type { CompareDocument } from './studies/compare/document.js';
import type { RunDocument } from './report/document.js';
import { simulate as simulateWith } from './studies/run/run.js';
import type { SimulateOptions } from './decode/options.js';
import { compareAll as compareAllWith, type Compared } from './studies/compare/compare.js';
import { compareStrategies, comparison, whyIncomparable } from './studies/compare/compare.js';
import { IncomparableError } from './studies/incomparable.js';

export { loadConfig, loadHardware, type ResolvedConfig } from './config.js';
export type { NamedFile } from './config/files.js';
export { ofPackage } from './identity.js';
export { LimitError, MachineError, TooLargeError } from './engine/engine.js';
export { ConfigError } from './config/errors.js';
export { ModelError } from './model/errors.js';
export { CapacityError } from './placement/errors.js';
export { placementOf } from './decode/place.js';
export type { SimulateOptions } from './decode/options.js';
export { IncomparableError } from './studies/incomparable.js';
export type { Compared } from './studies/compare/compare.js';
export { readRun, readRunFile } from './studies/compare/run-file.js';
export { runKernel, type KernelOptions } from './studies/kernel/kernel.js';
export { kernelHelp, type KernelHelp } from './studies/kernel/kernels.js';
export { sensitivityOf } from './studies/sensitivity/sensitivity.js';
export { isServing } from './studies/serve/serve.js';
export { serveAll } from './studies/serve/serve-all.js';
export type { ServingDocument } from './report/serving-document.js';
export { ALL, bench, type BenchOptions } from './studies/bench/bench.js';
export { readSuite, SUITE, type SuiteCase } from './studies/bench/suite.js';
export { baselineOf, readBaseline } from './studies/bench/baseline.js';
export { compareBench, EXACTLY, type BenchLimits } from './studies/bench/compare.js';
export type { KernelDocument, RunDocument } from './report/document.js';
export type { CompareDocument, CompareRow } from './studies/compare/document.js';
export type * from './studies/bench/document.js';

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
