/**
 * What hand-offs of a step of several users share with the work of other users. Where two stages meet
 * on links, they are simulated once more, as one program, which shows how much later they are done.
 */
import { meetingsOf, type Meeting } from './meetings.js';
import type { PipelineTiming } from './pipeline.js';
import { boxOf, type StageTiming } from './timeline.js';
import { startAtOf, type Visit } from './visit.js';
import type { RunResult } from '../engine/engine.js';
import { linkHopsOf, repairOf } from '../hardware/defects.js';
import { around, cyclesLater, joined, type Placed } from '../lowering/joined.js';
import { sharedLinks, waveletsOf, pathsOf, type StageLinks } from '../lowering/shared-links.js';
import type { StagePlan } from '../lowering/lowering.js';
import type { SharedLinksResult } from '../report/document.js';
import { digest, write, type StageRunner } from './stages.js';

/** Cores of all programs that are simulated for this: more would take longer than the run itself. */
const MOST_CORES = 2 ** 17;

/** Every pair of a hand-off and another token's work that meet on links. */
export async function sharedLinksOf(
  runner: StageRunner,
  plans: StagePlan[],
  stages: StageTiming[],
  { turns, period }: Pick<PipelineTiming, 'turns' | 'period'>,
): Promise<SharedLinksResult> {
  const labels = plans.map((plan) => handOffLabel(runner, plan));
  const links = plans.map((plan, i) => {
    const results = turns.map(({ visits }) => visits[i].start.result);
    return linksOf(runner, plan, stages[i], results, labels[i]);
  });
  const meetings = meetingsOf(turns, period, labels);
  const known: Known = { lost: new Map(), coresLeft: MOST_CORES };
  const pairs: SharedLinksResult['pairs'] = [];
  const shared = sharedLinks(links, (handOff, other) => meetings(handOff, other).most > 0);
  for (const { handOff, other, cyclesAtMost, ...counts } of shared) {
    const { list, most } = meetings(handOff, other);
    const [a, b] = [handOff, other].map((i) => ({ plan: plans[i], stage: stages[i], ...links[i] }));
    const later = await mostLost(runner, a, b, list, known);
    pairs.push({
      handOff: stages[handOff].name,
      other: stages[other].name,
      ...counts,
      meetings: most,
      simulated: later !== undefined,
      cyclesAtMost: most * (later ?? cyclesAtMost),
    });
  }
  return { cyclesAtMost: pairs.reduce((sum, pair) => sum + pair.cyclesAtMost, 0), pairs };
}

/** What the senders do first is to send; the operator that does is over when all have received. */
function handOffLabel(runner: StageRunner, plan: StagePlan): number {
  const { program, senders } = write(runner, plan);
  return program.roles[program.roleOf[senders[0]]].operations[0].label;
}

function linksOf(
  runner: StageRunner,
  plan: StagePlan,
  stage: StageTiming,
  results: RunResult[],
  label: number,
): StageLinks {
  const { roles, roleOf } = write(runner, plan).program;
  const place = runner.places[plan.to];
  const box = boxOf(stage, place);
  return {
    wafer: place.wafer,
    box,
    paths: pathsOf(plan.source!, place, box),
    wavelets: waveletsOf(plan.source!),
    handOffCycles: results.reduce((most, { labelEnd }) => Math.max(most, labelEnd[label]), 0),
    // How many wavelets there are does not depend on when cores start.
    linkWavelets: results[0].linkWavelets,
    colorsAt: (core) => roles[roleOf[core]].routes.length,
  };
}

type Part = StageLinks & { plan: StagePlan; stage: StageTiming };

/** By what they depend on: cycles lost; and how many cores more may be simulated. */
interface Known {
  lost: Map<string, number>;
  coresLeft: number;
}

/**
 * How much later both are done, together, when they run as one program: the most of all meetings.
 * Undefined if they cannot, or if that would simulate too many cores.
 */
async function mostLost(
  runner: StageRunner,
  a: Part,
  b: Part,
  meetings: Meeting[],
  known: Known,
): Promise<number | undefined> {
  const { x, y, width, height } = around(a.box, b.box);
  const where = runner.wafer.defects && [a.wafer, x, y];
  const keys = meetings.map(({ handOff, other, later }) => {
    const starts = [
      digest(startAtOf(a.stage, handOff.start)),
      digest(startAtOf(b.stage, other.start)),
    ];
    const apart = [b.box.x - a.box.x, b.box.y - a.box.y, later];
    return JSON.stringify([a.plan.key, b.plan.key, starts, apart, where]);
  });
  const unknown = new Set(keys.filter((key) => !known.lost.has(key)));
  if (unknown.size * width * height > known.coresLeft) return undefined;
  for (const [i, meeting] of meetings.entries()) {
    if (known.lost.has(keys[i])) continue;
    const lost = await runTogether(runner, a, b, meeting);
    if (lost === undefined) return undefined;
    known.lost.set(keys[i], lost);
    known.coresLeft -= width * height;
  }
  return keys.reduce((most, key) => Math.max(most, known.lost.get(key)!), 0);
}

async function runTogether(
  runner: StageRunner,
  a: Part,
  b: Part,
  { handOff, other, later }: Meeting,
): Promise<number | undefined> {
  const [first, second] = [placed(runner, a, handOff), placed(runner, b, other)];
  const both = joined(first, second, later);
  if (both === undefined) return undefined;
  const { box, program, startAt } = both;
  const repair = repairOf(runner.wafer, a.wafer);
  const hops = repair && linkHopsOf(repair, runner.wafer, { ...box, x0: box.x, y0: box.y });
  const { end } = await runner.run({ ...program, ...(hops && { linkHops: hops }) }, startAt);
  const alone = [handOff, other].map(({ start }) => start.result.end);
  return cyclesLater(both, end, [first, second], alone);
}

/** A stage's program with the starts of a visit, as the visit ran it (see decode/visit.ts). */
function placed(runner: StageRunner, { plan, stage, box }: Part, { start }: Visit): Placed {
  const { program } = write(runner, plan);
  return { program, box, startAt: startAtOf(stage, start) };
}
