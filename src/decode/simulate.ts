/**
 * A run: placement, lowering, stages, tokens, document. Everything outside `host` of the document is a
 * function of the configuration alone.
 */
import type { ResolvedConfig } from '../config.js';
import type { StepPlan } from '../lowering/lowering.js';
import type { Step } from '../lowering/region.js';
import type { Placement } from '../placement/placement.js';
import type {
  PlacementResult,
  RoutingResult,
  RunDocument,
  StepResult,
} from '../report/document.js';
import { numbersOf, stepBeginner, type StepOf } from './begin.js';
import { createComputing, type Begun } from './computing.js';
import { loweredOf } from './lowered.js';
import { operationsOfStep } from './core-operations.js';
import { pathOfStep } from './critical-path.js';
import { firstPosition, inFlightOf, roomOf } from './positions.js';
import { hostOf, spentSince, spentSoFar, withRunner, type SimulateOptions } from './options.js';
import { memoized } from './memo.js';
import { runDocument, type Simulated } from './run-document.js';
import { routingResult, type LayerSlots, type Routing } from './routing.js';
import { stepTimer } from './routing-spread.js';
import type { Runner } from './runner.js';
import { createStageRunner, reuseOf, runOn } from './stages.js';
import { checkTraceCores } from './trace-cores.js';
import type { StageRunner } from './stages.js';
import { draftConfigOf } from './speculation/draft.js';
import { drafterOf, type PlacedDraft } from './speculation/drafter-of.js';
import { createRoundTimer } from './speculation/timer.js';
import { speculate } from './speculation/speculate.js';
import type { ComputedRound } from './speculation/verify.js';
import { timeTokens, type TimedStep } from './step.js';

/**
 * Simulates the decode steps of a placed configuration.
 * @param placed what the finder of the placement (a search, say) adds to the document's `placement`
 * @param path whether the critical path is followed, which takes a tenth of a run
 * @throws CapacityError if there are not enough colours for the hand-offs, MachineError if the simulated
 *   machine fails
 */
export async function simulatePlaced(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions,
  {
    placed = {},
    begun = options.now(),
    path = true,
  }: { placed?: Partial<PlacementResult>; begun?: number; path?: boolean } = {},
): Promise<RunDocument> {
  const run = await simulateSteps(config, placement, options, { path });
  const host = { ...hostOf(options, begun), ...run.spent };
  return runDocument(config, placement, run, { placed, host });
}

/** What of a run's steps is asked for besides their times. */
interface Asked {
  path?: boolean;
  /** What was sent over the fabric, and the cycles of special functions; all are 0 without. */
  counts?: boolean;
}

/** The steps alone, without the document around them. */
export function simulateSteps(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions,
  asked?: Asked,
): Promise<Simulated> {
  return withRunner(options, (own) => stepsOf(config, placement, own, asked));
}

