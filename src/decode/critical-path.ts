/**
 * The critical path of a token, from its choice to the next one: found backwards, stage by stage, from the token's last
 * cycle. In a stage the engine's walk (engine/path) leads back to a core's first operation; to that core the stage
 * before had handed the token on, or it was at work for another token until then.
 */
import { endAt, endedIn, spentIn } from '../engine/by-core.js';
import type { RunInput, RunResult } from '../engine/engine.js';
import type { Step, Walked } from '../engine/path/walk.js';
import { coreIn } from '../lowering/joined.js';
import type { PathEntry } from '../report/document.js';
import { addStart, createEntries, type Entries, type PathPlace } from './path-entries.js';
import type { Turn } from './ring.js';
import type { Runner } from './runner.js';
import { sceneOf, type TimedStages } from './stage-scene.js';
import { digest, type StageRunner } from './stages.js';
import { boxOf, type StageTiming } from './timeline.js';

/** Events at most of all stages that are simulated as a whole: some seconds of work, and 400 MB of memory. */
export const MOST_EVENTS = 2 ** 25;

/** A path, or why there is none. */
export type FoundPath = PathEntry[] | string;

/** The path of the token that a step's document describes. */
export async function pathOfStep(
  runner: StageRunner,
  programs: Pick<Runner, 'path'>,
  step: TimedStages,
): Promise<FoundPath> {
  const { plan, stages, results, turn } = step;
  const { wafer } = runner;
  /** By what is alike: a result, or the key of a program and its starts, whose results are the same without a memo too. */
  const known = new Map<RunResult | string, Map<string, Walked>>();
  const walksOf = (alike: RunResult | string) => {
    const walks = known.get(alike) ?? new Map<string, Walked>();
    known.set(alike, walks);
    return walks;
  };
  let most = MOST_EVENTS;
  const walkIn = async (
    input: RunInput,
    result: RunResult,
    core: number,
    { by, alike = result }: { by?: number; alike?: RunResult | string },
  ) => {
    const walks = walksOf(alike);
    const end = by === undefined ? `${core}` : `${core} ${by}`;
    const before = walks.get(end);
    if (before !== undefined) return before;
    const walked = await programs.path(input, result, core, most, by);
    if (typeof walked === 'string') return `${input.name}: ${walked}`;
    most -= walked.events;
    walks.set(end, walked);
    return walked;
  };
  const walk: Walk = async (stage, core) => {
    const start = turn?.visits[stage].start;
    // Equal stages have one result. Without a memo only their starts tell, which take a while to be written down.
    const own = start?.joint ? undefined : walksOf(results[stage]);
    const before = own?.get(`${core}`);
    if (before !== undefined) return before;
    const { input, result, numberOf } = sceneOf(runner, step, stage);
    const how =
      start?.joint === undefined
        ? { alike: `${plan.stages[stage].key} ${digest(input.startAt)}` }
        : // A core may work for other parts after this one.
          { by: start.joint.later + endAt(start.result, core) };
    const walked = await walkIn(input, result, numberOf(core), how);
    if (typeof walked !== 'string') own?.set(`${core}`, walked);
    return walked;
  };
  const places = stages.map((stage): PathPlace => {
    const { wafer: on, x, y } = runner.places[stage.region];
    return { wafer: on, ...boxOf(stage, { x, y }), labels: stage.labels };
  });
  if (turn) return pathOfTurn(stages, places, turn, walk);
  return pathTogether(places, results, wafer.costs.programStart, walk);
}

/**
 * The path to a core's end in a stage, by the clock and the cores of the program that it was simulated in; why there is
 * none.
 */
type Walk = (stage: number, core: number) => Promise<Walked | string>;

/** The core that ends last and does something, the first of several. */
export function lastCore(result: RunResult): number {
  const { placeOf, end } = endedIn(result);
  const { kindOf, compute, setup } = spentIn(result);
  let [last, latest] = [-1, -Infinity];
  for (let i = 0; i < placeOf.length; i++) {
    const kind = kindOf[placeOf[i]];
    if (compute[kind] + setup[kind] === 0) continue;
    if (last < 0 || end[i] > latest) [last, latest] = [placeOf[i], end[i]];
  }
  return last;
}

async function pathOfTurn(
  stages: StageTiming[],
  places: PathPlace[],
  turn: Turn,
  walk: Walk,
): Promise<FoundPath> {
  const { visits, chosen } = turn;
  const entries = createEntries();
  let next: Arrival | undefined = lastOf(turn);
  while (next !== undefined) {
    const walked = await walk(next.stage, next.core);
    if (typeof walked === 'string') return walked;
    const { start, first } = visits[next.stage];
    const scene = start.joint ? jointScene(turn, next.stage, places) : undefined;
    const later = first - chosen - (start.joint?.later ?? 0);
    const place = scene?.place ?? places[next.stage];
    const { stage, cut } = addSteps(entries, place, walked, later, next.stage, scene);
    const { handOff, labels, crossing, senders } = stages[stage];
    const others = (core: number, at: number) =>
      entries.add(place, core, labels[handOff], 'otherToken', 0, at);
    if (cut !== undefined) {
      others(cut.core, cut.to + later);
      break;
    }
    let at = walked.at + later;
    const core = scene ? scene.coreOf(stage, walked.core) : walked.core;
    const isSent = senders.some((sender) => sender.core === core);
    if (isSent && crossing > 0) {
      entries.add(place, walked.core, 'between wafers', 'handOff', at - crossing, at);
      at -= crossing;
    }
    if (at <= 0) break;
    next = arrivalOf(stages, turn, stage, core, at);
    // What was before is another token's.
    if (next === undefined) others(walked.core, at);
  }
  return entries.inOrder();
}

