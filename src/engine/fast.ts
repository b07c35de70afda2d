/**
 * The fast engine: the reference's answer, to the cycle and to the counter, at the speed at which
 * people explore. A program with an error in it is run by the reference, which can tell what it is.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import type { RunInput, RunResult } from './engine.js';
import { layChannels, type Channels } from './fast/channels.js';
import { runClocked } from './fast/clocked.js';
import { flattenOperations, type Operations } from './fast/operations.js';
import { isSound } from './fast/sound.js';
import { createTally } from './fast/tally.js';
import { reference } from './reference.js';

/** Tables of a program on a wafer; none if something is wrong with it. */
interface Tables {
  wafer: WaferSpec;
  sound?: { ops: Operations; channels: Channels };
}

/** One program often runs many times, with other starts: its tables are kept as long as it is. */
const known = new WeakMap<Program, Tables>();

/** Runs a program; with numbers (`input.memory`) as the reference does. Throws MachineError. */
export function fast(input: RunInput): RunResult {
  const { sound } = input.memory === undefined ? tablesOf(input) : {};
  if (sound === undefined) return reference(input);
  const { ops, channels } = sound;
  return runClocked(input, ops, channels, createTally(input, ops)) ?? reference(input);
}

function tablesOf({ program, wafer }: RunInput): Tables {
  const before = known.get(program);
  if (before !== undefined && before.wafer === wafer) return before;
  const tables: Tables = { wafer };
  if (isSound(program, wafer)) {
    const ops = flattenOperations(program, wafer);
    tables.sound = { ops, channels: layChannels(program, ops, wafer.fabric.colors) };
  }
  known.set(program, tables);
  return tables;
}
