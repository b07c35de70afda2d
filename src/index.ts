/**
 * The library: read a configuration, simulate it, compare placements or finished runs, hold a suite
 * of benchmarks against a baseline. The command line uses these same functions; types of what comes
 * out are those of the JSON documents.
 */
import type { ResolvedConfig, Source } from './config.js';
import { host } from './host.js';
import { availableParallelism } from './platform/node.js';
import { capacity as capacityWith, type CapacityAsked } from './studies/capacity/capacity.js';
import type { CapacityDocument } from './studies/capacity/table.js';
import { fleet as fleetWith, type FleetOptions } from './studies/fleet/fleet.js';
import type { FleetDocument } from './studies/fleet/table.js';
import type { StepCache } from './studies/steps/step-cache.js';
import { serveHttp, type ServeOptions, type Serving } from './studies/serve/http/serve-http.js';
import type { ValidateDocument } from './studies/validate/document.js';
import { validate as validateWith } from './studies/validate/validate.js';
import type { CompareDocument } from './studies/compare/document.js';
import type { RunDocument } from './report/document.js';
import { simulate as simulateWith } from './studies/run/run.js';
import type { SimulateOptions } from './decode/options.js';
import { compareAll as compareAllWith } from './studies/compare/compare.js';
import type { Compared, CompareOptions } from './studies/compare/compare.js';
import { compareStrategies, comparison, whyIncomparable } from './studies/compare/compare.js';
import { IncomparableError } from './studies/incomparable.js';

export { bundled, VERSION } from './bundled.js';
export { configSchema, loadConfig, loadHardware, type ResolvedConfig } from './config.js';
export { readUnits } from './config/quantity.js';
export { host } from './host.js';
export type { NamedFile } from './config/files.js';
export { ofPackage } from './identity.js';
export { LimitError, MachineError, TooLargeError } from './engine/engine.js';
export { ENGINES, type EngineName } from './engine/engines.js';
export { ConfigError } from './config/errors.js';
export { ModelError } from './model/errors.js';
export { CapacityError } from './placement/placement.js';
export { placementOf } from './decode/place.js';
export { createLogits } from './decode/logits.js';
export { MEMOS, type Memo } from './decode/memo.js';
export type { SimulateOptions } from './decode/options.js';
export { IncomparableError } from './studies/incomparable.js';
export type { Compared, CompareOptions } from './studies/compare/compare.js';
export { readRun, readRunFile } from './studies/compare/run-file.js';
export { runKernel, type KernelOptions } from './studies/kernel/kernel.js';
export { recordKernel } from './studies/kernel/record.js';
export { kernelHelp, type KernelHelp } from './studies/kernel/help.js';
export { acceptanceStudy } from './studies/acceptance/acceptance.js';
export { sensitivityOf } from './studies/sensitivity/sensitivity.js';
export { isServing } from './studies/serve/serve.js';
export type { ServeDocument, ServeOptions, Serving } from './studies/serve/http/serve-http.js';
export { serveAll } from './studies/serve/serve-all.js';
export type { ServingDocument } from './report/serving-document.js';
export { ALL, bench, type BenchOptions } from './studies/bench/bench.js';
export { readSuite, SUITE, type SuiteCase } from './studies/bench/suite.js';
export { baselineOf, readBaseline } from './studies/bench/baseline.js';
export { compareBench, EXACTLY, type BenchLimits } from './studies/bench/compare.js';
export { customBenchmark, junit } from './studies/bench/exports.js';
export { benchRows } from './studies/bench/rows.js';
export { benchMarkdown, benchTable } from './studies/bench/table.js';
export { SLO_PRESETS, type CapacityAsked } from './studies/capacity/capacity.js';
export { capacityTable, type CapacityDocument } from './studies/capacity/table.js';
export { comparePage, type KnownDetail } from './studies/compare/page.js';
export { placedExperts } from './studies/compare/experts.js';
export { compareRows } from './studies/compare/rows.js';
export { readRunCores } from './studies/compare/run-cores.js';
export { compareMarkdown, compareTable } from './studies/compare/table.js';
export { diffConfig, diffKernel, type NamedEngine } from './studies/diff/diff.js';
export type { DiffDocument } from './studies/diff/document.js';
export { diffText } from './studies/diff/text.js';
export { documentSchema, DOCUMENT_NAMES } from './studies/documentation/document-schemas.js';
export type { DocumentName } from './studies/documentation/document-schemas.js';
export { DOCUMENTS, regenerated } from './studies/documentation/documentation.js';
export { explain } from './studies/explain/explain.js';
export { explainRows } from './studies/explain/rows.js';
export { explainTable } from './studies/explain/table.js';
export type { FleetOptions } from './studies/fleet/fleet.js';
export { fleetTable, type FleetDocument } from './studies/fleet/table.js';
export { inspect, type What } from './studies/inspect/inspect.js';
export { deploymentsTable, scenariosTable, servingTable } from './studies/serve/table.js';
export { pageRequests } from './studies/serve/page-requests.js';
export { servingTrace, type ServingDetail } from './studies/serve/trace.js';
export { createPause } from './decode/runner.js';
export type { SweepDocument } from './studies/sweep/document.js';
export type { Executor, Placer } from './studies/sweep/executor.js';
export { planOfArguments, readPlan, type Plan } from './studies/sweep/plan.js';
export { sweepSchema } from './studies/sweep/plan-schema.js';
export { runPoint, type Base, type FrozenPoint, type Outcome } from './studies/sweep/point.js';
export { createPool, type PoolOptions } from './studies/sweep/pool.js';
export { isFailed } from './studies/sweep/results.js';
export { statusOf } from './studies/sweep/status.js';
export { freeze, plannedDocument, prepareSweep, runSweep } from './studies/sweep/sweep.js';
export type { PreparedSweep, Shard, SweepProgress } from './studies/sweep/sweep.js';
export { sweepColumns } from './studies/sweep/columns.js';
export { plannedTable, sweepTable } from './studies/sweep/table.js';
export { openSweepStore, type PointError, type SweepStore } from './store/sweep-store.js';
export { indexedJob, manifestText } from './studies/sweep/kubernetes.js';
export { knownPace, measuredPace } from './studies/sweep/pace.js';
export { createQueue } from './studies/sweep/queue/executor.js';
export * as slurm from './studies/sweep/slurm.js';
export { startWorker } from './studies/sweep/queue/worker.js';
export { services } from './studies/services/services.js';
export type { ServicesDocument } from './studies/services/document.js';
export { servicesTable } from './studies/services/table.js';
export { stepCache, type StepCache } from './studies/steps/step-cache.js';
export { withThreads } from './studies/steps/work.js';
export type { ValidateDocument } from './studies/validate/document.js';
export { bearingOn } from './studies/validate/bearing.js';
export { validateMarkdown, validateTable } from './studies/validate/table.js';
export { cacheFolder } from './store/cache-folder.js';
export { codeHash } from './store/code-hash.js';
export { appendTo, checkAppending, checkFile, writeFile } from './store/files.js';
export { HostError, PlaceError } from './store/host-error.js';
export { npzOf } from './store/npz.js';
export { parquetOf, parquetPieces } from './store/parquet.js';
export { checkRunDirectory, writeRunDirectory } from './store/run-directory.js';
export type { CompareFiles, KernelFiles, RunFiles } from './store/run-directory.js';
export { failureOf, oneLine, type Failure } from './studies/failure.js';
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
 * side by side; the others are compared with the first.
 * @param options as of `simulate`
 * @returns the document `wafersim.compare/1`
 * @throws what `simulate` throws; IncomparableError if they differ in anything but the strategy (of
 *   such, `compareRuns` puts finished runs side by side)
 */
