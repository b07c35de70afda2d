/**
 * Serving on top of a simulated wafer: requests, step times by simulation, the server, its metrics,
 * and GPUs next to it. Pure but for reading the files that the configuration names.
 */
import { requestOf } from '../../decode/place.js';
import { inFlightOf } from '../../decode/positions.js';
import { configHash, loadConfig, type ConfigFile, type ResolvedConfig } from '../../config.js';
import type { Setting } from '../../config/tree.js';
import { readGpu } from '../../config/gpu-file.js';
import { servingOf } from '../../config/deployments.js';
import { ConfigError } from '../../config/errors.js';
import { parameterCount } from '../../model/operators.js';
import { longestContext, wafersNeeded } from '../../placement/capacity.js';
import type { GpuResult, ServingResult, StepTimesResult } from '../../report/serving-document.js';
import { guessesOf, roundsOf, speculationOf } from './drafted.js';
import { sizeOf } from './model-size.js';
import { planOf } from './plan.js';
import { replayOf } from './replay.js';
import { requestsOf, type RequestSource } from './requests.js';
import type { Request } from '../../serving/request.js';
import { costOfGpus, costOfWafers, type CostResult } from '../../serving/cost.js';
import { e2elMs, metricsOf, percentilesOf, tpotMs, ttftMs } from '../../serving/metrics.js';
import type { ServingMetrics } from '../../serving/metrics.js';
import { POLICIES } from '../../serving/policy.js';
import { gpusNeeded, rooflineCache, rooflineStepTime } from '../../serving/roofline.js';
import { rooflineChecks } from '../../serving/roofline.js';
import { seriesOf } from '../../serving/series.js';
import { serve, type ServeOptions, type ServeResult } from '../../serving/server.js';
import type { ServerOptions } from '../../serving/pipeline.js';
import { stepTimeOf } from '../../serving/step-time.js';
import { transportEffect } from '../../serving/transport-effect.js';
import { transportOf, transportSources } from '../../serving/transport-presets.js';
import type { Transport } from '../../serving/transport.js';
import { deploymentOf, simulateGrid } from '../steps/step-times.js';
import type { Deployment, GridWork, SimulatedGrid } from '../steps/step-times.js';

type ServingConfig = NonNullable<ResolvedConfig['serving']>;
type TransportConfig = NonNullable<ResolvedConfig['transport']>;

/** A scenario with everything that serving it needs. */
export interface Prepared {
  scenario: string;
  config: ResolvedConfig;
  deployment: Deployment;
  source: RequestSource;
  grid: SimulatedGrid;
  serve: ServeOptions;
}

/** Grids that scenarios share, by what they depend on; scenarios may be prepared at the same time. */
export type GridCache = Map<string, Promise<SimulatedGrid>>;

const INTERVALS = 60;

export function isServing({ workload }: ResolvedConfig): boolean {
  return workload.kind === 'serving';
}

/**
 * The configurations of a file's scenarios, or of its deployments that serve requests, or the one that it is
 * without any.
 * @throws ConfigError one line on the first problem, with its file and line
 */
export function scenariosOf(
  config: ResolvedConfig,
  file: ConfigFile,
  sets: readonly Setting[],
): { scenario: string; config: ResolvedConfig }[] {
  if (config.deployments !== undefined)
    return servingOf(config.deployments).map(({ name }) => {
      return { scenario: name, config: loadConfig(file, sets, name) };
    });
  if (config.scenarios === undefined || config.scenarios.length === 0)
    return [{ scenario: '', config }];
  return config.scenarios.map(({ name, set }) => {
    // What the command line sets wins over what the scenario sets.
    const own = Object.entries(set).map(([key, value]) => `${key}=${String(value)}`);
    return { scenario: name, config: loadConfig(file, [...own, ...sets]) };
  });
}

/** The longest context that a deployment takes. */
export function longestFor(config: ResolvedConfig, { maxContext }: Deployment): number {
  return Math.min(settingsOf(config).maxContext ?? Infinity, maxContext);
}

/**
 * Places the model, and reads or makes the requests: all that can be wrong before a step is simulated.
 * @param given what is known of it already: where it is placed, and the requests that come to it
 * @throws ConfigError, CapacityError
 */
