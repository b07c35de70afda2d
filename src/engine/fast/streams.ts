/**
 * The wafer without a clock, for programs whose streams do not meet: times travel with the wavelets.
 * A wavelet leaves a router when it is eligible, one cycle after the one before it at the earliest, and
 * when all outputs have a slot; so every time is the latest of a few earlier ones, and the order in
 * which they are found does not matter. Routers (slots) and cores go as far as what they know allows
 * and are looked at again when they may know more. Whole runs of wavelets go at once.
 *
 * A slot is free once the wavelet `depth` before has been popped, which is known only later. So a
 * receiver that just waits for its stream *promises*: whatever leaves the sender from `openFrom` on,
 * up to number `openUpTo`, is popped when it is usable. With queues as deep as the round trip is long
 * slots then never run out, and the sender need not ask. Promises run against the stream, from
 * receivers to senders.
 *
 * If two colours leave by one link in the same cycle (claims.ts) the router had to choose, and what was
 * found is wrong. It is found again with that router *choosing*: when nothing else is left to do, of
 * all routers that choose the one whose next wavelet may leave first does; whatever is not known yet
 * comes of such choices and is later (choices.ts). Where then no wavelets meet, nobody was refused.
 */
import type { RunInput, RunResult } from '../engine.js';
import { PORTS, RAMP } from '../../hardware/mesh.js';
import { FROM_CORE, LINK, TO_CORE, channelFrom, channelInto, type Channels } from './channels.js';
import { choose, createChoices, plan } from './choices.js';
import { claim } from './claims.js';
import type { Operations } from './operations.js';
import { COUNT, NEXT, TAIL, createPool } from './runs.js';
import {
  WAVELETS,
  CREDITS,
  SENT,
  POPPED,
  OPEN_FROM,
  FLAGS,
  TO,
  FROM,
  IS_RAMP,
  IS_DEEP,
  IS_WANTED,
  wakeStation,
  promised,
  sendRun,
  popRun,
  promise,
  openFor,
} from './stream-channels.js';
import { runCore } from './stream-cores.js';
import { createTally, resultOf, type Tally } from './tally.js';

/** Fields of a slot: input channel, output channels, the last departure. */
const OUT = 1;
const LAST = 6;

const LONG_AGO = -0x40000000;
export const NEVER = 0x7fffffff;

/** How often streams may be followed anew with more routers choosing. */
const ATTEMPTS = 12;

export type Streams = ReturnType<typeof createStreams>;

/** Runs a program; undefined if streams meet too often or the machine fails. */
export function runStreams(
  input: RunInput,
  ops: Operations,
  channels: Channels,
): RunResult | undefined {
  const chooses = new Uint8Array(channels.cores);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const m = createStreams(input, ops, channels, createTally(input, ops), chooses);
    for (let core = 0; core < channels.cores; core++) wakeStation(m, ~core);
    do visitStations(m, input);
    while (choose(m));
    if (m.met > 0) continue;
    if (m.done < channels.cores) return undefined;
    const { chan } = m;
    for (let c = 0; c < chan.length; c += 16)
      if (chan[c + SENT] !== chan[c + POPPED]) return undefined;
    return resultOf(m.tally, channels, (channel) => chan[(channel << 4) + SENT], 0);
  }
  return undefined;
}

function visitStations(m: Streams, input: RunInput): void {
  while (m.waiting > 0) {
    const station = m.stations[m.head];
    m.head = (m.head + 1) & m.mask;
    m.waiting--;
    if (station < 0) {
      m.coreWaits[~station] = 0;
      runCore(m, ~station);
      if ((++m.visits & 0xfffff) === 0) input.onProgress?.(m.front[~station]);
    } else {
      m.slotWaits[station] = 0;
      runSlot(m, station);
    }
  }
}

function createStreams(
  input: RunInput,
  ops: Operations,
  channels: Channels,
  tally: Tally,
  chooses: Uint8Array,
) {
  const { wafer, startAt } = input;
  const { cores, slots } = channels;
  const { hopCycles: hop, rampCycles: ramp, queueDepth: depth } = wafer.fabric;
  const perCore = () => new Int32Array(cores);
  let room = 1;
  while (room < cores * (slots + 1) + 1) room *= 2;
  const m = {
    ops,
    channels,
    tally,
    hop,
    ramp,
    depth,
    pool: createPool(),
    programStart: wafer.costs.programStart,
    chan: new Int32Array(channels.base[cores] * 16),
    slot: new Int32Array(cores * slots * 8).fill(-1),
    /** The link (core * 5 + port) of channels that share it with other colours, else -1. */
    shared: new Int32Array(channels.base[cores]).fill(-1),
    latest: new Int32Array(cores * PORTS).fill(-1),
    /** Which routers choose, in this attempt and in the next; links on which streams met. */
    chooses: chooses.slice(),
    chooseNext: chooses,
    met: 0,
    choices: createChoices(cores, slots),
    /** Stations that may go on: slots, and cores as ~core. */
    stations: new Int32Array(room),
    mask: room - 1,
    head: 0,
    waiting: 0,
    slotWaits: new Uint8Array(cores * slots),
    coreWaits: new Uint8Array(cores),
    departing: 0,
    visits: 0,
    done: 0,
    /** Cores: operation, its channels, elements to come, the next cycle that may consume one. */
    op: perCore(),
    input: perCore().fill(-1),
    output: perCore().fill(-1),
    left: perCore(),
    front: startAt === undefined ? perCore() : Int32Array.from(startAt),
    /** When results that lack a slot stand at the pipeline's end, and standstills still to come. */
    pipe: new Int32Array(cores * 4),
    stalls: [] as (number[] | undefined)[],
    entered: perCore(),
    streaming: new Uint8Array(cores),
  };
  for (let core = 0; core < cores; core++) {
    layOutCore(m, core);
    const role = input.program.roles[channels.roleOf[core]];
    for (const { color, inputs, outputs } of role.routes)
      layOutSlot(m, core, color, inputs, outputs);
    m.op[core] = ops.first[channels.roleOf[core]];
    const idle = m.op[core] === ops.first[channels.roleOf[core] + 1];
    if (!idle) m.front[core] += m.programStart;
    m.pipe[core * 4 + NEXT] = m.pipe[core * 4 + TAIL] = -1;
  }
  return m;
}

