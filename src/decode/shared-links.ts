/**
 * Where hand-offs of a step of several users pass links that others use. Where two stages meet there, they
 * are simulated as one program (contention.ts), if it is not too large; else what it costs is bounded.
 */
import { endAt } from '../engine/by-core.js';
import { createContention, type Contention, type Member } from './contention.js';
import { meetingsOf, type Meetings } from './meetings.js';
import { partResults, type PartResult } from './part-results.js';
import type { Pattern, PipelineTiming, StageLinking } from './pipeline.js';
import type { Turn } from './ring.js';
import { boxOf, type StageTiming } from './timeline.js';
import { startAtOf, type Visit } from './visit.js';
import { linkHopsOf, repairOf } from '../hardware/defects.js';
import { around, coreIn, joined, type Joined, type Part } from '../lowering/joined.js';
import { pathsOf, sharedLinks, waveletsOf, type StageLinks } from '../lowering/shared-links.js';
import type { StagePlan } from '../lowering/lowering.js';
import type { SharedLinksResult } from '../report/document.js';
import { digest, write, type StageRunner } from './stages.js';

/** Cores at most of one program of several stages; and of all such programs of a step. */
const MOST_CORES = { perProgram: 2 ** 20, perStep: 2 ** 25 };

/** A step's stages on links. */
export interface Sharing extends StageLinking {
  /** Every pair of a hand-off and another token's work that meet on links. */
  resultOf: (timed: PipelineTiming) => SharedLinksResult;
}

export function createSharing(
  runner: StageRunner,
  plans: StagePlan[],
  stages: StageTiming[],
  mostCores = MOST_CORES,
): Sharing {
  let contention: Contention | undefined;
  let latest: { turns: Pattern['turns']; found: ReturnType<typeof findPairs> } | undefined;
  /** Where nothing waits on links the pattern of the result is the one that was asked for before. */
  const pairsIn = (pattern: Pick<Pattern, 'turns' | 'period'>) => {
    if (latest?.turns !== pattern.turns)
      latest = { turns: pattern.turns, found: findPairs(pattern) };
    return latest.found;
  };
  const labels = stages.map(({ handOff }) => handOff);
  /** How many wavelets go over a link does not depend on when cores start: any turn says it. */
  let known: StageLinks[] | undefined;
  const linksIn = ({ visits }: Turn) =>
    (known ??= stages.map((stage, i) =>
      linksOf(runner, plans[i], stage, visits[i].start.result.linkWavelets),
    ));
  let common: Set<number> | undefined;
  const nameOf = (handOff: number, other: number) => handOff * stages.length + other;
  /** Names of all pairs that have links in common. */
  const commonIn = (turn: Turn) =>
    (common ??= new Set(
      sharedLinks(linksIn(turn), () => true).map(({ handOff, other }) => nameOf(handOff, other)),
    ));
  const findPairs = ({ turns, period }: Pick<Pattern, 'turns' | 'period'>) => {
    const links = linksIn(turns[0]).map((stage, i) => {
      const received = turns.map(({ visits }) => visits[i].start.result.labelEnd[labels[i]]);
      return { ...stage, handOffCycles: received.reduce((most, at) => Math.max(most, at), 0) };
    });
    const meetings = meetingsOf(turns, period, labels);
    const pairs = sharedLinks(links, (handOff, other) => meetings(handOff, other).most > 0);
    return { meetings, pairs };
  };
  return {
    haveCommonLinks: (turn) => commonIn(turn).size > 0,
    contentionOf: (pattern) => {
      if (pairsIn(pattern).pairs.length === 0) return undefined;
      const names = commonIn(pattern.turns[0]);
      contention = createContention({
        stages,
        share: (handOff, other) => names.has(nameOf(handOff, other)),
        ...joint(runner, plans, stages, mostCores),
      });
      return contention;
    },
    resultOf: (timed) => {
      const { meetings, pairs } = pairsIn(timed);
      const simulated = !contention?.gaveUp;
      const result = pairs.map(({ handOff, other, cyclesAtMost, ...counts }) => {
        const { most }: Meetings = meetings(handOff, other);
        return {
          handOff: stages[handOff].name,
          other: stages[other].name,
          ...counts,
          meetings: most,
          simulated,
          cyclesAtMost: simulated ? 0 : most * cyclesAtMost,
        };
      });
      const cyclesAtMost = result.reduce((sum, pair) => sum + pair.cyclesAtMost, 0);
      const cycles = timed.timing.cycles - timed.cyclesApart;
      return { cycles, cyclesAtMost, pairs: result };
    },
  };
}

/**
 * The same of tokens of one round, whose stages are the same but for their programs.
 * @param plans of all tokens, one token after the other, and so are their stages
 * @param length stages of a token
 * @returns what visits cost each other on links, if any can: `alone` are a token's visits, which say over which links
 *   wavelets go
 */
