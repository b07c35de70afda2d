/**
 * Generated programs on two engines, as many as wanted:
 *
 *     npm run fuzz -- --programs 20000 --seed 1 [--engine fast] [--costs 2^40]
 *
 * With `--engine parts` or `--engine "parts on 2 threads"` programs are of several parts. With `--costs` operations cost up to so many cycles, and times go beyond 32 bits. A program on which the engine differs from the reference is shrunk, listed with the machine it ran
 * on, and ends the search with exit code 1. The same seed gives the same programs.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import type { NamedEngine } from '../../src/studies/diff/diff.js';
import { contentionLine, createContention, observeContention } from '../helpers/contention.js';
import { differenceOn, listGenerated } from '../helpers/contract.js';
import { byParts, engines } from '../helpers/engines.js';
import { programs, type Generated } from '../helpers/generate.js';
import { stackedPrograms } from '../helpers/stacked.js';

/** Programs between two notes of progress. */
const BATCH = 1000;
/** Of every so many programs one is run under observation, which takes longer than the comparison. */
const OBSERVED = 10;

function main(): void {
  const { values } = parseArgs({
    options: {
      programs: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      engine: { type: 'string', default: 'fast' },
      costs: { type: 'string', default: '0' },
    },
  });
  const wanted = wholeNumber('programs', values.programs);
  const seed = wholeNumber('seed', values.seed);
  const costs = costsOf(values.costs);
  const engine = [...engines, ...byParts].find(([name]) => name === values.engine);
  if (engine === undefined) throw new RangeError(`--engine: no engine '${values.engine}'`);
  const counts = createContention();
  for (let done = 0; done < wanted; done += BATCH) {
    const failure = search(engine, seed + done, Math.min(BATCH, wanted - done), costs, counts);
    if (failure !== undefined) {
      process.stdout.write(`${failure}\n`);
      process.exitCode = 1;
      return;
    }
    process.stderr.write(`${Math.min(wanted, done + BATCH)} of ${wanted} programs\n`);
  }
  process.stdout.write(`${wanted} generated programs from seed ${seed}: no difference\n`);
  process.stdout.write(`observed, one in ${OBSERVED}: ${contentionLine(counts)}\n`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 1e9) return value;
  throw new RangeError(`--${name}: expected a whole number up to 1000000000, found ${text}`);
}

/** `2^40` or a whole number, up to 2^40. */
function costsOf(text: string): number {
  const [base, power = '1'] = text.split('^');
  const value = Number(base) ** Number(power);
  if (/^\d+(\^\d+)?$/.test(text) && value <= 2 ** 40) return value;
  throw new RangeError(`--costs: expected a whole number up to 2^40, found ${text}`);
}

/** One batch of programs; a text if one of them shows a difference. */
function search(
  engine: NamedEngine,
  seed: number,
  numRuns: number,
  costs: number,
  counts: ReturnType<typeof createContention>,
): string | undefined {
  let run = 0;
  let found = false;
  const differs = (given: Generated) => {
    if (!found && run++ % OBSERVED === 0) observeContention(counts, given);
    const difference = differenceOn(given, engine);
    found ||= difference !== '';
    return difference === '';
  };
  const generated = byParts.includes(engine) ? stackedPrograms(costs) : programs(costs);
  const result = fc.check(fc.property(generated, differs), { seed, numRuns });
  if (!result.failed) return undefined;
  if (result.counterexample === null) throw new Error('the search broke off');
  const [smallest] = result.counterexample;
  return [
    `${engine[0]} differs from reference (again: --seed ${seed} --costs ${costs}; ${result.numShrinks} shrinks):`,
    whatDiffers(smallest, engine),
    listGenerated(smallest),
  ].join('\n');
}

/** An engine that breaks says so itself. */
function whatDiffers(given: Generated, engine: NamedEngine): string {
  try {
    return differenceOn(given, engine);
  } catch (error) {
    return String(error);
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`fuzz: ${error.message}\n`);
  process.exitCode = 2;
}
