/**
 * The fast engine: the reference's answer, to the cycle and to the counter, many times faster. A program
 * with an error in it is run by the reference, which reports the error.
 */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { Program } from '../../program/program.js';
import { notOver, tooLong } from '../checks.js';
import { endedIn, lastEnd } from '../by-core.js';
import { LAST_CYCLE, wholeRun } from '../engine.js';
import type { Run, RunInput, RunResult } from '../engine.js';
import { firstWay, nextWay, startMachine } from './run.js';
import { createMachine } from './machine.js';
import type { Machine } from './machine.js';
import type { Ending, Way } from './run.js';
import { areKept } from './operations.js';
import { isSound } from './sound.js';
import { standingOf } from './standing.js';
import { layTables, notesOf, startsOf, type Tables } from './tables.js';
import { resultOf } from './tally.js';
import { startReference } from '../reference/reference.js';

/** One program often runs many times, with other starts: its tables are kept as long as it is. */
const known = new WeakMap<Program, Known>();

/**
 * Those of the last small ones. Many of these may come one after the other, and what is kept by what it is of costs the
 * collector of garbage more than making it again.
 */
const lastSmall: { program: Program; known: Known }[] = [];
const MOST_SMALL = 4;

interface Known {
  wafer: WaferSpec;
  tables: Tables | undefined;
}

function knownOf(program: Program): Known | undefined {
  if (areKept(program)) return known.get(program);
  return lastSmall.find((one) => one.program === program)?.known;
}

function keep(program: Program, of: Known): void {
  if (areKept(program)) {
    known.set(program, of);
    return;
  }
  const before = lastSmall.findIndex((one) => one.program === program);
  if (before >= 0) lastSmall.splice(before, 1);
  lastSmall.push({ program, known: of });
  if (lastSmall.length > MOST_SMALL) lastSmall.shift();
}

/**
 * The machine cached for this thread. A run takes it out and puts it back only on success, so a
 * half-finished machine is never reused.
 */
let idle: Machine | undefined;

/** Runs a program; with numbers (`input.memory`) as the reference does. Throws MachineError. */
export function fast(input: RunInput): RunResult {
  return wholeRun(startFast(input));
}

/** The same in slices. */
export function startFast(input: RunInput): Run {
  const tables = tablesOf(input);
  if (tables === undefined) return startReference(input);
  const machine = idle ?? createMachine();
  idle = undefined;
  const starts = startsOf(input, tables);
  const wants = {
    limit: input.maxCycles,
    notes: input.instants ? notesOf(input, tables) : undefined,
  };
  const start = (way: Way) => {
    const team = { machine, threads: 1, leastCores: 1, run: 0, ...way };
    return startMachine(tables.image, starts, team, wants);
  };
  let way = firstWay(tables.image, starts);
  let running = start(way);
  /** The reference on the same input, which finds out how the machine failed. */
  let reference: Run | undefined;
  return {
    cycle: () => reference?.cycle() ?? running.places().cycle - 1,
    standing: () => reference?.standing() ?? standingOf(tables, input.program, running.places()),
    advance() {
      if (reference === undefined) {
        const ending = running.advance();
        if (ending === undefined) return undefined;
        const next = nextWay(ending, way);
        if (next !== undefined) {
          running = start((way = next));
          return undefined;
        }
        idle = machine;
        const result = toResult(input, tables, ending);
        if (result !== undefined) return result;
        reference = startReference(input);
      }
      if (reference.advance() !== undefined) throw new Disagreement(input.program);
      return undefined;
    },
  };
}

/** The machine failed on a program that the reference runs without a failure. */
export class Disagreement extends Error {
  constructor({ name }: Program) {
    super(`the fast engine fails on ${name}, which the reference runs`);
  }
}

/**
 * The result of a run that is over with these times, or with 64 bits; none if the machine failed, and the
 * reference is to report how.
 * @throws LimitError if it was not over by its limit, MachineError if it is too long
 */
export function toResult(input: RunInput, tables: Tables, ending: Ending): RunResult | undefined {
  const { maxCycles = Infinity, program } = input;
  if (ending.state === 'beyond') throw tooLong(program);
  if (ending.state !== 'whole' && ending.state !== 'late') return undefined;
  if (ending.state === 'whole') {
    const result = resultOf(input, tables, ending.counts);
    if (lastEnd(endedIn(result)) <= Math.min(maxCycles, LAST_CYCLE)) return result;
    if (maxCycles > LAST_CYCLE) throw tooLong(program);
  }
  const { atLimit } = ending;
  const standing = atLimit ? standingOf(tables, program, atLimit, maxCycles) : [];
  throw notOver(input, standing);
}

/**
 * Tables of a program on a wafer; none if something is wrong with it or too long, or it carries numbers or what is
 * wrong with them.
 */
export function tablesOf({ program, wafer, memory, badIndices }: RunInput): Tables | undefined {
  if (memory !== undefined || badIndices !== undefined) return undefined;
  const before = knownOf(program);
  if (before !== undefined && before.wafer === wafer) return before.tables;
  const laid = isSound(program, wafer) ? layTables(program, wafer) : undefined;
  const tables = laid && laid.ahead <= LAST_CYCLE ? laid : undefined;
  keep(program, { wafer, tables });
  return tables;
}