export function compare(
  configs: readonly ResolvedConfig[],
  { onDetails, ...options }: Partial<CompareOptions> = {},
): Promise<CompareDocument> {
  return compareStrategies([...configs], { ...withDefaults(options), onDetails });
}

/**
 * Simulates configurations of the same model doing the same work, whatever their hardware and their
 * placements, with what they have in common simulated once, and puts them and finished runs side by
 * side.
 * @param all configurations and runs with their names; the others are compared with the first
 * @param options as of `simulate`
 * @returns the document `wafersim.compare/1`
 * @throws what `simulate` throws; IncomparableError, before anything is simulated, if model or work differ
 */
export function compareAll(
  all: readonly Compared[],
  { onDetails, ...options }: Partial<CompareOptions> = {},
): Promise<CompareDocument> {
  return compareAllWith(all, { ...withDefaults(options), onDetails });
}

/**
 * The highest request rate at which a serving configuration meets limits, by bisection.
 * @param source the configuration's file, and settings over it
 * @param options as of `simulate`; `steps`, where simulated steps are kept
 * @returns the document `wafersim.capacity/1`
 * @throws what `simulate` throws; ConfigError for limits that are none, or a workload that serves nothing
 */
export function capacity(
  source: Source,
  asked: CapacityAsked,
  options: Partial<StepOptions> = {},
): Promise<CapacityDocument> {
  return capacityWith(source, asked, withDefaults(options));
}

/**
 * What a fleet of such systems serves under a power limit.
 * @param source where the configuration was loaded from, for its scenarios
 * @param options as of `capacity`
 * @returns the document `wafersim.fleet/1`
 * @throws what `simulate` throws
 */
export function fleet(
  config: ResolvedConfig,
  source: Source,
  limits: FleetOptions,
  options: Partial<StepOptions> = {},
): Promise<FleetDocument> {
  return fleetWith(config, source, limits, withDefaults(options));
}

/**
 * Serves a configuration's model at an OpenAI-compatible endpoint, at the pace of the simulated wafer.
 * @param source the configuration's file, and settings over it
 * @param asked where to listen, how fast, which text, what to record
 * @param options as of `capacity`; `now` is the clock that sets the pace
 * @returns where it serves what, and what ends it
 * @throws what `simulate` throws; ConfigError if it cannot listen there
 */
export function serve(
  source: Source,
  asked: ServeOptions,
  options: Partial<StepOptions> = {},
): Promise<Serving> {
  return serveHttp(source, asked, withDefaults(options));
}

/**
 * Published measurements next to what is simulated.
 * @param which a file of further `measurements`, and a text that the ids have in them
 * @param options as of `simulate`
 * @returns the document `wafersim.validate/1`
 * @throws ConfigError if there are no such measurements, or the file is wrong
 */
export function validate(
  which: { measurements?: string | undefined; only?: string | undefined } = {},
  options: Partial<SimulateOptions> = {},
): Promise<ValidateDocument> {
  return validateWith(which, withDefaults(options));
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

type StepOptions = SimulateOptions & { steps?: StepCache | undefined };

function withDefaults(options: Partial<StepOptions>): StepOptions {
  return { engine: 'fast', memo: true, shards: availableParallelism(), ...host, ...options };
}
