/**
 * What chosen cores did for the token of a step that its document describes: every operation with its cycles, counted
 * from the token's choice. The stages that a core has a part in are simulated once more, as for the critical path.
 */
import type { OpSpan } from '../engine/path/spans.js';
import { listOperation } from '../program/listing.js';
import type { CoreAt, CoreOperation } from '../report/detail.js';
import { MOST_EVENTS } from './critical-path.js';
import { refusal } from './trace-cores.js';
import type { Runner } from './runner.js';
import { sceneOf, type TimedStages } from './stage-scene.js';
import type { StageRunner } from './stages.js';
import { boxOf, type StageTiming } from './timeline.js';
import { startAtOf } from './visit.js';

/** A core in a stage: its number in the stage's program. */
interface Worker {
  stage: number;
  core: number;
}

/**
 * The operations of chosen cores in a step, core by core in the order of their cycles.
 * @throws ConfigError if it cannot be told when a core does what
 */
export async function operationsOfStep(
  runner: StageRunner,
  programs: Pick<Runner, 'spans'>,
  step: TimedStages,
  cores: readonly CoreAt[],
): Promise<CoreOperation[]> {
  const all: CoreOperation[] = [];
  for (const at of cores) {
    for (const worker of workersOf(runner, step, at))
      all.push(...(await operationsIn(runner, programs, step, at, worker)));
  }
  return all;
}

/** Where a core computes or sends on, in the order of the stages. */
function workersOf(
  { places }: StageRunner,
  { stages }: TimedStages,
  { wafer, x, y }: CoreAt,
): Worker[] {
  return stages.flatMap((stage, i) => {
    const place = places[stage.region];
    const box = boxOf(stage, place);
    const isIn = x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;
    if (place.wafer !== wafer || !isIn) return [];
    const core = (y - box.y) * stage.width + x - box.x;
    return isOfRegion(stage, core) || stage.senders.some((sender) => sender.core === core)
      ? [{ stage: i, core }]
      : [];
  });
}

function isOfRegion({ origin, width, columns, rows }: StageTiming, core: number): boolean {
  const column = (core % width) - (origin % width);
  const row = Math.floor(core / width) - Math.floor(origin / width);
  return column >= 0 && row >= 0 && column < columns && row < rows;
}

async function operationsIn(
  runner: StageRunner,
  programs: Pick<Runner, 'spans'>,
  step: TimedStages,
  at: CoreAt,
  { stage, core }: Worker,
): Promise<CoreOperation[]> {
  const { input, result, numberOf } = sceneOf(runner, step, stage);
  const found = await programs.spans(input, result, numberOf(core), MOST_EVENTS);
  if (typeof found === 'string') throw refusal(at, `a core whose times can be told: ${found}`);
  const { later, isOwn, begins } = clockOf(runner, step, stage, core);
  const spans = found.filter(({ op }) => isOwn(op.label));
  const { name } = step.stages[stage];
  const { labels } = input.program;
  return noEarlier(spans, begins).map(({ op, begin, act, end, takes, sends }, index) => ({
    ...at,
    stage: name,
    operator: labels[op.label],
    index,
    kind: op.kind,
    instruction: listOperation(op),
    from: begin + later,
    to: end + later,
    setup: act - begin,
    takes,
    sends,
  }));
}

/**
 * Operations from a cycle on. In a program of several stages a core may begin earlier than by its own clock: it prepares
 * and waits longer, and what it takes and sends is in the same cycles.
 */
function noEarlier(spans: readonly OpSpan[], begins: number): OpSpan[] {
  let reached = begins;
  return spans.map((span) => {
    const later = Math.max(0, reached - span.begin);
    const isFixed = span.takes + span.sends === 0;
    const begin = span.begin + later;
    reached = isFixed ? span.end + later : span.end;
    return { ...span, begin, act: span.act + later, end: reached };
  });
}

/** A stage's part of the program that it was simulated in, by that program's clock. */
function clockOf(
  { wafer: { costs } }: StageRunner,
  { stages, results, turn }: TimedStages,
  stage: number,
  core: number,
): {
  /** Cycles by which the program's clock lags. */
  later: number;
  /** Whether operations with a label are the stage's. */
  isOwn: (label: number) => boolean;
  /** When the core's first operation begins. */
  begins: number;
} {
  const isOwn = () => true;
  if (turn === undefined) {
    const later = results.slice(0, stage).reduce((sum, { cycles }) => sum + cycles, 0);
    return { later, isOwn, begins: costs.programStart };
  }
  const { start, first } = turn.visits[stage];
  const later = first - turn.chosen;
  const begins = startAtOf(stages[stage], start)[core] + costs.programStart;
  if (start.joint === undefined) return { later, isOwn, begins };
  const { run, part } = start.joint;
  return {
    later: later - start.joint.later,
    isOwn: (label) => run.partOf[label] === part,
    begins: begins + start.joint.later,
  };
}