export function requestsFor(
  config: ResolvedConfig,
  given: { deployment?: Deployment; source?: RequestSource } = {},
) {
  const wanted = settingsOf(config);
  const deployment = given.deployment ?? deploymentOf(config);
  const maxContext = longestFor(config, deployment);
  // Drafted tokens take positions too, wrong ones as well.
  const source = given.source ?? requestsOf(config, maxContext - inFlightOf(config) + 1);
  const { horizonSeconds } = config.workload;
  const horizonNs = horizonSeconds === undefined ? source.record?.endNs : horizonSeconds * 1e9;
  // Before steps are simulated for long: the run ends no sooner than the last request comes.
  if (horizonNs === undefined) refuseInexact(source.requests.at(-1)?.arrivalNs ?? 0);
  return { wanted, deployment, maxContext, source, horizonNs };
}

/** The same, and the step times that they need, simulated. */
export async function prepare(
  scenario: string,
  config: ResolvedConfig,
  work: GridWork,
  cache: GridCache = new Map(),
  given: { deployment?: Deployment; source?: RequestSource } = {},
): Promise<Prepared> {
  const { wanted, deployment, maxContext, source, horizonNs } = requestsFor(config, given);
  const needed = wanted.maxContext === undefined ? longestOf(source, maxContext) : maxContext;
  const longest =
    wanted.maxContext === undefined ? roundedUp(needed, wanted.minContext, maxContext) : needed;
  const { grid, serve } = await serverOf(deployment, maxContext, longest, work, cache);
  return {
    scenario,
    config,
    deployment,
    source,
    grid,
    serve: {
      ...serve,
      actions: source.record?.actions,
      ...(horizonNs !== undefined && { horizonNs }),
    },
  };
}

/**
 * A deployment's server, and the simulated steps that it goes by.
 * @param maxContext of a request
 * @param longest to which steps are simulated
 */
export async function serverOf(
  deployment: Deployment,
  maxContext: number,
  longest: number,
  work: GridWork,
  cache: GridCache = new Map(),
): Promise<{ grid: SimulatedGrid; serve: ServerOptions }> {
  const { config, kvTokens, kvBlock, states } = deployment;
  const wanted = settingsOf(config);
  const grid = await gridOf(deployment, wanted, longest, work, cache);
  const { kind, given } = transportSettings(config);
  const serve = {
    policy: POLICIES[wanted.policy](wanted),
    stepTime: stepTimeOf(grid),
    rounds: roundsOf(config, grid),
    ...{ kvTokens, kvBlock, states, maxContext },
    maxWaiting: wanted.maxWaiting,
    transport: transportOf(kind, given),
  };
  return { grid, serve };
}

/** Serves a prepared scenario; of a record also when every request's client sees each of its tokens. */
export function serveScenario(prepared: Prepared): {
  result: ServingResult;
  run: ServeResult & { tokensNs?: number[][] };
} {
  const { config, deployment, source, grid, scenario } = prepared;
  const { limits, policy } = settingsOf(config);
  const { record } = source;
  const tokensNs = record && source.requests.map((): number[] => []);
  const onToken = (id: number, ns: number) => tokensNs![id].push(ns);
  const run = serve(source.requests, { ...prepared.serve, ...(record && { onToken }) });
  refuseInexact(run.endNs);
  const { originals } = source;
  if (originals !== undefined)
    run.served = run.served.map((one) => ({ ...one, request: originals[one.request.id] }));
  const metrics = metricsOf(run, limits);
  const { wafers } = deployment.placement;
  const { transport, kvTokens, maxContext } = prepared.serve;
  const effect = effectOf(prepared);
  const speculation = speculationOf(config, prepared.serve, run.rounds);
  const { plan: asked, floor } = settingsOf(config);
  const guesses = guessesOf(config);
  const plan = asked && planOf(deployment, grid, { ...asked, floor, guesses });
  const result: ServingResult = {
    scenario,
    workload: source.name,
    policy,
    model: config.model.name,
    parameters: parameterCount(config.model),
    wafers,
    ...metrics,
    kvTokens,
    kvBlock: deployment.kvBlock,
    ...(deployment.states !== undefined && { states: deployment.states }),
    maxContext,
    reach: reachOf(config),
    evictions: run.evictions,
    stepTimes: stepTimesOf(grid, config.wafer.clockHz),
    ...(speculation && { speculation }),
    ...(plan && { plan }),
    transport,
    transportSources: transportSources(transport.kind, transportSettings(config).given),
    ...(effect && { transportEffect: effect }),
    energy: energyOf(config.wafer.powerWatts * wafers, metrics),
    ...costServed(config, wafers, metrics),
    gpus: gpusOf(prepared, source.requests, () => ({})),
    series: seriesOf(run.served, run.endNs, INTERVALS, metrics.limits),
    distributions: {
      ttftMs: percentilesOf(run.served, ttftMs),
      tpotMs: percentilesOf(run.served, tpotMs),
      e2elMs: percentilesOf(run.served, e2elMs),
    },
    ...(record && { replay: replayOf(record, tokensNs!) }),
    skippedRows: source.skippedRows,
    notes: source.notes,
    assumptions: speculation === undefined ? ASSUMPTIONS : [...ASSUMPTIONS, ...OF_ROUNDS],
  };
  return { result, run: { ...run, ...(tokensNs && { tokensNs }) } };
}

