/**
 * The fast engine: the reference's answer, to the cycle and to the counter, at the speed at which
 * people explore. A program with an error in it is run by the reference, which can tell what it is.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import type { RunInput, RunResult } from './engine.js';
import { createMachine, dismiss, layTables, runMachine } from './fast/machine.js';
import type { Machine, Tables, Team } from './fast/machine.js';
import { isSound } from './fast/sound.js';
import { resultOf } from './fast/tally.js';
import { reference } from './reference.js';

/** One program often runs many times, with other starts: its tables are kept as long as it is. */
const known = new WeakMap<Program, { wafer: WaferSpec; tables: Tables | undefined }>();

/** This thread's machine, which a run starts afresh; while it runs it is nobody else's. */
let idle: Machine | undefined;

/** Runs a program; with numbers (`input.memory`) as the reference does. Throws MachineError. */
export function fast(input: RunInput): RunResult {
  const machine = idle ?? createMachine();
  idle = undefined;
  try {
    return fastWith(input, { machine, threads: 1, leastCores: 1, run: 0 });
  } finally {
    idle = machine;
  }
}

/** The same by the first thread of a team: the others wait to help in that run. */
export function fastWith(input: RunInput, team: Team): RunResult {
  const tables = input.memory === undefined ? tablesOf(input) : undefined;
  if (tables === undefined) {
    dismiss(team);
    return reference(input);
  }
  const counts = runMachine(input, tables, team);
  return counts ? resultOf(input, tables, counts) : reference(input);
}

/** Tables of a program on a wafer; none if something is wrong with it. */
function tablesOf({ program, wafer }: RunInput): Tables | undefined {
  const before = known.get(program);
  if (before !== undefined && before.wafer === wafer) return before.tables;
  const tables = isSound(program, wafer) ? layTables(program, wafer) : undefined;
  known.set(program, { wafer, tables });
  return tables;
}