/** Several stages as one program: where that lies, and what of it is the token's own. */
interface JointScene {
  place: PathPlace;
  /** The stage of which a label is, if it is the token's. */
  stageOf: (label: number) => number | undefined;
  /** The number that a core has in a stage's own program. */
  coreOf: (stage: number, core: number) => number;
}

function jointScene({ visits }: Turn, index: number, places: PathPlace[]): JointScene {
  const { first, start } = visits[index];
  const { run, later } = start.joint!;
  const { program, box, boxes, partOf } = run;
  // Equal programs are simulated once: the token's own parts are those with the same begin.
  const own = new Map<number, number>();
  visits.forEach((visit, stage) => {
    const { joint } = visit.start;
    if (joint?.run === run && visit.first - joint.later === first - later)
      own.set(joint.part, stage);
  });
  return {
    place: { ...box, wafer: places[index].wafer, labels: program.labels },
    stageOf: (label) => own.get(partOf[label]),
    coreOf: (stage, core) => coreIn(boxes[visits[stage].start.joint!.part], box, core),
  };
}

/** Adds the steps of a walk, up to the first that is for another token; and the stage that they lead to. */
function addSteps(
  { addStep }: Entries,
  place: PathPlace,
  { steps }: Walked,
  later: number,
  stage: number,
  scene: JointScene | undefined,
): { stage: number; cut?: Step } {
  let reached = stage;
  for (const step of steps) {
    const of = scene ? scene.stageOf(step.label) : stage;
    if (of === undefined) return { stage: reached, cut: step };
    reached = of;
    addStep(place, step, later);
  }
  return { stage: reached };
}

/** A core of a stage at the end of its work there. */
interface Arrival {
  stage: number;
  core: number;
}

/** What of a turn ends last: in its last stage, if in several at once. */
function lastOf({ visits }: Turn): Arrival {
  /** Equal stages have one result. */
  const cores = new Map<RunResult, number>();
  let [stage, last] = [0, -Infinity];
  visits.forEach(({ first, start: { result } }, i) => {
    const core = cores.get(result) ?? lastCore(result);
    cores.set(result, core);
    const at = first + endAt(result, core);
    if (at >= last) [stage, last] = [i, at];
  });
  return { stage, core: cores.get(visits[stage].start.result)! };
}

/**
 * The same token's work that ended in cycle `at` of the turn on a core, which begins with a stage then: in the stage
 * that handed it on, or where the token was on this region before; undefined if it was another token's.
 */
function arrivalOf(
  stages: StageTiming[],
  { visits, chosen, afterOthers }: Turn,
  index: number,
  core: number,
  at: number,
): Arrival | undefined {
  const stage = stages[index];
  const sender = stage.senders.find((one) => one.core === core);
  const region = sender ? stage.from : stage.region;
  const of = sender ? sender.of : numberIn(stage, core);
  if (!sender && afterOthers[index]) return undefined;
  for (let i = index - 1; i >= 0; i--) {
    const own = coreOf(stages[i], region, of);
    if (own === undefined) continue;
    const { first, start } = visits[i];
    if (first - chosen + endAt(start.result, own) === at) return { stage: i, core: own };
  }
  return undefined;
}

/** A core's number in the stage's region. */
function numberIn({ origin, width, columns }: StageTiming, core: number): number {
  const [x, y] = [core % width, Math.floor(core / width)];
  return (y - Math.floor(origin / width)) * columns + x - (origin % width);
}

/** The core of a stage's program that is number `of` of a region, if it does something in the stage. */
function coreOf(
  { region: own, from, senders, origin, width, columns }: StageTiming,
  region: number,
  of: number,
): number | undefined {
  if (own === region) return origin + Math.floor(of / columns) * width + (of % columns);
  return from === region ? senders.find((sender) => sender.of === of)?.core : undefined;
}

/** Stages that start together, each when the one before is over; a core's start is in them. */
async function pathTogether(
  places: PathPlace[],
  results: RunResult[],
  programStart: number,
  walk: Walk,
): Promise<FoundPath> {
  const entries = createEntries();
  let end = results.reduce((sum, { cycles }) => sum + cycles, 0);
  for (let stage = results.length - 1; stage >= 0; stage--) {
    const result = results[stage];
    const walked = await walk(stage, lastCore(result));
    if (typeof walked === 'string') return walked;
    end -= result.cycles;
    entries.addWalk(places[stage], walked, end);
    addStart(entries, places[stage], walked, programStart, end);
  }
  return entries.inOrder();
}