export function createRoundSharing(
  runner: StageRunner,
  plans: StagePlan[],
  stages: StageTiming[],
  length: number,
  mostCores = MOST_CORES,
): (alone: readonly Visit[]) => Contention | undefined {
  return (alone) => {
    const links = alone.map(({ start }, i) =>
      linksOf(runner, plans[i], stages[i], start.result.linkWavelets),
    );
    const pairs = sharedLinks(links, () => true);
    if (pairs.length === 0) return undefined;
    const names = new Set(pairs.map(({ handOff, other }) => handOff * length + other));
    return createContention({
      stages,
      share: (handOff, other) => names.has((handOff % length) * length + (other % length)),
      ...joint(runner, plans, stages, mostCores),
    });
  };
}

function linksOf(
  runner: StageRunner,
  plan: StagePlan,
  stage: StageTiming,
  linkWavelets: Float64Array,
): StageLinks {
  const { roles, roleOf } = write(runner, plan).program;
  const place = runner.places[plan.to];
  const box = boxOf(stage, place);
  return {
    wafer: place.wafer,
    box,
    paths: pathsOf(plan.source!, place, box),
    wavelets: waveletsOf(plan.source!),
    handOffCycles: 0,
    linkWavelets,
    colorsAt: (core) => roles[roleOf[core]].routes.length,
  };
}

/** Visits as one program. */
function joint(
  runner: StageRunner,
  plans: StagePlan[],
  stages: StageTiming[],
  { perProgram, perStep }: typeof MOST_CORES,
): Pick<Contention, 'keyOf' | 'run'> {
  let coresLeft = perStep;
  const placeAt = (stage: number) => runner.places[plans[stage].to];
  const boxAt = (stage: number) => boxOf(stages[stage], placeAt(stage));
  const keyOf = (visits: Member[]) => {
    const { x, y } = boxAt(visits[0].stage);
    const key = visits.map(({ stage, visit: { start, first } }) => {
      const box = boxAt(stage);
      const { key: program, colors } = plans[stage];
      const at = [box.x - x, box.y - y, first - visits[0].visit.first];
      return [program, colors, at, digest(startAtOf(stages[stage], start))];
    });
    const { wafer } = placeAt(visits[0].stage);
    return JSON.stringify([key, runner.wafer.defects && [wafer, x, y]]);
  };
  const run = async (visits: Member[]): Promise<PartResult[] | undefined> => {
    const { width, height } = visits.map(({ stage }) => boxAt(stage)).reduce(around);
    if (width * height > Math.min(perProgram, coresLeft)) return undefined;
    const parts = visits.map(({ stage, visit: { start, first } }): Part => {
      const { program, colors } = write(runner, plans[stage]);
      return {
        program,
        box: boxAt(stage),
        startAt: startAtOf(stages[stage], start),
        later: first - visits[0].visit.first,
        colors: new Map(colors.map((color, i) => [color, plans[stage].colors[i]])),
      };
    });
    const both = joined(parts);
    if (both === undefined || !goOnAtOnce(both, parts, visits, stages, runner.wafer.width))
      return undefined;
    coresLeft -= width * height;
    const { box, program, startAt } = both;
    const repair = repairOf(runner.wafer, placeAt(visits[0].stage).wafer);
    const hops = repair && linkHopsOf(repair, runner.wafer, { ...box, x0: box.x, y0: box.y });
    const wired = { ...program, ...(hops && { linkHops: hops }) };
    const result = await runner.run(wired, startAt);
    const alone = visits.map(({ visit }) => visit.start.result);
    const startUp = visits.map(({ stage }) => stages[stage].programStart);
    return partResults({ ...both, program: wired }, parts, alone, result, startUp);
  };
  return { keyOf, run };
}

/**
 * Whether cores that work for several visits send for one as soon as they are done with the one before, as
 * they do in the program of all; between wafers they do not.
 */
function goOnAtOnce(
  { box, shared }: Joined,
  parts: Part[],
  visits: Member[],
  stages: StageTiming[],
  width: number,
): boolean {
  const sends = visits.map(({ stage, visit: { start, first } }) => {
    return new Map(stages[stage].senders.map(({ core }, i) => [core, first + start.sending[i]]));
  });
  for (const [at, { parts: works }] of shared) {
    const x = box.x + (at % box.width);
    if (x < 0 || x >= width) return false;
    for (let turn = 1; turn < works.length; turn++) {
      const [before, part] = [works[turn - 1], works[turn]];
      const sent = sends[part].get(coreIn(parts[part].box, box, at));
      const { start, first } = visits[before].visit;
      const end = first + endAt(start.result, coreIn(parts[before].box, box, at));
      if (sent !== undefined && sent > end) return false;
    }
  }
  return true;
}
