/**
 * A fleet of wafers under a power limit: how many there are, how many copies of a model they hold,
 * how many users those serve at a speed, and how many tokens that makes in a day. Arithmetic on
 * simulated steps; networks, storage, spare systems and repairs are left out.
 */
import { configHash, type ResolvedConfig, type Source } from '../../config.js';
import { scenariosIdentity } from '../../identity.js';
import type { SimulateOptions } from '../../decode/options.js';
import { readGpu } from '../../config/gpu-file.js';
import type { GpuPlanRow } from '../../report/plan-document.js';
import type { CostResult } from '../../serving/cost.js';
import { guessesOf } from '../serve/drafted.js';
import { gpuRows, waferGroup } from '../serve/plan.js';
import { scenariosOf } from '../serve/serve.js';
import { hostOfSteps, withThreads } from '../steps/work.js';
import type { FleetDocument } from './table.js';
import { inFlightOf } from '../../decode/positions.js';
import { parameterCount } from '../../model/operators.js';
import { paceOf } from '../steps/pace.js';
import { siteOf, usersAt, type SiteOptions } from '../steps/site.js';
import { deploymentOf, stepTimes, usersHeld } from '../steps/step-times.js';
import type { GridWork, Point } from '../steps/step-times.js';

export interface FleetOptions extends SiteOptions {
  /** Tokens per second that every user is to have. */
  speed: number;
}

export interface FleetRow {
  scenario: string;
  model: string;
  parameters: number;
  /** Tokens in the cache of every user. */
  context: number;
  wafersPerReplica: number;
  wafers: number;
  replicas: number;
  /** Users of a replica at the speed asked for, and what bounds them. */
  usersPerReplica: number;
  boundBy: 'speed' | 'memory' | 'nothing fits';
  users: number;
  /** Tokens per second of each of these users, and of one user alone on a replica. */
  tokensPerSecondPerUser: number;
  tokensPerSecondAlone: number;
  /** All users together; and the most that full pipelines make, at whatever speed per user. */
  tokensPerDay: number;
  tokensPerDayAtMost: number;
  /** Of the replica's wafers at their stated power; and with the site's share (PUE) on top. */
  joulesPerToken: number;
  joulesPerTokenAtSite: number;
  /** Where prices are given: of all replicas and their tokens. */
  cost?: CostResult;
  /** Clusters of the GPUs that the configuration compares with (`serving.gpus`), at the same context and speed. */
  gpus?: GpuPlanRow[];
  /** Where tokens are drafted: the chances that the speeds above assume. */
  assumedAcceptance?: readonly number[];
}

/**
 * The fleet of every scenario of a configuration, which was loaded from `path` and `sets`.
 * @throws CapacityError if a model does not fit, ConfigError if its mapping cannot serve
 */
export async function fleet(
  config: ResolvedConfig,
  { path, sets }: Source,
  limits: FleetOptions,
  options: SimulateOptions & Pick<GridWork, 'steps'>,
): Promise<FleetDocument> {
  const begun = options.now();
  const all = scenariosOf(config, path, sets);
  const rows = await withThreads(options, async (work) => {
    // Scenarios that differ in transport or scheduling only are the same fleet.
    const known = new Map<string, Promise<FleetRow>>();
    return Promise.all(
      all.map(async ({ scenario, config }) => {
        const { model, wafer, workload, placement, mapping, latent } = config;
        const { context, tokens, batch } = workload;
        const asked = { placement, mapping, ...(latent && { latent }) };
        const { speculation } = workload;
        const drafted = speculation && { speculation, policy: config.serving?.speculation };
        const { economics, gpuFiles } = config;
        const priced = { ...(economics && { economics }), gpuFiles };
        const of = { model, wafer, context, tokens, batch, ...asked, ...drafted, ...priced };
        const key = configHash(of);
        const row = known.get(key) ?? fleetRow(scenario, config, limits, work);
        known.set(key, row);
        return { ...(await row), scenario };
      }),
    );
  });
  const identity = scenariosIdentity(config, all, limits);
  const host = hostOfSteps(options, begun);
  return { schema: 'wafersim.fleet/1', ...identity, ...limits, rows, host };
}

/** Simulates a step at `workload.context`. */
export async function fleetRow(
  scenario: string,
  config: ResolvedConfig,
  { megawatts, pue, speed }: FleetOptions,
  work: GridWork,
): Promise<FleetRow> {
  const { wafer, model, workload } = config;
  const deployment = deploymentOf(config);
  const { placement } = deployment;
  const { context } = workload;
  const point = await stepTimes(deployment, context, work);
  const guesses = guessesOf(config);
  const speedOf = (users: number) => wafer.clockHz / paceOf(point, users, guesses);
  const byMemory = usersHeld(deployment, context + inFlightOf(config));
  const served = usersAt(speedOf, speed, byMemory);
  const group = waferGroup(config, placement.wafers, { pue });
  const site = siteOf({ megawatts, pue }, group, served);
  const asked = { megawatts, pue, floor: speed, guesses };
  const gpus = config.gpuFiles.flatMap((file) =>
    gpuRows(config, readGpu(file).gpu, context, asked),
  );
  return {
    scenario,
    model: model.name,
    parameters: parameterCount(model),
    context,
    wafersPerReplica: placement.wafers,
    wafers: site.machines,
    replicas: site.groups,
    usersPerReplica: served.users,
    boundBy: served.boundBy,
    users: site.users,
    tokensPerSecondPerUser: served.tokensPerSecondPerUser,
    tokensPerSecondAlone: speedOf(1),
    tokensPerDay: site.tokensPerDay,
    tokensPerDayAtMost: site.groups * mostPerSecond(point, byMemory, wafer.clockHz) * 86_400,
    joulesPerToken: site.joulesPerToken,
    joulesPerTokenAtSite: site.joulesPerTokenAtSite,
    ...(site.cost && { cost: site.cost }),
    ...(gpus.length > 0 && { gpus }),
    ...(guesses && { assumedAcceptance: guesses.chances }),
  };
}

/** Tokens per second of a replica at most: one token of each user that fits in the time of one alone, or full pipelines. */
function mostPerSecond({ alone, spacing }: Point, byMemory: number, clockHz: number): number {
  return Math.min(clockHz / spacing, (byMemory * clockHz) / alone);
}
