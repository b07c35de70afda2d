/** What is counted while a program runs, and the result made of it. */
import type { RunInput, RunResult } from '../engine.js';
import { RAMP } from '../../hardware/mesh.js';
import { FROM_CORE, type Channels } from './channels.js';
import type { Operations } from './operations.js';

export interface Tally {
  input: RunInput;
  ops: Operations;
  end: Int32Array;
  waitOutput: Int32Array;
  labelEnd: Int32Array;
  labelCore: Int32Array;
}

export function createTally(input: RunInput, ops: Operations): Tally {
  const cores = input.program.width * input.program.height;
  const labels = input.program.labels.length;
  return {
    input,
    ops,
    end: new Int32Array(cores),
    waitOutput: new Int32Array(cores),
    labelEnd: new Int32Array(labels).fill(-0x80000000),
    labelCore: new Int32Array(labels),
  };
}

/** Notes that a core ended the last of its operations with a label. */
export function endLabel(tally: Tally, label: number, core: number, end: number): void {
  const before = tally.labelEnd[label];
  if (end < before || (end === before && core > tally.labelCore[label])) return;
  tally.labelEnd[label] = end;
  tally.labelCore[label] = core;
}

/** Everything else follows: set-up and compute are the operations', and input was waited for otherwise. */
export function resultOf(
  tally: Tally,
  channels: Channels,
  sentBy: (channel: number) => number,
  routeHazards: number,
): RunResult {
  const { input, ops, end, waitOutput, labelEnd, labelCore } = tally;
  const { cores, roleOf } = channels;
  const labels = labelEnd.length;
  const compute = new Int32Array(cores);
  const setup = new Int32Array(cores);
  const waitInput = new Int32Array(cores);
  let cycles = 0;
  for (let core = 0; core < cores; core++) {
    const list = ops.listOf[roleOf[core]];
    compute[core] = ops.compute[list];
    setup[core] = ops.setupSum[list];
    const all = end[core] - (input.startAt?.[core] ?? 0);
    waitInput[core] = all - compute[core] - setup[core] - waitOutput[core];
    cycles = Math.max(cycles, end[core]);
  }
  if (input.program.root !== undefined) cycles = Math.max(0, end[input.program.root]);
  const labelBusy = labelEnd.map((at, label) =>
    at === -0x80000000 ? 0 : ops.busy[ops.listOf[roleOf[labelCore[label]]] * labels + label],
  );
  return {
    cycles,
    end,
    compute,
    setup,
    waitInput,
    waitOutput,
    labelEnd,
    labelBusy,
    ...countWavelets(channels, sentBy),
    routeHazards,
  };
}

function countWavelets(channels: Channels, sentBy: (channel: number) => number) {
  const linkWavelets = new Int32Array(channels.cores * 4);
  let sent = 0;
  let delivered = 0;
  let waveletHops = 0;
  for (let core = 0; core < channels.cores; core++) {
    const ends = channels.ends[channels.roleOf[core]];
    for (let i = 0; i < ends.length; i++) {
      const n = sentBy(channels.place[channels.base[core] + i]);
      const { end } = ends[i];
      if (end === FROM_CORE) sent += n;
      else if (end === RAMP) delivered += n;
      else {
        linkWavelets[core * 4 + end] += n;
        waveletHops += n;
      }
    }
  }
  return { linkWavelets, sent, delivered, waveletHops };
}
