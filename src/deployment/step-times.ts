/**
 * Step times by simulation, for serving: one placement serves all contexts, so each context is
 * simulated on it with one user in flight and with the layers full, and contexts are halved until what
 * lies between them is interpolated well enough.
 */
import type { ResolvedConfig } from '../config.js';
import { mostThat, regionBytes } from '../placement/budget.js';
import type { Placement } from '../placement/placement.js';
import type { StepGrid } from '../serving/step-time.js';
import { ENGINES } from '../engine/engines.js';
import { placementOf, simulateSteps, type SimulateOptions } from '../simulate.js';

/** A model on its wafers, ready to serve. */
export interface Deployment {
  config: ResolvedConfig;
  placement: Placement;
  /** Positions of the KV cache for all users together: what the layers' cores have room for. */
  kvTokens: number;
  /** Longest context of one user: the model's, or what the cache holds. */
  maxContext: number;
}

/**
 * Places a configuration to serve with; the placement is that of `run`, made for the contexts and
 * users of `workload`. Throws CapacityError if the model does not fit.
 */
export function deploymentOf(config: ResolvedConfig): Deployment {
  const { model, wafer } = config;
  const placement = placementOf(config);
  const layers = placement.regions.filter(({ kind }) => kind === 'layer');
  const fits = (positions: number) =>
    layers.every(
      ({ height, width }) =>
        regionBytes('layer', model, positions, height, width, wafer) <= wafer.core.sramBytes,
    );
  const kvTokens = mostThat(fits, 1, 2 ** 31) ?? 0;
  return { config, placement, kvTokens, maxContext: Math.min(model.maxContext, kvTokens) };
}

/**
 * Cycles between two tokens of each of `users` users, all with `context` tokens in the cache. Room for
 * all their caches is not asked for: a prompt's tokens share one.
 */
export async function stepCycles(
  { config, placement }: Deployment,
  context: number,
  users: number,
  options: SimulateOptions,
): Promise<number> {
  const workload = { ...config.workload, context, batch: users, tokens: 1, data: false };
  const engine = ENGINES[options.engine];
  const { timing } = await simulateSteps({ ...config, workload }, placement, engine, options);
  return timing.cycles;
}

export interface SimulatedGrid extends StepGrid {
  aloneCycles: number[];
  /** Cycles of a round of `fullUsers` users, who fill the layers. */
  fullCycles: number[];
  fullUsers: number;
  /** Largest error, as a share, of the interpolation at a middle before that was simulated too. */
  middleError: number;
}

interface Point {
  context: number;
  alone: number;
  full: number;
}

/** More contexts are not simulated, however rough the times between them. */
const MOST_CONTEXTS = 17;

/** Simulates steps for contexts from `low` to `high`, until a middle is within `tolerance` of a line. */
export async function simulateGrid(
  deployment: Deployment,
  low: number,
  high: number,
  tolerance: number,
  options: SimulateOptions,
): Promise<SimulatedGrid> {
  const { clockHz } = deployment.config.wafer;
  const fullUsers = deployment.placement.regions.length;
  const simulatePoint = async (context: number): Promise<Point> => ({
    context,
    alone: await stepCycles(deployment, context, 1, options),
    full: await stepCycles(deployment, context, fullUsers, options),
  });
  const points = [await simulatePoint(low)];
  if (high > low) points.push(await simulatePoint(high));
  let middleError = 0;
  const open: [Point, Point][] = points.length > 1 ? [[points[0], points[1]]] : [];
  while (open.length > 0 && points.length < MOST_CONTEXTS) {
    const [left, right] = open.shift()!;
    const context = Math.floor((left.context + right.context) / 2);
    if (context === left.context) continue;
    const middle = await simulatePoint(context);
    points.push(middle);
    const error = middleErrorOf(left, middle, right);
    if (error > tolerance) open.push([left, middle], [middle, right]);
    else middleError = Math.max(middleError, error);
  }
  points.sort((a, b) => a.context - b.context);
  const ns = (cycles: number) => (cycles / clockHz) * 1e9;
  return {
    contexts: points.map(({ context }) => context),
    aloneCycles: points.map(({ alone }) => alone),
    fullCycles: points.map(({ full }) => full),
    fullUsers,
    aloneNs: points.map(({ alone }) => ns(alone)),
    intervalNs: points.map(({ full }) => ns(full) / fullUsers),
    middleError,
  };
}

/** How far the middle lies from the line between its neighbours, as a share of itself. */
function middleErrorOf(left: Point, middle: Point, right: Point): number {
  const at = (middle.context - left.context) / (right.context - left.context);
  const off = (of: 'alone' | 'full') =>
    Math.abs((left[of] + at * (right[of] - left[of])) / middle[of] - 1);
  return Math.max(off('alone'), off('full'));
}
