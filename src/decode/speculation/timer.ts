/**
 * The rounds of a speculating run in time. The core that chose the certain token sends it to the draft, with how many
 * tokens were accepted, and then to the model's first region. Drafted tokens follow it there as soon as each is known.
 * The round ends when the last one's choice is compared. Meanwhile the draft takes its own last token too, so that it
 * has nothing to catch up with where all were accepted.
 *
 * A look-up by the host is one wait: how many tokens the round verifies is known when the answer is there.
 */
import type { ResolvedConfig } from '../../config.js';
import type { HandOffTo } from '../../lowering/hand-off-colors.js';
import { joiningRegion } from '../../lowering/hidden-state.js';
import type { InFlight } from '../../lowering/in-flight.js';
import type { StepPlan } from '../../lowering/lowering.js';
import type { Step } from '../../lowering/region.js';
import { planHostTrip, planTransport, type CoreAt } from '../../lowering/transport.js';
import { hasRouter } from '../../lowering/token.js';
import type { ModelSpec } from '../../model/model.js';
import type { Placement } from '../../placement/placement.js';
import type { RoundRows } from '../../report/document.js';
import type { LineCycles } from '../groups.js';
import { loweredOf } from '../lowered.js';
import { memoized, type Memo } from '../memo.js';
import type { Runner } from '../runner.js';
import { createRoundSharing } from '../shared-links.js';
import { beginStep, createStageRunner, runOn, runStage, timedStages } from '../stages.js';
import { draftConfigOf } from './draft.js';
import { planHidden, sentByLayer, type Placed, type StateTrips } from './hidden.js';
import { partsOf, type RoundTiming } from './parts.js';
import { timeUsers } from './users.js';
import { answered, delayed, drafts, lateBy, type Sent } from './sent.js';
import {
  endingWith,
  timeChain,
  timeRound,
  timeTrip,
  type RoundStages,
  type Trip,
} from './round.js';

type PlanOf = (step: Step) => StepPlan;

export interface RoundTimer {
  /**
   * A round whose certain token stands at `position`, where a plain token takes `plain` cycles.
   * @param verified its tokens; all of the configuration if not given
   * @param again accepted tokens of the round before, which a layer that joins hidden states takes once more
   */
  time(position: number, plain: number, verified?: number, again?: number): Promise<RoundTiming>;
  /**
   * Cycles of rounds of 2 tokens up to all, before which nothing was accepted, and the rows of the last. The first
   * tokens of a round are on their way as in a shorter one, which ends with the head of its last.
   */
  timeAll(position: number, plain: number): Promise<{ cycles: number[]; rows: RoundRows }>;
  /** By how much each accepted token of the round before makes one longer, at the position that was asked for last. */
  again(): Pick<RoundRows, 'draft' | 'transport'>;
}

/** What it takes to draft at a position. */
interface Chained {
  position: number;
  /** Of the draft's tokens, and their cycles. */
  plans: StepPlan[];
  cycles: number[];
  /** Words to the draft and back. */
  there: Trip;
  back: Trip;
  states?: StateTrips;
}

/** What a run's rounds share with its plain steps. */
export interface TimerBase {
  /** The model's plans. */
  plan: PlanOf;
  maxPositions: number;
  /** What is known about the lines of this machine, and where more is put. */
  lines?: LineCycles | undefined;
  programs: Runner;
  memo: Memo | boolean;
  /**
   * All tokens of a round stand where its first one does, so that those after it have equal programs but for their
   * addresses, and are simulated once: for studies of many rounds. Otherwise each stands one further.
   */
  alike?: boolean;
  /** Users whose rounds pass the same regions, all of them at the same position; one if not given. */
  users?: number;
}

