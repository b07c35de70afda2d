/** A step core by core and operator by operator, out of the results of its stages. */
import { turnsOfRound } from './pipeline.js';
import type { Turn } from './ring.js';
import { boxOf, type StageTiming, type StepTiming } from './timeline.js';
import type { RunResult } from '../engine/engine.js';
import type { StagePlan } from '../lowering/lowering.js';
import type { OperatorSpan, RunDetail } from '../report/detail.js';
import { othersOf, type Round } from './other-tokens.js';
import { linksOfWafers } from './link-counts.js';
import { write, type StageRunner } from './stages.js';
import { addBefore, addIdle, addToMap, emptyMap, setLinks } from './wafer-maps.js';

/** A round of all users, and the path of the token that it describes. */
export function runDetail(
  runner: StageRunner,
  plans: StagePlan[],
  stages: StageTiming[],
  round: Round,
  users: number,
): RunDetail {
  const { timing, results, uses, turns, turn } = round;
  const { wafer, places, countedLinks } = runner;
  const links = linksOfWafers(countedLinks, wafer);
  const maps = links.map((_, i) => emptyMap(i, wafer.width, wafer.height));
  for (const { stage: i, result, tokens } of uses) {
    const stage = stages[i];
    const place = places[stage.region];
    const box = boxOf(stage, place);
    const { program } = write(runner, plans[i]);
    const { origin, columns, rows, programStart: startUp } = stage;
    const at = { x0: box.x, y0: box.y, origin, columns, rows };
    const mapped = { program, result, ...at, startUp, times: tokens };
    addToMap(maps[place.wafer], mapped);
    if (turn === undefined) addIdle(maps[place.wafer], mapped, timing.stageCycles[i]);
  }
  for (const [{ visits, chosen }, times] of counted(turns && turnsOfRound(turns, turn!, users)))
    for (const [i, visit] of visits.entries()) {
      const place = places[stages[i].region];
      addBefore(maps[place.wafer], stages[i], place, { visit, chosen, times });
    }
  maps.forEach((map, i) => setLinks(map, links[i]));
  const at = (i: number) => places[stages[i].region];
  const labels = stages.map((stage) => stage.labels);
  const others = othersOf(round);
  return {
    cycles: timing.cycles,
    stages: spansOf(timing, labels, results, at),
    ...(others.length > 0 && { others }),
    maps,
  };
}

/** Equal turns once, with how many there are. */
function counted(turns: readonly Turn[] = []): Map<Turn, number> {
  const counts = new Map<Turn, number>();
  for (const turn of turns) counts.set(turn, (counts.get(turn) ?? 0) + 1);
  return counts;
}

function spansOf(
  timing: StepTiming,
  labels: (readonly string[])[],
  results: RunResult[],
  at: (stage: number) => { name: string; wafer: number },
): RunDetail['stages'] {
  return timing.stages.map(({ name, start, end, from }, i) => {
    const operators = operatorsOf(labels[i], results[i], start, from);
    const { name: region, wafer } = at(i);
    return { name, region, wafer, start, end, operators };
  });
}

/** As the breakdown counts: an operator lasts from the latest earlier end to its slowest core's. */
function operatorsOf(
  labels: readonly string[],
  { labelEnd, labelBusy }: RunResult,
  first: number,
  from: number,
): OperatorSpan[] {
  const spans: OperatorSpan[] = [];
  let start = from;
  for (const [i, name] of labels.entries()) {
    const end = first + labelEnd[i];
    if (end <= start) continue;
    spans.push({ name, start, end, compute: Math.min(end - start, labelBusy[i]) });
    start = end;
  }
  return spans;
}
