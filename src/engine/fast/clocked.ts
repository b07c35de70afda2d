/**
 * The wafer on a clock: cycle by cycle, but only routers and cores for which something may have
 * changed. Wavelets are counts and a few cycles in a ring, not objects (clocked-routes.ts). A place in
 * a queue is not given back by an event: the sender looks when the wavelet that had it was popped.
 * Timing only; where the machine fails it says so and leaves the telling to the reference.
 */
import type { RunInput, RunResult } from '../engine.js';
import type { Channels } from './channels.js';
import { stepCores } from './clocked-cores.js';
import { stepRouters } from './clocked-routers.js';
import { POPPED, RING, SENT, fillChannels, setRoute } from './clocked-routes.js';
import { OUTPUT, SOURCE } from './clocked-operations.js';
import { AHEAD } from './clocked-streams.js';
import { NEVER, createDue, nextDue } from './due.js';
import { resultOf, type Tally } from './tally.js';
import type { Operations } from './operations.js';
import { createWheel, nextCycle, setTimer, siftTimers } from './wheel.js';

export type Clocked = ReturnType<typeof createClocked>;

/** Runs a program on the clock; undefined if the machine fails somewhere. */
export function runClocked(
  input: RunInput,
  ops: Operations,
  channels: Channels,
  tally: Tally,
): RunResult | undefined {
  const m = createClocked(input, ops, channels, tally);
  const { due, wheel } = m;
  let t = m.start;
  for (let cycle = 1; t !== NEVER && !m.failed; cycle++) {
    if (t >= wheel.sift) siftTimers(wheel, t);
    stepCores(m, t);
    if (due.any[t & (due.window - 1)] === 1) stepRouters(m, t);
    due.any[t & (due.window - 1)] = 0;
    if ((cycle & 0xffff) === 0) input.onProgress?.(t);
    t = cycleAfter(m, t);
  }
  if (m.failed || m.done < channels.cores || holdsAny(m)) return undefined;
  return resultOf(tally, channels, (channel) => m.chan[(channel << m.shift) + SENT], m.hazards);
}

/** The next cycle in which somebody is due. */
function cycleAfter({ due, wheel }: Clocked, t: number): number {
  const next = nextDue(due, t);
  return wheel.near + wheel.beyond === 0 ? next : nextCycle(wheel, t, next);
}

function holdsAny({ chan, shift }: Clocked): boolean {
  for (let c = 0; c < chan.length; c += 1 << shift)
    if (chan[c + SENT] !== chan[c + POPPED]) return true;
  return false;
}

function createClocked(input: RunInput, ops: Operations, channels: Channels, tally: Tally) {
  const { program, wafer, startAt } = input;
  const { cores } = channels;
  const { hopCycles: hop, rampCycles: ramp, queueDepth: depth } = wafer.fabric;
  const start = startAt === undefined ? 0 : startAt.reduce((a, b) => Math.min(a, b), NEVER);
  // What is told ahead is no farther off than this.
  const longest = program.linkHops?.reduce((a, b) => Math.max(a, b), 1) ?? 1;
  const window = powerOf2(AHEAD + 2 * ramp + hop * longest + 2);
  const places = powerOf2(depth);
  const shift = 31 - Math.clz32(powerOf2(RING + places));
  const m = {
    ops,
    channels,
    tally,
    hop,
    program,
    /** By channel: cycles of its link, unless all are of `hop` cycles. */
    ways: program.linkHops && new Int32Array(channels.base[cores]),
    ramp,
    depth,
    start,
    programStart: wafer.costs.programStart,
    /** Records of channels, `1 << shift` fields each; `ring` masks an index into the ring of cycles. */
    chan: new Int32Array(channels.base[cores] << shift),
    shift,
    ring: places - 1,
    /** Records of slots, 8 fields each, and of routers, 4 each. */
    slot: new Int32Array(channels.slots * 8),
    router: new Int32Array(cores * 4),
    /** Records of cores, 16 fields each. */
    cores: new Int32Array(cores * 16),
    due: createDue(cores, window),
    wheel: createWheel(cores, start),
    /** Can a colour arrive at some router on two ports? By slot, the last cycles in which one did. */
    meets: false,
    hearing: window,
    heard: new Int32Array(0),
    hazards: 0,
    done: 0,
    failed: false,
  };
  fillChannels(m);
  if (m.meets) m.heard = new Int32Array(channels.slots * m.hearing).fill(-0x80000000);
  for (let core = 0; core < cores; core++) {
    const role = program.roles[channels.roleOf[core]];
    for (const route of role.routes) setRoute(m, core, route.color, route.inputs, route.outputs);
    m.cores[core * 16 + SOURCE] = m.cores[core * 16 + OUTPUT] = -1;
    setTimer(m.wheel, core, startAt?.[core] ?? 0, start);
  }
  return m;
}

/** The least power of two that is not less than `n`. */
function powerOf2(n: number): number {
  return n <= 1 ? 1 : 2 ** (32 - Math.clz32(n - 1));
}
