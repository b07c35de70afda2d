/**
 * Step times by simulation, for serving: one placement serves all contexts, so a step of each context
 * is simulated on it, and contexts are halved until what lies between them is interpolated well enough.
 * A step says how long a token of one user takes, and how closely those of others can follow it.
 */
import type { ResolvedConfig } from '../../config.js';
import { mostThat, regionBytes } from '../../placement/budget.js';
import { hasAttention, isOfLayer } from '../../mapping/mapping.js';
import type { Placement } from '../../placement/placement.js';
import type { AttentionSpec } from '../../model/attention-spec.js';
import { attendingToAll, spanOf } from '../../model/cache-slots.js';
import { stepKey, type StepCache } from './step-cache.js';
import { proxy, type Remote } from 'comlink';
import type { InTurn } from './turns.js';
import { isForThreads } from './work.js';
import type { Simulations } from './worker.js';
import type { RoundGrid } from '../../serving/rounds.js';
import type { StepGrid } from '../../serving/step-time.js';
import type { LineCycles } from '../../decode/groups.js';
import { checkRun } from '../../decode/refusals.js';
import { inFlightOf } from '../../decode/positions.js';
import { draftConfigOf } from '../../decode/speculation/draft.js';
import { timeRounds, type RoundPoint } from '../../decode/speculation/time-rounds.js';
import { timeDecodeStep, type StepProgress } from '../../decode/time-step.js';
import { placementOf, servedReplicas } from '../../decode/place.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';

/** A model on its wafers. */
export interface Placed {
  config: ResolvedConfig;
  placement: Placement;
  /** What is known about the machine's lines (see groups.ts). */
  lines: LineCycles;
}

/** A model on its wafers, ready to serve. */
export interface Deployment extends Placed {
  /** Positions of the KV cache for all users together: what the layers' cores have room for. */
  kvTokens: number;
  /** Positions that a user takes together: one per row of a region. */
  kvBlock: number;
  /** Users whose states the layers with gated delta nets hold, and whose windows where those count apart; none without. */
  states?: number;
  /** Longest context of one user: the model's, or what the cache holds. */
  maxContext: number;
}

/**
 * Places a configuration to serve with; the placement is that of `run`, made for the contexts and
 * users of `workload`, but with `servedReplicas`. Throws CapacityError if the model does not fit, ConfigError if
 * its mapping cannot serve.
 */
export function deploymentOf(given: ResolvedConfig): Deployment {
  const kvReplicas = servedReplicas(given.placement.kvReplicas);
  const config = { ...given, placement: { ...given.placement, kvReplicas } };
  const { model } = config;
  checkRun(config, 'serving');
  const placement = placementOf(config);
  const models = modelsOf({ config, placement });
  // A draft keeps the same positions, in blocks of its own.
  const kvBlock = Math.max(...models.map((one) => cachesOf(one.placement)[0].height));
  const { kvTokens, states } = poolOf(models);
  const maxContext = Math.min(model.maxContext, kvTokens);
  const held = { kvTokens, kvBlock, ...(states !== undefined && { states }) };
  return { config, placement, ...held, maxContext, lines: new Map() };
}

/** The model, and the one that drafts for it if there is one: both keep the caches of all users. */
function modelsOf({ config, placement }: Pick<Placed, 'config' | 'placement'>) {
  const own = { config, placement };
  const draft = draftConfigOf(config);
  if (draft === undefined || placement.draft === undefined) return [own];
  return [own, { config: draft, placement: placement.draft.placement }];
}

type Models = ReturnType<typeof modelsOf>;

/**
 * What the layers' cores have room for: positions for all users together, and users, each of whom takes what does not
 * grow with its context. A window counts either as whole a context as other layers keep, however long ago it has lost
 * sight of a position, or whole for each user, whatever its context: whichever holds more users of the longest one.
 */
function poolOf(models: Models): { kvTokens: number; states: number | undefined } {
  const whole = models.map(({ config, ...one }) => {
    return { ...one, config: { ...config, model: attendingToAll(config.model) } };
  });
  const longest = Math.min(models[0].config.model.maxContext, positionsHeld(models));
  const states = usersOf(
    keeping(models, ({ kind }) => kind === 'delta'),
    longest,
  );
  const together = { kvTokens: positionsHeld(whole), states };
  const windows = usersOf(
    keeping(models, (one) => spanOf(one).kind !== 'full'),
    longest,
  );
  const others = keeping(models, (one) => spanOf(one).kind === 'full');
  if (windows === undefined || !hasCaches(others)) return together;
  const apart = {
    kvTokens: positionsHeld(others),
    states: Math.min(windows, states ?? Infinity),
  };
  const users = (of: typeof together) =>
    Math.min(Math.floor(of.kvTokens / longest), of.states ?? Infinity);
  return users(apart) > users(together) ? apart : together;
}

