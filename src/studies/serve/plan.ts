/**
 * What a planner asks of a served model: what it takes to give one user so many tokens per second, how many users a
 * group of wafers serves at that speed, for how many joules a token, and what a site with so much power serves, next
 * to clusters of GPUs. Arithmetic on simulated steps and rounds; of GPUs on a roofline.
 */
import type { ResolvedConfig } from '../../config.js';
import { readGpu } from '../../config/gpu-file.js';
import { inFlightOf } from '../../decode/positions.js';
import { leastAcceptance } from '../../numeric/acceptance.js';
import type { GpuPlanRow, PlanResult, PlanRow } from '../../report/plan-document.js';
import { costOfGpus, costOfWafers, type CostedLoad, type Economics } from '../../serving/cost.js';
import { gpusNeeded, rooflineCache, rooflineStepTime } from '../../serving/roofline.js';
import type { GpuSpec, ModelSize } from '../../serving/roofline.js';
import { chosenRound, type Rounds } from '../../serving/rounds.js';
import { paceOf, roundOf, type Guesses } from '../steps/pace.js';
import { siteOf, usersAt, type Group, type SiteOptions } from '../steps/site.js';
import { usersHeld, type Deployment, type Point, type SimulatedGrid } from '../steps/step-times.js';
import { sizeOf } from './model-size.js';

interface Asked extends SiteOptions {
  /** Tokens per second that every user is to have. */
  floor: number;
  guesses: Guesses | undefined;
}

/** The plan of a deployment whose steps are simulated. */
export function planOf(
  deployment: Deployment,
  { points }: SimulatedGrid,
  asked: Asked,
): PlanResult {
  const { config, placement } = deployment;
  const { floor, megawatts, pue, guesses } = asked;
  const sorted = some(points.toSorted((a, b) => a.context - b.context));
  const { context } = sorted.at(-1)!;
  return {
    floor,
    megawatts,
    pue,
    wafers: placement.wafers,
    watts: placement.wafers * config.wafer.powerWatts,
    ...(guesses && { assumedAcceptance: guesses.chances }),
    rows: sorted.map((point) => rowOf(deployment, point, asked)),
    gpuContext: context,
    gpus: config.gpuFiles.flatMap((file) => gpuRows(config, readGpu(file).gpu, context, asked)),
  };
}

/** Rows of a plan at most. */
const MOST_ROWS = 5;

/** The first, the last, and as many between them as a reader takes in. */
function some(points: Point[]): Point[] {
  if (points.length <= MOST_ROWS) return points;
  const last = points.length - 1;
  return Array.from(
    { length: MOST_ROWS },
    (_, i) => points[Math.round((i * last) / (MOST_ROWS - 1))],
  );
}

function rowOf(deployment: Deployment, point: Point, asked: Asked): PlanRow {
  const { config, placement } = deployment;
  const { floor, guesses } = asked;
  const { clockHz } = config.wafer;
  const speedOf = (users: number) => clockHz / paceOf(point, users, guesses);
  const byMemory = usersHeld(deployment, point.context + inFlightOf(config));
  const served = usersAt(speedOf, floor, byMemory);
  const group = waferGroup(config, placement.wafers, asked);
  const { tokens, emitted } = roundOf(point, 1, guesses);
  return {
    context: point.context,
    plainTokensPerSecond: clockHz / point.alone,
    tokensPerSecondAlone: speedOf(1),
    verified: tokens,
    emitted,
    acceptanceForFloor: leastAcceptance(point.rounds?.alone ?? [point.alone], clockHz / floor),
    heldUsers: byMemory,
    ...served,
    site: siteOf(asked, group, served),
  };
}

/** Wafers that serve a model, at a site with its own share of power (PUE). */
export function waferGroup(
  { economics, wafer }: Pick<ResolvedConfig, 'economics' | 'wafer'>,
  machines: number,
  { pue }: Pick<SiteOptions, 'pue'>,
): Group {
  const costOf = (load: CostedLoad) => costOfWafers(economics && { ...economics, pue }, load);
  return { machines, watts: wafer.powerWatts, costOf };
}

/** GPUs of a server. */
const SERVER = 8;

/** The fewest that hold the model and one user, and a whole server or as many servers as it takes. */
export function gpuRows(
  { model, economics }: ResolvedConfig,
  gpu: GpuSpec,
  context: number,
  asked: Asked,
): GpuPlanRow[] {
  const size = sizeOf(model);
  const fewest = gpusNeeded(gpu, size, context + 1);
  if (fewest === undefined) return [];
  const counts = [...new Set([fewest, Math.max(SERVER, fewest)])];
  return counts.map((gpus) => gpuRow(economics, gpu, size, gpus, context, asked));
}

/**
 * The same of GPUs. Where the wafers are given guesses so are they, drafted in no time, which no GPU does: what they
 * are short of is not the draft.
 */
function gpuRow(
  economics: Economics | undefined,
  gpu: GpuSpec,
  size: ModelSize,
  gpus: number,
  context: number,
  asked: Asked,
): GpuPlanRow {
  const { floor, guesses } = asked;
  const step = rooflineStepTime(gpu, size, gpus);
  const contexts = (users: number) => ({ mean: context, max: context, total: users * context });
  const rounds: Rounds = {
    tokens: 1 + (guesses?.chances.length ?? 0),
    ...(guesses ?? { chances: [], policy: 'fixed' }),
    seed: '',
    roundTime: (users, tokens, _, of) => step(users * tokens, of),
  };
  const speedOf = (users: number) => {
    const { ns, emitted } = chosenRound(rounds, users, 0, contexts(users));
    return (1e9 * emitted) / ns;
  };
  const byMemory = Math.floor(rooflineCache(gpu, size, gpus) / (context + rounds.tokens));
  const atFloor = usersAt(speedOf, floor, byMemory);
  // Who does not reach the floor serves as many users as memory holds, each at what speed that is.
  const full = { users: byMemory, tokensPerSecondPerUser: speedOf(byMemory) };
  const costOf = (load: CostedLoad) =>
    costOfGpus(economics && { ...economics, pue: asked.pue }, gpu.name, load);
  const group = { machines: gpus, watts: gpu.systemWatts, costOf };
  return {
    kind: 'analytic',
    gpu: gpu.name,
    gpus,
    tokensPerSecondAlone: speedOf(1),
    ...atFloor,
    site: siteOf(asked, group, atFloor),
    full: { ...full, site: siteOf(asked, group, full) },
  };
}