async function stepsOf(
  config: ResolvedConfig,
  placement: Placement,
  options: SimulateOptions & { runner: Runner },
  { path: withPath = false, counts = true }: Asked = {},
): Promise<Simulated> {
  const { wafer, workload } = config;
  const maxPositions = roomOf(config);
  const { shared, runner: programs, onProgress, onDetail, traceCores = [] } = options;
  checkTraceCores(traceCores, wafer, placement);
  const memo = memoized(options.memo);
  const before = spentSoFar(programs);
  const cores = placement.regions.map(({ width, height }) => width * height);
  // By lines nothing is left for threads, or so little that it can wait for them.
  if (memo.lines === undefined) await programs.expect(Math.max(...cores));
  const lowered = await loweredOf(config, placement, maxPositions, programs, shared);
  const { routing } = lowered;
  const stepOf = (context: number): Step => ({ context, maxPositions, users: workload.batch });
  const runner = createStageRunner({
    ...{ wafer, shared, memo: memo.stages },
    run: runOn(programs, wafer, memo.lines),
    made: programs.lines.made,
  });
  const numbers = workload.data ? numbersOf(config, lowered, roundsOf(config, stepOf)) : undefined;
  const computing = numbers && createComputing(config, numbers, runner, options);
  const plainly = stepBeginner(lowered, stepOf, runner, programs, () => computing);
  await computing?.takePrompt(plainly);
  const rounds =
    computing && inFlightOf(config) > 1
      ? await computing.takeRounds(
          plainly,
          await drafterOf(config, numbers, placedDraft(config, placement), options),
        )
      : undefined;
  const emitted = rounds && emittedOf(rounds);
  const begin = emitted ? stepBeginner(lowered, stepOf, runner, programs, () => emitted) : plainly;
  const first = firstPosition(config);
  const steps: StepResult[] = [];
  /** Of each step what a token takes of a user alone. */
  const alone: number[] = [];
  let timed!: TimedStep;
  let last!: Begun;
  for (let step = 0, isLast = false; !isLast; step++) {
    const begun = await begin(first + step, step);
    const token = emitted ? emitted.tokens[step] : await computing?.step(begun, first + step);
    const stops = token !== undefined && workload.stop?.includes(token) === true;
    isLast = stops || step === workload.tokens - 1;
    last = begun;
    timed = await timeTokens(config, runner, begun, options, { step, isLast, counts });
    alone.push(timed.cyclesAlone ?? timed.timing.cycles);
    steps.push({ cycles: timed.timing.cycles, ...(token !== undefined && { token }) });
  }
  const counters = { ...runner, reuse: reuseOf(runner) };
  const found = routing && {
    routing: computing
      ? routingResult(routing, computing.choices())
      : await spreadOver(config, { ...lowered, routing }, { ...last, ...timed }, runner, options),
  };
  const speculation =
    workload.speculation &&
    !options.withoutRounds &&
    (await speculate(config, {
      timer: await createRoundTimer(config, placement, {
        ...{ plan: lowered.plan, maxPositions, programs, memo: options.memo },
        lines: shared?.lines,
        users: workload.batch,
      }),
      computed: rounds?.map(({ drafted, accepted }) => ({ drafted: drafted.length, accepted })),
      plainAt: (done) => alone[Math.min(done, alone.length - 1)],
      onProgress: (done) => onProgress?.({ done, total: workload.tokens, what: 'rounds' }),
    }));
  const lastStep = { plan: last.plan, stages: last.stages, ...timed };
  const path = withPath ? await pathOfStep(runner, programs, lastStep) : undefined;
  if (onDetail && timed.detail) {
    const operations =
      traceCores.length > 0 && (await operationsOfStep(runner, programs, lastStep, traceCores));
    onDetail({ ...timed.detail, ...(operations && { operations }) });
  }
  const spent = spentSince(programs, before);
  return {
    ...{ counters, ...timed, steps, ...found, ...computing?.result(), spent },
    ...(speculation && { speculation }),
    ...(path && { path }),
  };
}

function placedDraft(config: ResolvedConfig, { draft }: Placement): PlacedDraft | undefined {
  const drafting = draftConfigOf(config);
  return drafting && draft && { config: drafting, placement: draft.placement };
}

/** Memory has room for a round's tokens. */
function roundsOf(config: ResolvedConfig, stepOf: StepOf): StepOf {
  const of = inFlightOf(config);
  return of === 1 ? stepOf : (context) => ({ ...stepOf(context), inFlight: { index: 0, of } });
}

/** The tokens that rounds have given, and the experts that each one's programs are for, one after the other. */
function emittedOf(rounds: readonly ComputedRound[]) {
  const tokens = rounds.flatMap(({ emitted }) => emitted);
  const experts = rounds.flatMap((round) => round.experts);
  let step = 0;
  return { tokens, lookAhead: () => experts[step++] };
}

/** Times the last step with the experts of every drawn token, if it is one of a user alone. */
async function spreadOver(
  { wafer: { clockHz }, workload }: ResolvedConfig,
  { plan, routing }: { plan: (step: Step) => StepPlan; routing: Routing },
  base: Begun & TimedStep,
  runner: StageRunner,
  { runner: programs, onProgress }: SimulateOptions & { runner: Runner },
): Promise<RoutingResult> {
  const { turns, step } = base;
  const { drawn } = routing;
  if (turns === undefined || workload.batch > 1) return routingResult(routing, drawn);
  const { cyclesOf } = stepTimer({ ...base, turns }, runner, programs);
  const cycles: number[] = [];
  const ofToken = base.stages.length;
  const total = (drawn.length + 1) * ofToken;
  const timeOf = (slots: LayerSlots) => {
    const done = cycles.length * ofToken;
    const report = (stage: number) =>
      onProgress?.({ done: done + stage, total, what: 'stages of drawn experts' });
    report(0);
    return cyclesOf(plan({ ...step, slots }), report);
  };
  for (const token of drawn.keys()) cycles.push(await timeOf(routing.slotsOfStep(token)));
  const balanced = await timeOf(routing.balanced());
  return routingResult(routing, drawn, { cycles, balanced, clockHz });
}
