/** What hand-offs of a step of several users share with the work of other users, for the document. */
import type { PipelineTiming } from '../decode/pipeline.js';
import type { TimedStage } from '../decode/timeline.js';
import { handOffCycles, meetingsOf } from '../decode/meetings.js';
import {
  sharedLinks,
  waveletsOf,
  waysOf,
  type SharedPair,
  type StageLinks,
} from '../lowering/shared-links.js';
import type { StagePlan } from '../lowering/token.js';
import type { SharedLinksResult } from '../report/document.js';
import { write, type StageRunner } from './stages.js';

/** Every link that a hand-off shares with another token's work while both are there. */
export function sharedLinksOf(
  runner: StageRunner,
  plans: StagePlan[],
  stages: TimedStage[],
  { turns, period, repeatsAfter, inFlight }: PipelineTiming,
): SharedLinksResult {
  const labels = plans.map((plan) => handOffLabel(runner, plan));
  const cycles = handOffCycles(turns, labels);
  const links = plans.map((plan, i): StageLinks => {
    const { program, origin } = write(runner, plan).stage;
    const { width, height, roles, roleOf } = program;
    const place = runner.places[plan.to];
    const [x, y] = [place.x - (origin % width), place.y - Math.floor(origin / width)];
    const box = { x, y, width, height };
    return {
      wafer: place.wafer,
      box,
      ways: waysOf(plan.source, place, box),
      wavelets: waveletsOf(plan.source),
      handOffCycles: cycles[i],
      linkWavelets: turns[0].visits[i].start.result.linkWavelets,
      colorsAt: (core) => roles[roleOf[core]].routes.length,
    };
  });
  // Of turns that do not repeat nobody knows who meets whom: any two may.
  const meetings =
    repeatsAfter === 0 ? () => Math.max(0, inFlight - 1) : meetingsOf(turns, period, labels);
  return resultOf(sharedLinks(links, meetings), stages);
}

/** What the senders do first is to send. */
function handOffLabel(runner: StageRunner, plan: StagePlan): number {
  const { program, senders } = write(runner, plan).stage;
  return program.roles[program.roleOf[senders[0]]].operations[0].label;
}

function resultOf(pairs: SharedPair[], stages: TimedStage[]): SharedLinksResult {
  const nameOf = (stage: number) => stages[stage].name;
  return {
    cyclesAtMost: pairs.reduce((sum, { cyclesAtMost }) => sum + cyclesAtMost, 0),
    pairs: pairs.map(({ handOff, other, ...rest }) => ({
      handOff: nameOf(handOff),
      other: nameOf(other),
      ...rest,
    })),
  };
}
