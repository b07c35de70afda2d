/** What one of several stages did that ran as one program (see lowering/joined.ts), by its own clock. */
import type { RunResult } from '../engine/engine.js';
import type { Rectangle } from '../lowering/hand-off.js';
import { coreIn, type Joined, type Part, type SharedCore } from '../lowering/joined.js';
import type { Program } from '../program/program.js';

/** A run of several stages as one program, by the clock of the first. */
export interface JointRun {
  program: Program;
  startAt: Float64Array;
  result: RunResult;
  box: Rectangle;
  boxes: Rectangle[];
  /** By label of the program: the part that it is of. */
  partOf: Int32Array;
}

/** One of its parts: its number, and the cycles by which its clock lags. */
export interface JointPart {
  run: JointRun;
  part: number;
  later: number;
}

export interface PartResult {
  /** What it was a part of. */
  joint?: JointPart;
  /** By core: cycle from which it works for the part, its start-up over; and that after its last operation. */
  since: Float64Array;
  end: Float64Array;
  waitOutput: Float64Array;
  labelEnd: Float64Array;
  labelWaitInput: Float64Array;
  labelWaitOutput: Float64Array;
}

/** A core that works for no part or one: neither is at a turn after another. */
const ALONE: SharedCore = { parts: [], labels: [] };

/**
 * What each part did. How long a core that works for several parts waits for output is known for all of them
 * together; what is more than alone is counted in its last.
 * @param alone each part's result when it ran alone
 * @param startUp by part, the cycles that a core takes to start
 */
export function partResults(
  { program: all, box, startAt, shared }: Joined,
  parts: Part[],
  alone: RunResult[],
  together: RunResult,
  startUp: number[],
): PartResult[] {
  const run: JointRun = {
    ...{ program: all, startAt, result: together, box, boxes: parts.map((part) => part.box) },
    partOf: partsOfLabels(all, parts, shared),
  };
  let firstLabel = 0;
  return parts.map(({ program, box: place, later, startAt: starts }, p) => {
    const since = new Float64Array(starts);
    // Cores that do nothing have no end.
    const end = new Float64Array(starts.length).fill(-Infinity);
    const waitOutput = new Float64Array(end.length);
    const labels = program.labels.length;
    const own = (of: Float64Array) => of.slice(firstLabel, firstLabel + labels);
    const labelEnd = own(together.labelEnd);
    const labelWaitInput = own(together.labelWaitInput);
    const labelWaitOutput = own(together.labelWaitOutput);
    firstLabel += labels;
    program.roleOf.forEach((role, core) => {
      const { operations } = program.roles[role];
      if (operations.length === 0) return;
      const at = coreIn(box, place, core);
      const { parts: all, labels: ends } = shared.get(at) ?? ALONE;
      const turn = all.indexOf(p);
      const isLast = turn === all.length - 1;
      since[core] =
        (turn > 0 ? together.labelEnd[ends[turn - 1]] : startAt[at] + startUp[p]) - later;
      const absolute = isLast ? together.end[at] : together.labelEnd[ends[turn]];
      end[core] = absolute - later;
      waitOutput[core] = isLast ? together.waitOutput[at] : alone[p].waitOutput[core];
      if (isLast)
        for (const before of all.slice(0, -1))
          waitOutput[core] -= alone[before].waitOutput[coreIn(parts[before].box, box, at)];
      const { label } = operations.at(-1)!;
      labelEnd[label] = Math.max(labelEnd[label], absolute);
      if (turn < 0 || isLast) return;
      // The last operation for a part has a label of its own.
      labelWaitInput[label] += together.labelWaitInput[ends[turn]];
      labelWaitOutput[label] += together.labelWaitOutput[ends[turn]];
    });
    for (let label = 0; label < labels; label++) labelEnd[label] -= later;
    const joint = { run, part: p, later };
    return { joint, since, end, waitOutput, labelEnd, labelWaitInput, labelWaitOutput };
  });
}

/** By label of a program of several parts: the part that it is of. */
function partsOfLabels({ labels }: Program, parts: Part[], shared: Joined['shared']): Int32Array {
  const of = new Int32Array(labels.length);
  let first = 0;
  for (const [p, { program }] of parts.entries()) {
    of.fill(p, first, first + program.labels.length);
    first += program.labels.length;
  }
  for (const { parts: works, labels: ends } of shared.values())
    for (const [turn, label] of ends.entries()) of[label] = works[turn];
  return of;
}
