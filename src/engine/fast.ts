/**
 * The fast engine: the reference's answer, to the cycle and to the counter, at the speed at which
 * people explore. A program with an error in it is run by the reference, which can tell what it is.
 */
import type { RunInput, RunResult } from './engine.js';
import { layChannels } from './fast/channels.js';
import { runClocked } from './fast/clocked.js';
import { flattenOperations } from './fast/operations.js';
import { isSound } from './fast/sound.js';
import { createTally } from './fast/tally.js';
import { reference } from './reference.js';

/** Runs a program; with numbers (`input.memory`) as the reference does. Throws MachineError. */
export function fast(input: RunInput): RunResult {
  const { program, wafer } = input;
  if (input.memory !== undefined || !isSound(program, wafer)) return reference(input);
  const ops = flattenOperations(program, wafer);
  const channels = layChannels(program, ops, wafer.fabric.colors);
  return runClocked(input, ops, channels, createTally(input, ops)) ?? reference(input);
}