const DAY_NS = 86_400e9;

/** Beyond 2^53 nanoseconds a request's parts would no longer add up. */
function refuseInexact(endNs: number): void {
  if (endNs <= Number.MAX_SAFE_INTEGER) return;
  const days = (ns: number) => Math.floor(ns / DAY_NS);
  throw new ConfigError(
    `workload: expected a run of at most ${days(Number.MAX_SAFE_INTEGER)} days, found ${days(endNs)} days: ` +
      'take fewer with workload.requests, or a horizon with workload.horizonSeconds',
  );
}

const ASSUMPTIONS = [
  "Simulated, for each context of `stepTimes`: a token of one user, and the cycles between two tokens where the slowest region always has one waiting. A step of several users takes the longer of one user's and users x those between tokens; contexts in between are interpolated.",
  'Tokens keep their order in the pipeline of layers, so nobody overtakes: the longest context sets the pace.',
  'Prompt tokens follow each other through the layers as the tokens of decoding users do.',
  'A request takes the KV cache for its prompt and its whole answer when it starts; nobody is preempted.',
  'No prefix is shared between sessions.',
  'Power is the stated system power all the time; it does not fall with the load.',
  'GPUs: an analytic roofline under first come, first served; nothing of their hardware is simulated.',
];

/** Where tokens are drafted. */
const OF_ROUNDS = [
  'Simulated, for each context: a round of one user for each number of tokens that it verifies. A round of many lasts as long as the longest one alone, or as all tokens in flight take to pass the busiest region of the model or of its draft.',
  'How often a drafted token is right is assumed, the same for every text.',
  'GPUs decode without drafts.',
];

export function settingsOf(config: ResolvedConfig): ServingConfig {
  if (config.serving === undefined)
    throw new ConfigError('workload.kind: expected serving, found decode');
  return config.serving;
}

/** The kind, and what overrides its preset. */
function transportSettings({ transport }: ResolvedConfig) {
  const { kind = 'http', compare: _, ...given }: Partial<TransportConfig> = transport ?? {};
  return { kind, given };
}

/** Positions that the longest request needs of those that are served. */
function longestOf({ requests }: RequestSource, maxContext: number): number {
  return requests.reduce((longest, { promptTokens, outputTokens }) => {
    const needed = promptTokens + outputTokens;
    return needed <= maxContext ? Math.max(longest, needed) : longest;
  }, 0);
}

/**
 * Contexts up to the shortest plus a power of two: requests of other lengths then take the same steps,
 * and halving the range meets those of shorter ranges again.
 */
function roundedUp(needed: number, minContext: number, most: number): number {
  if (needed - 1 <= minContext) return needed;
  let span = 1;
  while (minContext + span < needed - 1) span *= 2;
  return Math.min(most, minContext + span + 1);
}

/** Contexts from the shortest on, to that with which the last of `longest` positions is decoded, or its round begins. */
async function gridOf(
  deployment: Deployment,
  { minContext, tolerance }: ServingConfig,
  longest: number,
  work: GridWork,
  cache: GridCache,
): Promise<SimulatedGrid> {
  const high = Math.max(longest - inFlightOf(deployment.config), minContext);
  const low = Math.min(minContext, high);
  const { wafer, model, placement } = deployment.config;
  const { regions } = deployment.placement;
  const { groups } = placement;
  const { engine } = work;
  const { draft } = deployment.placement;
  const drafted = draft && { model: draft.model, regions: draft.placement.regions };
  const { tokens } = deployment.config.workload.speculation ?? {};
  const rounds = tokens === undefined ? {} : { tokens, ...drafted };
  const key = configHash({ wafer, model, regions, groups, low, high, tolerance, engine, rounds });
  const grid = cache.get(key) ?? simulateGrid(deployment, low, high, tolerance, work);
  cache.set(key, grid);
  return grid;
}

const LONG_CONTEXT = 131_072;