/** @param config with speculation, placed with its draft */
export async function createRoundTimer(
  config: ResolvedConfig,
  placement: Placement,
  base: TimerBase,
): Promise<RoundTimer> {
  const { draft: placed } = placement;
  const { wafer, model } = config;
  const { tokens: of, draft } = config.workload.speculation!;
  const { maxPositions, programs, users = 1 } = base;
  const drafting = draftConfigOf(config);
  const ofDraft =
    drafting && placed
      ? await loweredOf(drafting, placed.placement, maxPositions, programs, {
          ...(base.lines && { lines: base.lines }),
        })
      : undefined;
  const [modelStages, draftStages] = [stageMaker(wafer, base), stageMaker(wafer, base)];
  const planOf = (plan: PlanOf, position: number, inFlight: InFlight): StepPlan =>
    plan({ context: position, maxPositions, users, inFlight });
  const placeOf = (position: number, index: number) => position + (base.alike ? 0 : index);
  /** Where words are sent from and to does not change from round to round. */
  const trips = new Map<string, Trip>();
  const tripOf = async (name: string, plan: () => StepPlan): Promise<Trip> => {
    const known = trips.get(name);
    if (known) return known;
    const made = plan();
    const trip = await timeTrip(made, await stageMaker(wafer, base)(0, [made]));
    trips.set(name, trip);
    return trip;
  };
  const layer =
    drafting && placed && joiningRegion(drafting.model, placed.placement.regions)?.region;
  const stateTrips = async (others: HandOffTo[]): Promise<StateTrips | undefined> => {
    if (layer === undefined) return undefined;
    const trip = (name: string, from: Placed) =>
      tripOf(name, () => planHidden(wafer, from, layer, of, others));
    const own = await trip('own state', { ...drafting!, placement: placed!.placement });
    return { model: await trip('state', { model, placement }), own };
  };
  /** Of the position that was asked for last: what it takes to draft one token after the other. */
  let chained: Chained | undefined;
  const chainAt = async (position: number, { plan }: { plan: PlanOf }, all: StepPlan[]) => {
    if (chained?.position === position) return chained;
    const plans = chainOf(of, base, (index) =>
      planOf(plan, placeOf(position, index), { index, of, drafts: true }),
    );
    const others = [...handOffsOf(all[0], model), ...handOffsOf(plans[0], drafting!.model)];
    const [root, to] = [rootOf(all[0]), rootOf(plans[0])];
    const there = await tripOf('there', () => planTransport(wafer, root, to, 2, others));
    const back = await tripOf('back', () => planTransport(wafer, to, root, 1, others));
    const states = await stateTrips(others);
    const later = back.sent + (states?.own.arrives ?? 0);
    const cycles = await timeChain(await draftStages(position, plans), later);
    return (chained = { position, plans, cycles, there, back, ...(states && { states }) });
  };
  const sendsAt = async (position: number, all: StepPlan[], again: number): Promise<Sent> => {
    const drafted = all.length - 1;
    if (ofDraft !== undefined && drafted > 0) {
      const { cycles, there, back, states } = await chainAt(position, ofDraft, all);
      if (states) return sentByLayer(cycles.slice(0, drafted), { there, back, states }, again);
      return drafts(cycles.slice(0, all.length), there, back);
    }
    if (draft.kind !== 'ngram' || of === 1)
      return { launches: all.map(() => 0), draft: 0, transport: 0, own: 0, back: 0 };
    // A round of one token waits too: the host has found no match.
    const words = { asked: of, answered: of - 1 };
    const others = handOffsOf(all[0], model);
    const trip = () => planHostTrip(wafer, rootOf(all[0]), words, others);
    return answered(await tripOf('host', trip), all.length);
  };
  const headAt = (position: number, verified: number) =>
    planOf(base.plan, position, { index: verified - 1, of, tokens: verified }).stages.at(-1)!;
  const tokensAt = (position: number, verified: number): StepPlan[] => {
    const all = chainOf(verified, base, (index) =>
      planOf(base.plan, placeOf(position, index), { index, of, tokens: verified }),
    );
    if (!base.alike) return all;
    const last = all[verified - 1];
    const head = headAt(placeOf(position, verified - 1), verified);
    const stages = last.stages.with(last.stages.length - 1, head);
    return all.with(verified - 1, { ...last, stages });
  };
  const timeSent = async (position: number, all: StepPlan[], again: number) => {
    const sent = await sendsAt(position, all, again);
    const tokens = await modelStages(position, all);
    const round = await timeRound(tokens, sent.launches);
    const late = lateBy(sent, round.cycles);
    if (late === 0) return { sent, round, tokens };
    // A draft that is slower than the model takes its own last token when the next round has begun.
    const later = { ...sent, draft: sent.draft + late, launches: delayed(sent.launches, late) };
    return { sent: later, round: await timeRound(tokens, later.launches), tokens };
  };
  const time: RoundTimer['time'] = async (position, plain, verified = of, again = 0) => {
    const all = tokensAt(position, verified);
    const { sent, round, tokens } = await timeSent(position, all, again);
    const alone = partsOf(round, sent, plain);
    if (users === 1) return alone;
    const draft = (await draftStagesAt(position, all)) ?? sent.launches[0];
    const asked = { users, alone: alone.cycles, draft };
    const apart = await timeUsers(tokens, asked);
    const contention = tokens.contentionOf?.(round.first);
    const met = contention && (await timeUsers(tokens, { ...asked, contention }));
    const cycles = met === undefined || contention!.gaveUp ? apart : met;
    return { cycles, rows: { ...alone.rows, others: cycles - alone.cycles } };
  };
  /** Stages of the draft's tokens, of another model that drafts for a round. */
  const draftStagesAt = async (position: number, all: StepPlan[]) => {
    if (ofDraft === undefined || all.length === 1) return undefined;
    const { there, back, plans } = await chainAt(position, ofDraft, all);
    return { of: await draftStages(position, plans), there, back };
  };
  return {
    time,
    async timeAll(position, plain) {
      const all = tokensAt(position, of);
      const { sent, round } = await timeSent(position, all, 0);
      const cycles: number[] = [];
      for (let verified = 2; verified < of; verified++) {
        const stages = [headAt(placeOf(position, verified - 1), verified)];
        const head = await modelStages(position, [{ ...all[0], stages }]);
        const ended = await endingWith(head, round.last[verified - 1]);
        const shorter = await sendsAt(position, all.slice(0, verified), 0);
        const isLate = sent.own > 0 && lateBy(shorter, ended) > 0;
        cycles.push(isLate ? (await time(position, plain, verified)).cycles : ended);
      }
      const { cycles: longest, rows } = partsOf(round, sent, plain);
      return of === 1 ? { cycles, rows } : { cycles: [...cycles, longest], rows };
    },
    again() {
      if (chained?.states === undefined) return { draft: 0, transport: 0 };
      return { draft: chained.cycles[0], transport: chained.states.model.arrives };
    },
  };
}