/** Users that layers have room for, at this context; undefined if they are none. */
function usersOf(models: Models, positions: number): number | undefined {
  if (!hasCaches(models)) return undefined;
  return mostThat((users) => holdCaches(models, positions, users), 1, 2 ** 31) ?? 0;
}

function positionsHeld(models: Models): number {
  return mostThat((positions) => holdCaches(models, positions, 1), 1, 2 ** 31) ?? 0;
}

/** The models with those of their layers alone whose attention is such. */
function keeping(models: Models, isSuch: (attention: AttentionSpec) => boolean): Models {
  return models.map(({ config, placement }) => {
    const { kinds } = config.model;
    const regions = placement.regions.filter(
      (region) => isOfLayer(region) && isSuch(kinds[region.layerKind].attention),
    );
    return { config, placement: { ...placement, regions } };
  });
}

function hasCaches(models: Models): boolean {
  return models.some(({ placement }) => cachesOf(placement).length > 0);
}

/** Users whose caches of `positions` each the deployment holds. */
export function usersHeld(deployment: Deployment, positions: number): number {
  const models = modelsOf(deployment);
  const fits = (users: number) => holdCaches(models, positions, users);
  return mostThat(fits, 1, 2 ** 31) ?? 0;
}

function holdCaches(models: Models, maxPositions: number, batch: number): boolean {
  return models.every(({ config, placement }) =>
    holdsCaches(config, placement, maxPositions, batch),
  );
}

/** Regions that keep caches. */
function cachesOf({ regions }: Placement) {
  return regions.filter(({ kind }) => hasAttention(kind));
}

/** Whether the cores of all layers have room for so many users' caches. */
function holdsCaches(
  config: ResolvedConfig,
  placement: Placement,
  maxPositions: number,
  batch: number,
): boolean {
  const { model, wafer, mapping } = config;
  const drafted = config.workload.speculation && { inFlight: inFlightOf(config) };
  const kept = { mapping, maxPositions, batch, ...drafted };
  return cachesOf(placement).every((region) => {
    const { width, height } = region;
    return regionBytes(region, model, wafer, kept, height, width) <= wafer.core.sramBytes;
  });
}

/** Where a grid's work is reported, and what it has in common with other work on the same machine. */
export interface GridWork extends SimulateOptions {
  progress?: StepProgress;
  /** Steps that are known; without it each is simulated. */
  steps?: StepCache | undefined;
  /** When a step is simulated, if others are too; at once without it. */
  inTurn?: InTurn<Simulations>;
}

/** Simulated steps of one context. */
export interface Point {
  context: number;
  /** Cycles of a token, one user in flight. */
  alone: number;
  /** Cycles between two tokens of any users, with the layers full, of a round of so many users. */
  spacing: number;
  /** Where tokens are drafted: rounds of one user by the tokens that they verify, and the draft's own spacing. */
  rounds?: Pick<RoundPoint, 'alone' | 'draftSpacing' | 'rows'>;
}

/**
 * A step with `context` tokens in the cache, simulated unless `work.steps` knows it. Room for the caches
 * of all users who fill the layers is not asked for: a prompt's tokens share one.
 */
export async function stepTimes(placed: Placed, context: number, work: GridWork): Promise<Point> {
  const { steps, inTurn = (now) => now() } = work;
  const { config, placement } = placed;
  const progress = work.progress && proxy(work.progress);
  const there = async (thread: Remote<Simulations>) =>
    thread.step(config, placement, context, progress);
  const simulate = async () =>
    inTurn(
      async () => simulateStep(placed, context, work),
      isForThreads(work, placement) ? there : undefined,
    );
  if (steps === undefined) return simulate();
  return steps.once(stepKey(placed, { context }, work, steps.code), simulate);
}

/** The same, on this thread and without looking for it among known ones. */
export async function simulateStep(
  { config, placement, lines }: Placed,
  context: number,
  { progress, ...options }: GridWork,
): Promise<Point> {
  return withRunner(options, async (shared) => {
    if (config.workload.speculation === undefined) {
      const step = await timeDecodeStep(config, placement, context, lines, shared, progress);
      return { context, alone: step.alone, spacing: step.spacing };
    }
    const point = await timeRounds(config, placement, context, lines, shared, progress);
    const { alone, spacing, ...rounds } = point;
    return { context, alone: alone[0], spacing, rounds: { alone, ...rounds } };
  });
}