/** What one wafer reaches, and what a long context takes, whatever number of wafers there is. */
function reachOf(config: ResolvedConfig): ServingResult['reach'] {
  const { model, wafer } = config;
  const { strategy, growth, mapping, latent } = requestOf(config);
  const request = { strategy, growth, mapping, latent, batch: 1, maxPositions: LONG_CONTEXT };
  const wafers = wafersNeeded(model, wafer, request);
  return {
    oneWafer: longestContext(model, wafer, request, 1) ?? 0,
    wafersFor128k: Number.isFinite(wafers) ? wafers : null,
  };
}

function stepTimesOf(grid: SimulatedGrid, clockHz: number): StepTimesResult {
  const { contexts, aloneCycles, fullCycles, fullUsers, middleError, points } = grid;
  const rounds = points.flatMap((point) => point.rounds ?? []);
  return {
    ...(rounds.length > 0 && {
      roundCycles: rounds[0].alone.map((_, i) => rounds.map(({ alone }) => alone[i])),
      draftSpacingCycles: rounds.map(({ draftSpacing }) => draftSpacing),
    }),
    contexts,
    aloneCycles,
    fullCycles,
    fullUsers,
    aloneTokensPerSecond: aloneCycles.map((cycles) => clockHz / cycles),
    fullTokensPerSecond: fullCycles.map((cycles) => (clockHz * fullUsers) / cycles),
    middleError,
  };
}

export function energyOf(watts: number, { durationSeconds, outputTokens }: Totals) {
  return { watts, joulesPerOutputToken: (watts * durationSeconds) / outputTokens };
}

/** What output tokens cost on so many wafers; nothing where no price is given. */
export function costServed(
  { economics, wafer }: Pick<ResolvedConfig, 'economics' | 'wafer'>,
  systems: number,
  { outputThroughput: tokensPerSecond }: Pick<ServingMetrics, 'outputThroughput'>,
): { cost?: CostResult } {
  const cost = costOfWafers(economics, { systems, watts: wafer.powerWatts, tokensPerSecond });
  return cost ? { cost } : {};
}

type Totals = { durationSeconds: number; outputTokens: number };

/** Both transports on the same requests, if the configuration asks for it. */
function effectOf({ config, source, serve: options }: Prepared) {
  if (!config.transport?.compare) return undefined;
  const { given } = transportSettings(config);
  const firstTokenMs = (transport: Transport) =>
    metricsOf(serve(source.requests, { ...options, transport })).ttftMs.p50;
  const [http, websocket] = [transportOf('http', given), transportOf('websocket', given)];
  return transportEffect(source.requests, http, websocket, firstTokenMs);
}

/**
 * The same requests on the GPUs that the configuration compares with.
 * @param also what else is to be said of what they served
 */
export function gpusOf<More extends object>(
  { config, serve: options }: Pick<Prepared, 'config' | 'serve'>,
  sent: readonly Request[],
  also: (metrics: ServingMetrics) => More,
): (GpuResult & More)[] {
  const { model } = config;
  return config.gpuFiles.flatMap((file) => {
    const { gpu } = readGpu(file);
    const size = sizeOf(model);
    const gpus = gpusNeeded(gpu, size, options.maxContext);
    if (gpus === undefined) return [];
    // A floor made for wafers would leave a GPU with one user; vLLM reads 2,048 prompt tokens a step.
    const policy = POLICIES.fcfs({ ...settingsOf(config), promptTokens: 2048 });
    const stepTime = rooflineStepTime(gpu, size, gpus);
    const kvTokens = rooflineCache(gpu, size, gpus);
    const apart = { rounds: undefined, kvBlock: 1, states: undefined };
    const server = { ...options, policy, stepTime, kvTokens, ...apart };
    const metrics = metricsOf(serve(sent, server));
    const { outputSpeed, outputThroughput, ttftMs, tpotMs, requests } = metrics;
    const energy = energyOf(gpu.systemWatts * gpus, metrics);
    const { completed } = requests;
    const checks = rooflineChecks(gpu);
    const cost = costOfGpus(config.economics, gpu.name, {
      ...{ systems: gpus, watts: gpu.systemWatts, tokensPerSecond: outputThroughput },
    });
    const result = { outputSpeed, outputThroughput, ttftMs, tpotMs, completed, energy, checks };
    const named = { kind: 'analytic' as const, gpu: gpu.name, gpus };
    return [{ ...named, ...result, ...(cost && { cost }), ...also(metrics) }];
  });
}