/** Cores up to which tokens of a round wait for each other on links, as those of served users do: more take minutes. */
const MOST_CORES = 2 ** 17;

/** A round's tokens; of those that are alike all after the first have the programs of the second. */
function chainOf<T>(many: number, { alike }: TimerBase, make: (index: number) => T): T[] {
  if (!alike || many < 2) return Array.from({ length: many }, (_, index) => make(index));
  const second = make(1);
  return [make(0), ...Array.from({ length: many - 1 }, () => second)];
}

/** The core that leaves the choice in a plan, which is also where the next token comes from. */
function rootOf({ places, stages: [first] }: StepPlan): CoreAt {
  const { source, from } = first;
  if (source?.kind !== 'token') throw new TypeError('a round begins with a chosen token');
  return { wafer: places[from].wafer, ...source.core };
}

/** A plan's hand-offs, whose colours are taken. */
function handOffsOf({ stages, places }: StepPlan, model: ModelSpec): HandOffTo[] {
  return stages.map(({ source, to }) => {
    const place = places[to];
    return { source: source!, place, gathers: hasRouter(model, place) };
  });
}

/**
 * A function that makes stages of a round's plans at a position; it knows what was simulated for that position, and
 * for others their lines.
 */
function stageMaker(wafer: ResolvedConfig['wafer'], { programs, memo }: TimerBase) {
  const { stages: equal, lines } = memoized(memo);
  const runner = createStageRunner({ wafer, memo: equal, run: runOn(programs, wafer, lines) });
  let at: number | undefined;
  return async (position: number, given: StepPlan[]): Promise<RoundStages> => {
    // Without a memo a stage is known by its name.
    const plans = given.map((plan, token) => {
      const name = `of token ${token} of ${given.length}`;
      return {
        ...plan,
        stages: plan.stages.map((one) => ({ ...one, name: `${one.name} ${name}` })),
      };
    });
    if (position !== at) beginStep(runner, plans[0]);
    at = position;
    const stages = [];
    for (const plan of plans) stages.push(...(await timedStages(runner, plan, programs)));
    const all = plans.flatMap((plan) => plan.stages);
    const run: RoundStages['run'] = async (i, startAt) => {
      await programs.pause();
      return runStage(runner, all[i], startAt);
    };
    const length = stages.length / plans.length;
    const cores = stages
      .slice(0, length)
      .reduce((sum, { columns, rows }) => sum + columns * rows, 0);
    if (cores > MOST_CORES) return { plans, stages, run };
    const contentionOf = createRoundSharing(runner, all, stages, length);
    return { plans, stages, run, contentionOf };
  };
}
