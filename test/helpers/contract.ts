/** Do two engines agree on a program? What they differ in as text, with all that is needed to see it. */
import { compareRuns, type NamedEngine } from '../../src/studies/diff/diff.js';
import type { RunInput } from '../../src/engine/engine.js';
import { reference } from '../../src/engine/reference/reference.js';
import { listProgram } from './list-program.js';
import { differenceLine } from '../../src/studies/diff/text.js';
import type { Generated } from './generate.js';

export const TRUTH: NamedEngine = ['reference', reference];

/** The first difference from the reference in one line; '' if there is none. */
export function differenceFrom(input: RunInput, engine: NamedEngine): string {
  const { difference } = compareRuns(input, [TRUTH, engine]);
  return difference === undefined ? '' : differenceLine(difference.first);
}

/** The same for a generated program, once timed and once computing. */
export function differenceOn(given: Generated, engine: NamedEngine): string {
  const { program, wafer, startAt } = given;
  const input = { program, wafer, startAt };
  return (
    differenceFrom(input, engine) || differenceFrom({ ...input, memory: given.memory() }, engine)
  );
}

/** A generated program to be read: its machine, when its cores start, what they do. */
export function listGenerated({ program, wafer, startAt, fault }: Generated): string {
  const { programStart, routeChange, setup, issue, latency } = wafer.costs;
  return [
    `fabric ${JSON.stringify(wafer.fabric)}`,
    `costs ${JSON.stringify({ programStart, routeChange, setup, issue, latency })}`,
    `starts ${startAt.join(' ')}; fault: ${fault}`,
    listProgram(program),
  ].join('\n');
}
