/**
 * The fast engine: the reference's answer, to the cycle and to the counter, at the speed at which
 * people explore. A program with an error in it is run by the reference, which can tell what it is.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import type { RunInput, RunResult } from './engine.js';
import { createMachine, runMachine, type Counts, type Machine } from './fast/machine.js';
import { isSound } from './fast/sound.js';
import { layTables, notesOf, startsOf, type Tables } from './fast/tables.js';
import { resultOf } from './fast/tally.js';
import { reference } from './reference.js';

/** One program often runs many times, with other starts: its tables are kept as long as it is. */
const known = new WeakMap<Program, { wafer: WaferSpec; tables: Tables | undefined }>();

/** This thread's machine, which a run starts afresh; while it runs, and if it throws, it is nobody's. */
let idle: Machine | undefined;

/** Runs a program; with numbers (`input.memory`) as the reference does. Throws MachineError. */
export function fast(input: RunInput): RunResult {
  const tables = tablesOf(input);
  if (tables === undefined) return reference(input);
  const machine = idle ?? createMachine();
  idle = undefined;
  machine.onProgress = input.onProgress;
  const team = { machine, threads: 1, leastCores: 1, run: 0 };
  const notes = input.instants ? notesOf(input, tables) : undefined;
  const counts = runMachine(tables.image, startsOf(input, tables), team, notes);
  idle = machine;
  return toResult(input, tables, counts);
}

/**
 * The result of a run; without counts the machine failed, and the reference says how.
 * @throws MachineError; Error if the reference says that nothing did fail
 */
export function toResult(input: RunInput, tables: Tables, counts: Counts | undefined): RunResult {
  if (counts) return resultOf(input, tables, counts);
  reference(input);
  throw new Error(`the fast engine fails on ${input.program.name}, which the reference runs`);
}

/** Tables of a program on a wafer; none if something is wrong with it, or it carries numbers. */
export function tablesOf({ program, wafer, memory }: RunInput): Tables | undefined {
  if (memory !== undefined) return undefined;
  const before = known.get(program);
  if (before !== undefined && before.wafer === wafer) return before.tables;
  const tables = isSound(program, wafer) ? layTables(program, wafer) : undefined;
  known.set(program, { wafer, tables });
  return tables;
}