/** Cycles between two tokens of each of `users` users. */
export function cyclesOf({ alone, spacing }: Pick<Point, 'alone' | 'spacing'>, users: number) {
  return Math.max(alone, users * spacing);
}

export interface SimulatedGrid
  extends StepGrid, Partial<Pick<RoundGrid, 'roundNs' | 'draftIntervalNs'>> {
  aloneCycles: number[];
  /** Cycles of a round of `fullUsers` users, who fill the layers. */
  fullCycles: number[];
  fullUsers: number;
  /**
   * Largest relative interpolation error, measured at every midpoint that was also simulated and whose
   * halves were not refined further.
   */
  middleError: number;
  /** What was simulated, by context. */
  points: Point[];
}

/** More contexts are not simulated, however rough the times between them. */
const MOST_CONTEXTS = 17;

/**
 * Simulates steps for contexts from `low` to `high`, until a middle is within `tolerance` of a line.
 * Contexts that are known to be needed are simulated at once, on all threads.
 */
export async function simulateGrid(
  deployment: Deployment,
  low: number,
  high: number,
  tolerance: number,
  work: GridWork,
): Promise<SimulatedGrid> {
  const simulate = (contexts: number[]) =>
    Promise.all(contexts.map(async (context) => stepTimes(deployment, context, work)));
  // The first middle is always simulated, so it need not wait for the ends.
  const points = await simulate([...new Set([low, middleOf(low, high), high])]);
  let middleError = 0;
  let open: [Point, Point, Point][] =
    points.length === 3 ? [[points[0], points[1], points[2]]] : [];
  while (open.length > 0) {
    const rough: { left: Point; right: Point; at: number; error: number }[] = [];
    for (const [left, middle, right] of open) {
      const error = middleErrorOf(left, middle, right);
      if (error <= tolerance) middleError = Math.max(middleError, error);
      else
        for (const [a, b] of [
          [left, middle],
          [middle, right],
        ])
          rough.push({ left: a, right: b, at: middleOf(a.context, b.context), error });
    }
    // Between two contexts next to each other there is nothing to interpolate.
    const halves = rough.filter(({ left, at }) => at > left.context);
    const next = halves.slice(0, MOST_CONTEXTS - points.length);
    for (const { error } of halves.slice(next.length)) middleError = Math.max(middleError, error);
    const middles = await simulate(next.map(({ at }) => at));
    points.push(...middles);
    open = next.map(({ left, right }, i) => [left, middles[i], right]);
  }
  return gridOf(deployment, points, middleError);
}

function middleOf(low: number, high: number): number {
  return Math.floor((low + high) / 2);
}

function gridOf(
  { config, placement }: Deployment,
  unordered: Point[],
  middleError: number,
): SimulatedGrid {
  const points = unordered.toSorted((a, b) => a.context - b.context);
  const fullUsers = placement.regions.length;
  const ns = (cycles: number) => (cycles / config.wafer.clockHz) * 1e9;
  return {
    contexts: points.map(({ context }) => context),
    aloneCycles: points.map(({ alone }) => alone),
    fullCycles: points.map((point) => cyclesOf(point, fullUsers)),
    fullUsers,
    aloneNs: points.map(({ alone }) => ns(alone)),
    intervalNs: points.map(({ spacing }) => ns(spacing)),
    ...roundsOf(points, ns),
    middleError,
    points,
  };
}

/** Rounds by the tokens that they verify, where tokens are drafted. */
function roundsOf(points: readonly Point[], ns: (cycles: number) => number) {
  const rounds = points.flatMap((point) => point.rounds ?? []);
  if (rounds.length === 0) return {};
  return {
    roundNs: rounds[0].alone.map((_, i) => rounds.map(({ alone }) => ns(alone[i]))),
    draftIntervalNs: rounds.map(({ draftSpacing }) => ns(draftSpacing)),
  };
}

/** How far the middle lies from the line between its neighbours, as a share of itself. */
function middleErrorOf(left: Point, middle: Point, right: Point): number {
  const at = (middle.context - left.context) / (right.context - left.context);
  const off = (of: (point: Point) => number) =>
    Math.abs((of(left) + at * (of(right) - of(left))) / of(middle) - 1);
  const longest = ({ alone, rounds }: Point) => rounds?.alone.at(-1) ?? alone;
  return Math.max(
    off(({ alone }) => alone),
    off(({ spacing }) => spacing),
    off(longest),
  );
}