function layOutCore(m: Streams, core: number): void {
  const { channels, chan } = m;
  const role = channels.roleOf[core];
  const ends = channels.ends[role];
  const users = [0, 0, 0, 0, 0];
  for (const { end } of ends) if (end <= RAMP) users[end]++;
  for (let i = 0; i < ends.length; i++) {
    const channel = channels.base[core] + i;
    const { color, end } = ends[i];
    const c = channel << 4;
    const kind = channels.kind[channel];
    const own = channels.slotOf[role * channels.colors + color];
    const delay = kind === LINK ? m.hop : m.ramp;
    chan[c + WAVELETS + NEXT] = chan[c + WAVELETS + TAIL] = -1;
    chan[c + CREDITS + NEXT] = chan[c + CREDITS + TAIL] = -1;
    chan[c + CREDITS] = LONG_AGO;
    chan[c + CREDITS + COUNT] = m.depth;
    chan[c + FLAGS] = (kind === LINK ? 0 : IS_RAMP) | (m.depth >= 2 * delay ? IS_DEEP : 0);
    chan[c + FROM] = kind === FROM_CORE ? ~core : core * channels.slots + own;
    const to = channels.toCore[channel];
    chan[c + TO] = kind === TO_CORE ? ~core : to * channels.slots + channels.toSlot[channel];
    if (kind !== TO_CORE && channels.toSlot[channel] < 0)
      chan[c + TO] = core * channels.slots + own;
    if (end <= RAMP && users[end] > 1) m.shared[channel] = core * PORTS + end;
  }
}

function layOutSlot(
  m: Streams,
  core: number,
  color: number,
  inputs: number,
  outputs: number,
): void {
  const { channels, slot } = m;
  const local = channels.slotOf[channels.roleOf[core] * channels.colors + color];
  const s = (core * channels.slots + local) << 3;
  slot[s] = inputs === 0 ? -1 : channelInto(channels, core, 31 - Math.clz32(inputs), color);
  slot.fill(-1, s + OUT, s + LAST);
  slot[s + LAST] = LONG_AGO;
  m.choices.outputs[s >> 3] = outputs;
  let next = s + OUT;
  for (let port = 0; port < PORTS; port++)
    if ((outputs >> port) & 1) slot[next++] = channelFrom(channels, core, port, color);
}

/** Moves what can be known to move through one colour of a router. */
function runSlot(m: Streams, station: number): void {
  const { slot } = m;
  const s = station << 3;
  if (slot[s] < 0 || slot[s + OUT] < 0) return;
  const core = (station / m.channels.slots) | 0;
  if (m.chooses[core] === 1) return plan(m, core);
  for (;;) {
    const t = departure(m, s);
    if (t === NEVER) break;
    const count = m.departing;
    for (let i = s + OUT; i < s + LAST && slot[i] >= 0; i++) {
      const link = m.shared[slot[i]];
      if (link < 0 || claim(m.pool, m.latest, link, t, count)) continue;
      m.met++;
      m.chooseNext[core] = 1;
    }
    forward(m, s, t, count);
  }
  promiseOfSlot(m, s, slot[s] << 4);
}

/** When the next wavelet of a slot may leave, and how many behind it (`departing`); NEVER: unknown. */
export function departure(m: Streams, s: number): number {
  const { slot, chan } = m;
  if (slot[s] < 0 || slot[s + OUT] < 0) return NEVER;
  const input = slot[s] << 4;
  let count = chan[input + WAVELETS + COUNT];
  if (count === 0) return NEVER;
  let t = Math.max(chan[input + WAVELETS], slot[s + LAST] + 1);
  for (let i = s + OUT; i < s + LAST && slot[i] >= 0; i++) {
    const c = slot[i] << 4;
    if (chan[c + CREDITS + COUNT] > 0) t = Math.max(t, chan[c + CREDITS]);
  }
  for (let i = s + OUT; i < s + LAST && slot[i] >= 0; i++) {
    const c = slot[i] << 4;
    count = Math.min(count, Math.max(chan[c + CREDITS + COUNT], promised(m, c, t)));
    if (count === 0) chan[c + FLAGS] |= IS_WANTED;
  }
  m.departing = count;
  return count === 0 ? NEVER : t;
}

/** A run of wavelets goes through a router. */
export function forward(m: Streams, s: number, t: number, count: number): void {
  const { slot } = m;
  for (let i = s + OUT; i < s + LAST && slot[i] >= 0; i++) sendRun(m, slot[i] << 4, t, count);
  slot[s + LAST] = t + count - 1;
  popRun(m, slot[s] << 4, t, count);
}

/** A router keeps promises as far as all its outputs do. */
function promiseOfSlot(m: Streams, s: number, input: number): void {
  const { slot, chan } = m;
  let from = slot[s + LAST] + 1;
  let count = 0x3fffffff;
  for (let i = s + OUT; i < s + LAST && slot[i] >= 0; i++) {
    const c = slot[i] << 4;
    count = Math.min(count, openFor(m, c));
    from = Math.max(from, chan[c + OPEN_FROM]);
  }
  promise(m, input, from, count);
}
