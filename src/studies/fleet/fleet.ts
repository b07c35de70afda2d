/**
 * A fleet of wafers under a power limit: how many there are, how many copies of a model they hold,
 * how many users those serve at a speed, and how many tokens that makes in a day. Arithmetic on
 * simulated steps; networks, storage, spare systems and repairs are left out.
 */
import { configHash, type ResolvedConfig, type Source } from '../../config.js';
import { scenariosIdentity } from '../../identity.js';
import type { SimulateOptions } from '../../decode/options.js';
import { scenariosOf } from '../serve/serve.js';
import { hostOfSteps, withThreads } from '../steps/work.js';
import type { FleetDocument } from './table.js';
import { countable } from '../../decode/countable.js';
import { parameterCount } from '../../model/operators.js';
import { cyclesOf, deploymentOf, stepTimes, usersHeld } from '../steps/step-times.js';
import type { GridWork } from '../steps/step-times.js';

export interface FleetOptions {
  megawatts: number;
  /** Power of the whole site over that of its systems, at least 1. */
  pue: number;
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
        const key = configHash({ model, wafer, context, tokens, batch, ...asked });
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
  const { alone, spacing: interval } = point;
  const limit = wafer.clockHz / speed;
  const bySpeed = alone > limit ? 0 : Math.floor(limit / interval);
  const byMemory = usersHeld(deployment, context + 1);
  const usersPerReplica = Math.min(bySpeed, byMemory);
  const wafers = countable(Math.floor((megawatts * 1e6) / pue / wafer.powerWatts), 'wafers');
  const replicas = Math.floor(wafers / placement.wafers);
  const step = cyclesOf(point, usersPerReplica);
  const users = countable(replicas * usersPerReplica, 'users');
  const perUser = usersPerReplica > 0 ? wafer.clockHz / step : 0;
  const joulesPerToken = (placement.wafers * wafer.powerWatts) / (usersPerReplica * perUser);
  const most = Math.min(wafer.clockHz / interval, (byMemory * wafer.clockHz) / alone);
  return {
    scenario,
    model: model.name,
    parameters: parameterCount(model),
    context,
    wafersPerReplica: placement.wafers,
    wafers,
    replicas,
    usersPerReplica,
    boundBy: usersPerReplica === 0 ? 'nothing fits' : byMemory < bySpeed ? 'memory' : 'speed',
    users,
    tokensPerSecondPerUser: perUser,
    tokensPerSecondAlone: wafer.clockHz / alone,
    tokensPerDay: users * perUser * 86_400,
    tokensPerDayAtMost: replicas * most * 86_400,
    joulesPerToken,
    joulesPerTokenAtSite: joulesPerToken * pue,
  };
}
