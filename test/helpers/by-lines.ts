/** A program by lines, compared with the reference, and how it was run. */
import { wholeRun, type RunInput, type RunResult } from '../../src/engine/engine.js';
import { startLines } from '../../src/engine/lines/lines.js';
import { createLineTable, type LineTable } from '../../src/engine/lines/table.js';
import { differenceFrom } from './contract.js';
import type { FamilyProgram } from './families.js';

/** How many programs were run by lines, with nudges, with phases merged, and whole, by why. */
export interface LineCounts {
  programs: number;
  lines: number;
  distinct: number;
  nudged: number;
  merged: number;
  whole: Record<string, number>;
}

export function createLineCounts(): LineCounts {
  return { programs: 0, lines: 0, distinct: 0, nudged: 0, merged: 0, whole: {} };
}

/** One table for many programs: what is equal in several of them is simulated once. */
let table: LineTable = createLineTable(2 ** 22);

/** The first difference from the reference in one line; '' if there is none. */
export function differenceByLines(
  { program, wafer, startAt }: FamilyProgram,
  counts: LineCounts,
  guarded = true,
): string {
  const engine = (input: RunInput): RunResult => {
    const result = wholeRun(startLines(input, table, { guarded }));
    const made = table.made.get(result)!;
    counts.lines += made.lines;
    counts.distinct += made.distinct.length;
    counts.nudged += Number(made.nudged > 0);
    if (made.whole !== undefined) counts.whole[made.whole] = (counts.whole[made.whole] ?? 0) + 1;
    else if (made.merged > 0) counts.merged++;
    return result;
  };
  counts.programs++;
  return differenceFrom({ program, wafer, startAt }, ['lines', engine]);
}

export function forgetLines(): void {
  table = createLineTable(2 ** 22);
}

export function lineCountsText(counts: LineCounts): string {
  const { programs, lines, distinct, nudged, merged, whole } = counts;
  const why = Object.entries(whole).map(([text, count]) => `${count} '${text}'`);
  return `${programs} programs: ${lines} lines, ${distinct} distinct in their programs; ${nudged} with nudges, ${merged} with phases merged, whole: ${why.join(', ')}`;
}
