/** A program by lines, compared with the reference, and how it was run. */
import { wholeRun, type RunInput, type RunResult } from '../../src/engine/engine.js';
import { startLines } from '../../src/engine/lines/lines.js';
import { createLineTable, type LineTable } from '../../src/engine/lines/table.js';
import { differenceFrom } from './contract.js';
import { inBunches, type FamilyProgram } from './families.js';

/** How many programs were run by lines, with nudges, with lines joined or phases merged, and whole, by why. */
export interface LineCounts {
  programs: number;
  lines: number;
  distinct: number;
  nudged: number;
  /** Lines whose results were made of others' with other distances between bunches of starts. */
  stretched: number;
  joined: number;
  merged: number;
  whole: Record<string, number>;
}

export function createLineCounts(): LineCounts {
  return {
    programs: 0,
    lines: 0,
    distinct: 0,
    nudged: 0,
    stretched: 0,
    joined: 0,
    merged: 0,
    whole: {},
  };
}

/** All of them: small programs have hardly any lines but large ones. */
const MOST_JOINED = 2;

/** One table for many programs: what is equal in several of them is simulated once. */
let table: LineTable = createLineTable(2 ** 22);

/** The first difference from the reference in one line; '' if there is none. */
export function differenceByLines(
  { program, wafer, startAt }: FamilyProgram,
  counts: LineCounts,
  guarded = true,
): string {
  const engine = (input: RunInput): RunResult => {
    const result = wholeRun(startLines(input, table, { guarded, mostJoined: MOST_JOINED }));
    const made = table.made.get(result)!;
    counts.lines += made.lines;
    counts.distinct += made.distinct.length;
    counts.nudged += Number(made.nudged > 0);
    counts.stretched += made.stretched;
    if (made.whole !== undefined) counts.whole[made.whole] = (counts.whole[made.whole] ?? 0) + 1;
    else if (made.merged > 0) counts.merged++;
    else if (made.joined > 0) counts.joined++;
    return result;
  };
  counts.programs++;
  return differenceFrom({ program, wafer, startAt }, ['lines', engine]);
}

/** The first difference with starts in bunches: their distances are others from run to run. */
export function differenceInBunches(
  given: FamilyProgram,
  counts: LineCounts,
  seed: number,
): string {
  for (const apart of DISTANCES) {
    const difference = differenceByLines(inBunches(given, seed, apart), counts);
    if (difference !== '') return `${difference} (bunches ${apart.join(', ')} cycles apart)`;
  }
  return '';
}

const DISTANCES = [
  [700, 500],
  [737, 500],
  [350, 913],
  [90, 60],
] as const;

export function forgetLines(): void {
  table = createLineTable(2 ** 22);
}

export function lineCountsText(counts: LineCounts): string {
  const { programs, lines, distinct, nudged, stretched, joined, merged, whole } = counts;
  const why = Object.entries(whole).map(([text, count]) => `${count} '${text}'`);
  return `${programs} programs: ${lines} lines, ${distinct} distinct in their programs; ${nudged} with nudges, ${stretched} lines stretched, ${joined} with lines joined, ${merged} with phases merged, whole: ${why.join(', ')}`;
}
