/**
 * Generated programs of several families, by lines and whole, as many as wanted:
 *
 *     npm run fuzz:lines -- --programs 20000 --seed 1 [--unguarded] [--bunches]
 *
 * With `--bunches` each four times, its cores in bunches that are more or less far apart. A program of which the two differ is shrunk, listed with the machine it ran on, and ends the search with exit
 * code 1. Without the guard it is to end so.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import {
  createLineCounts,
  differenceByLines,
  differenceInBunches,
  lineCountsText,
} from '../helpers/by-lines.js';
import { familyPrograms, type FamilyProgram } from '../helpers/families.js';
import { listProgram } from '../helpers/list-program.js';

/** Programs between two notes of progress. */
const BATCH = 1000;

function main(): void {
  const { values } = parseArgs({
    options: {
      programs: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      unguarded: { type: 'boolean', default: false },
      bunches: { type: 'boolean', default: false },
    },
  });
  const [wanted, seed] = [Number(values.programs), Number(values.seed)];
  if (!(wanted > 0) || !Number.isInteger(seed))
    throw new RangeError('expected --programs N --seed N');
  const counts = createLineCounts();
  const guarded = !values.unguarded;
  for (let done = 0; done < wanted; done += BATCH) {
    const numRuns = Math.min(BATCH, wanted - done);
    const differenceOf = (given: FamilyProgram) =>
      values.bunches
        ? differenceInBunches(given, counts, seed)
        : differenceByLines(given, counts, guarded);
    const holds = (given: FamilyProgram) => differenceOf(given) === '';
    const found = fc.check(fc.property(familyPrograms(), holds), { seed: seed + done, numRuns });
    if (found.failed && found.counterexample !== null) {
      const [smallest] = found.counterexample;
      const { fabric, costs } = smallest.wafer;
      process.stdout.write(
        [
          `lines differ from the reference (again: --seed ${seed + done}): ${differenceOf(smallest)}`,
          `fabric ${JSON.stringify(fabric)}, setup ${costs.setup.f32}, latency ${costs.latency.f32}, start ${costs.programStart}`,
          `starts ${smallest.startAt.join(' ')}`,
          `${listProgram(smallest.program)}\n`,
        ].join('\n'),
      );
      process.exitCode = 1;
      return;
    }
    process.stderr.write(`${done + numRuns} of ${wanted} programs\n`);
  }
  process.stdout.write(`${wanted} generated programs from seed ${seed}: no difference\n`);
  process.stdout.write(`${lineCountsText(counts)}\n`);
}

main();
