/** The cores of the engine without a clock: operations in order, streams in runs (see streams.ts). */
import { RAMP } from '../../hardware/mesh.js';
import { channelFrom, channelSent } from './channels.js';
import { STREAM } from './operations.js';
import { COUNT, delayRuns, dropRun, pushRun } from './runs.js';
import {
  CREDITS,
  FLAGS,
  IS_WANTED,
  OPEN_FROM,
  WAVELETS,
  openFor,
  popRun,
  promise,
  promised,
  sendRun,
} from './stream-channels.js';
import type { Streams } from './streams.js';
import { endLabel } from './tally.js';

/** Takes a core through its operations until a stream lacks something not known yet. */
export function runCore(m: Streams, core: number): void {
  const { ops } = m;
  const last = ops.first[m.channels.roleOf[core] + 1];
  while (m.streaming[core] < 2) {
    const op = m.op[core];
    if (op === last) {
      m.tally.end[core] = m.front[core];
      m.streaming[core] = 2;
      m.done++;
      return;
    }
    if (ops.kind[op] === STREAM) {
      if (m.streaming[core] === 0) beginStream(m, core, op);
      stream(m, core, op);
      if (m.left[core] > 0 || m.pipe[core * 4 + COUNT] > 0) return promiseOfCore(m, core, op);
      endStream(m, core, op);
    } else m.front[core] += ops.setup[op] + ops.cycles[op];
    if (ops.last[op] === 1) endLabel(m.tally, ops.label[op], core, m.front[core]);
    m.op[core]++;
  }
}

function beginStream(m: Streams, core: number, op: number): void {
  const { ops, channels } = m;
  m.streaming[core] = 1;
  m.front[core] += ops.setup[op];
  m.left[core] = ops.count[op];
  m.input[core] = ops.source[op] < 0 ? -1 : channelFrom(channels, core, RAMP, ops.source[op]);
  m.output[core] = ops.destination[op] < 0 ? -1 : channelSent(channels, core, ops.destination[op]);
}

/** The last result enters the ramp `latency` cycles after its element, and later if it has no slot. */
function endStream(m: Streams, core: number, op: number): void {
  m.streaming[core] = 0;
  if (m.output[core] >= 0) {
    const end = m.entered[core] + 1;
    m.tally.waitOutput[core] += end - m.front[core] - m.ops.latency[op];
    m.front[core] = end;
  }
  m.input[core] = -1;
  m.output[core] = -1;
  m.stalls[core] = undefined;
}

function stream(m: Streams, core: number, op: number): void {
  const { chan, pool, pipe } = m;
  const input = m.input[core] << 4;
  const output = m.output[core] << 4;
  const latency = m.ops.latency[op];
  for (;;) {
    while (pipe[core * 4 + COUNT] > 0 && enterRamp(m, core, output));
    let count = m.left[core];
    if (count === 0) return;
    let usable = m.front[core];
    if (input >= 0) {
      if (chan[input + WAVELETS + COUNT] === 0) return;
      usable = Math.max(usable, chan[input + WAVELETS]);
      count = Math.min(count, chan[input + WAVELETS + COUNT]);
    }
    const stalls = m.stalls[core];
    const t = stalls === undefined ? usable : afterStalls(stalls, usable);
    let stand = t + latency;
    if (stalls !== undefined && stalls.length > 0) {
      count = Math.min(count, stalls[0] - t);
      for (let i = 0; i < stalls.length; i += 2) stand += stalls[i + 1] - stalls[i];
    }
    if (output >= 0) {
      if (pipe[core * 4 + COUNT] > 0) {
        if (t >= pipe[core * 4]) return;
        count = Math.min(count, pipe[core * 4] - t);
        pushRun(pool, pipe, core * 4, stand, count);
      } else {
        const free = freeAt(m, output, stand);
        count = Math.min(count, free > 0 ? free : stand - t);
        if (free > 0) enter(m, core, output, stand, count);
        else pushRun(pool, pipe, core * 4, stand, count);
      }
    }
    m.tally.waitOutput[core] += t - usable;
    if (input >= 0) popRun(m, input, t, count);
    m.left[core] -= count;
    m.front[core] = t + count;
  }
}

/** Slots of the ramp that are free for a run that stands at the pipeline's end from cycle `t` on. */
function freeAt(m: Streams, output: number, t: number): number {
  const known = m.chan[output + CREDITS + COUNT];
  if (known > 0 && m.chan[output + CREDITS] > t) return 0;
  return Math.max(known, promised(m, output, t));
}

function enter(m: Streams, core: number, output: number, t: number, count: number): void {
  sendRun(m, output, t, count);
  m.entered[core] = t + count - 1;
}

/** Lets results that stand at the pipeline's end into the ramp; false if no slot is known. */
function enterRamp(m: Streams, core: number, output: number): boolean {
  const { chan, pipe, pool } = m;
  const stand = pipe[core * 4];
  const known = chan[output + CREDITS + COUNT];
  const t = known > 0 ? Math.max(stand, chan[output + CREDITS]) : stand;
  const free = Math.max(known, promised(m, output, t));
  if (free === 0) {
    chan[output + FLAGS] |= IS_WANTED;
    return false;
  }
  if (t > stand) {
    delayRuns(pool, pipe, core * 4, t - stand);
    (m.stalls[core] ??= []).push(stand, t);
  }
  const count = Math.min(free, pipe[core * 4 + COUNT]);
  enter(m, core, output, t, count);
  dropRun(pool, pipe, core * 4, count);
  return true;
}

/** The first cycle from `t` on in which the pipeline moves; forgets standstills before it. */
function afterStalls(stalls: number[], t: number): number {
  while (stalls.length > 0 && t >= stalls[0]) {
    t = Math.max(t, stalls[1]);
    stalls.splice(0, 2);
  }
  return t;
}

/** A core takes wavelets as they come if its results find slots, or stay here. */
function promiseOfCore(m: Streams, core: number, op: number): void {
  if (m.input[core] < 0) return;
  const input = m.input[core] << 4;
  if (m.output[core] < 0) return promise(m, input, m.front[core], m.left[core]);
  const output = m.output[core] << 4;
  const blocked = m.pipe[core * 4 + COUNT] > 0 || (m.stalls[core]?.length ?? 0) > 0;
  const count = blocked ? 0 : Math.min(m.left[core], openFor(m, output));
  const from = m.chan[output + OPEN_FROM] - m.ops.latency[op];
  promise(m, input, Math.max(m.front[core], from), count);
}
