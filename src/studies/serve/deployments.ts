/**
 * Several models on one system, as operators run them: each on wafers of its own, and a router that sends every
 * request to the model that it names, or to one by the models' shares. What they serve is reported of each, and of
 * all together.
 */
import type { ResolvedConfig } from '../../config.js';
import { REQUESTS, servingOf } from '../../config/deployments.js';
import { ConfigError } from '../../config/errors.js';
import type { ModelSpec } from '../../model/model.js';
import { parameterCount } from '../../model/operators.js';
import { CapacityError } from '../../placement/placement.js';
import type { DeployedModel, DeploymentsResult } from '../../report/serving-document.js';
import { metricsOf } from '../../serving/metrics.js';
import { routed } from '../../serving/router.js';
import type { ServeResult } from '../../serving/server.js';
import { deploymentOf, type Deployment, type GridWork } from '../steps/step-times.js';
import { requestsOf, type RequestSource } from './requests.js';
import { costServed, energyOf, longestFor, prepare, settingsOf } from './serve.js';
import type { GridCache, Prepared } from './serve.js';

interface Entry {
  scenario: string;
  config: ResolvedConfig;
}

/**
 * Places all deployments, and prepares each with the requests that the router sends it.
 * @param system the whole configuration
 * @param entries the deployments that serve requests
 * @throws CapacityError if the system has too few wafers, ConfigError if nobody says who gets a request
 */
export async function prepareDeployments(
  system: ResolvedConfig,
  entries: readonly Entry[],
  work: GridWork,
  cache: GridCache,
): Promise<Prepared[]> {
  const placed = placeDeployments(system, entries);
  const sources = sourcesOf(system, entries, placed);
  return Promise.all(
    entries.map(async ({ scenario, config }, i) => {
      const given = { deployment: placed[i], source: sources[i] };
      return prepare(scenario, config, work, cache, given);
    }),
  );
}

/** Each on wafers of its own. @throws CapacityError if the system has too few of them */
export function placeDeployments(system: ResolvedConfig, entries: readonly Entry[]): Deployment[] {
  const placed = entries.map(({ config }) => deploymentOf(config));
  refuseTooFew(system, entries, placed);
  return placed;
}

function refuseTooFew(
  system: ResolvedConfig,
  entries: readonly Entry[],
  placed: Deployment[],
): void {
  const { wafers: has } = system.wafer;
  const needed = wafersOf(placed);
  if (has === 'auto' || needed <= has) return;
  const each = entries.map(({ scenario }, i) => `${scenario} ${placed[i].placement.wafers}`);
  throw new CapacityError(
    `deployments need ${needed} wafers (${each.join(', ')}), which does not fit the ${has} of the system; ` +
      `it would fit with hardware.wafers=${needed}, or with fewer bits (model.weightBits of a deployment)`,
  );
}

function wafersOf(placed: readonly Deployment[]): number {
  return placed.reduce((sum, { placement }) => sum + placement.wafers, 0);
}

/** The requests of each: its own, or what the router sends it of those that come to the system. */
function sourcesOf(
  system: ResolvedConfig,
  entries: readonly Entry[],
  placed: readonly Deployment[],
): RequestSource[] {
  const asked = servingOf(system.deployments!);
  const hasOwn = asked.map(({ workload = {} }) => REQUESTS.some((key) => key in workload));
  const longest = entries.map(({ config }, i) => longestFor(config, placed[i]));
  const open = asked.filter((_, i) => !hasOwn[i]);
  const common = open.length === 0 ? undefined : commonOf(system, open, Math.min(...longest));
  return entries.map(({ scenario, config }, i) => {
    if (hasOwn[i]) return requestsOf(config, longest[i]);
    return common!.get(scenario)!;
  });
}

/** @param longest context that sessions grow to, so that each fits whichever model gets it */
function commonOf(
  { workload, ...system }: ResolvedConfig,
  open: readonly { name: string; share?: number }[],
  longest: number,
): Map<string, RequestSource> {
  const source = requestsOf({ workload, ...system }, longest);
  const isNamed = source.requests.every(({ model }) => model !== undefined);
  const shared = open.filter(({ share = 0 }) => share > 0);
  if (!isNamed && shared.length === 0 && open.length > 1)
    throw new ConfigError(
      `deployments: expected a share of each, or workload.trace.model, which says whose a request is, found neither`,
    );
  // The only one that takes requests takes all of them.
  const targets = open.map(({ name, share }) => ({
    name,
    share: share ?? Number(open.length === 1),
  }));
  const stray = source.requests.find(
    ({ model }) => model !== undefined && !open.some(({ name }) => name === model),
  );
  if (stray !== undefined)
    throw new ConfigError(
      `workload.trace: expected requests for deployments without requests of their own (${open.map(({ name }) => name).join(', ')}), found one for ${stray.model}`,
    );
  const lists = routed(source.requests, targets, String(workload.seed));
  return new Map(
    lists.map(({ requests, originals }, i) => {
      const name = `${source.name}, ${requests.length} of ${source.requests.length} requests`;
      return [targets[i].name, { ...source, requests, originals, name }];
    }),
  );
}

/** Where every model lies, and what all served together. */
export function deploymentsResult(
  system: ResolvedConfig,
  prepared: readonly Prepared[],
  runs: readonly ServeResult[],
): DeploymentsResult {
  const placed: DeployedModel[] = [];
  let firstWafer = 0;
  prepared.forEach(({ scenario: name, config, deployment, serve, source }) => {
    const { wafers: all, draft } = deployment.placement;
    const apart = draft === undefined || draft.shared ? 0 : draft.placement.wafers;
    const { kvTokens, maxContext } = serve;
    const requests = source.requests.length;
    const own = { ...named(config.model), firstWafer, wafers: all - apart };
    placed.push({ name, ...own, requests, kvTokens, maxContext });
    const drafting = system.deployments!.find((one) => one.name === name)?.draft;
    if (draft !== undefined && drafting !== undefined) {
      const lies = draft.shared
        ? { firstWafer, wafers: draft.placement.wafers }
        : { firstWafer: firstWafer + all - apart, wafers: apart };
      placed.push({ name: drafting, ...named(draft.model), ...lies, draftsFor: name });
    }
    firstWafer += all;
  });
  const wafers = wafersOf(prepared.map(({ deployment }) => deployment));
  const total = metricsOf(together(runs), settingsOf(system).limits);
  const energy = energyOf(system.wafer.powerWatts * wafers, total);
  const all = { ...total, energy, ...costServed(system, wafers, total) };
  const { wafers: has } = system.wafer;
  return { systemWafers: has === 'auto' ? null : has, wafers, placed, total: all };
}

function named(model: ModelSpec) {
  return { model: model.name, parameters: parameterCount(model) };
}

/** What all served, as if by one. */
export function together(runs: readonly ServeResult[]) {
  const gapsNs = new Float64Array(runs.reduce((sum, { gapsNs: own }) => sum + own.length, 0));
  let at = 0;
  for (const { gapsNs: own } of runs) {
    gapsNs.set(own, at);
    at += own.length;
  }
  return {
    served: runs.flatMap(({ served }) => served),
    gapsNs,
    endNs: Math.max(...runs.map(({ endNs }) => endNs)),
  };
}
