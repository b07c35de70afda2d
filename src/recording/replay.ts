/**
 * A recording cycle by cycle, forward and back: what every core does, what every queue holds, what is on the links.
 * Queues follow from what was put into them and taken out; a wavelet on its way to a queue has its slot already.
 */
import { PORTS, RAMP, neighbour, opposite } from '../hardware/mesh.js';
import { departOf, readEvents, stateOf, type Block, type Events } from './events.js';
import { CORE_QUEUE, IDLE, QUEUES, STATES, type Recording } from './recording.js';

/** A queue that holds something: the cycle from which each wavelet in it, the first one first, is eligible. */
export interface Held {
  core: number;
  port: number;
  color: number;
  ready: number[];
}

/** The end of a cycle. */
export interface Moment {
  cycle: number;
  /** Per core: the operation that it is at (their number after the last), and its state. */
  operation: Int32Array;
  state: Uint8Array;
  /** By core, port and colour. */
  held: Held[];
  /** What moved in this cycle. */
  moves: Pick<Block, 'departs' | 'sends' | 'takes'>;
}

export interface Replay {
  recording: Recording;
  events: Events;
  /** Colours that have wavelets, rising. */
  colors: number[];
  /** The moment of a cycle, at least the first and at most the last. Its arrays are valid until the next call. */
  seek: (cycle: number) => Moment;
}

/** Moments that are kept, so that a way back is short. */
const KEPT = 32;

const NOTHING: Moment['moves'] = { departs: [], sends: [], takes: [] };

/** Cores and queues after a cycle; `next` is the number of the event after it. */
interface Standing {
  cycle: number;
  next: number;
  operation: Int32Array;
  state: Uint8Array;
  /** Rings: of each queue its first slot and how many are held; a slot has the cycle from which it is eligible. */
  head: Int32Array;
  count: Int32Array;
  ready: Float64Array;
}

/** @throws RangeError if the recording is damaged */
export function createReplay(recording: Recording): Replay {
  const { from, to, events: bytes, queueDepth } = recording;
  const events = readEvents(bytes, from);
  const tables = tablesOf(recording, events);
  const step = Math.max(1, Math.ceil((to - from) / KEPT));
  let now = firstStanding(recording, tables.keys.length);
  /** Before the cycles from + 0, from + step, and so on, up to the last that was reached. */
  const kept = [copyOf(now)];

  function advance(cycle: number): void {
    for (; now.next < events.cycles.length && events.cycles[now.next] <= cycle; now.next++)
      apply(now, tables.changes.get(events.blocks[now.next])!, events.cycles[now.next], queueDepth);
    now.cycle = cycle;
  }

  function goTo(cycle: number): void {
    for (let next = from + kept.length * step; next <= cycle; next += step) {
      advance(next - 1);
      kept.push(copyOf(now));
    }
    advance(cycle);
  }

  return {
    recording,
    events,
    colors: colorsOf(recording, events),
    seek(wanted) {
      const cycle = Math.max(from, Math.min(wanted, to - 1));
      const place = Math.min(Math.floor((cycle - from) / step), kept.length - 1);
      if (cycle < now.cycle || now.cycle < from + place * step - 1) now = copyOf(kept[place]);
      goTo(cycle);
      const { operation, state, next } = now;
      const isEvent = next > 0 && events.cycles[next - 1] === cycle;
      const moves = isEvent ? events.blocks[next - 1] : NOTHING;
      return { cycle, operation, state, held: heldIn(now, tables.keys, recording), moves };
    },
  };
}

/** What a block does: queues that are taken from, queues that are put into and after how long, and states. */
interface Change {
  takes: number[];
  puts: number[];
  delays: number[];
  states: ReturnType<typeof stateOf>[];
}

/** The queues that are used, by their keys, and what each block does to them. */
function tablesOf(recording: Recording, { blocks }: Events) {
  const { width, height, colors } = recording;
  const keys: number[] = [];
  const numberOf = new Map<number, number>();
  const queueAt = (core: number, port: number, color: number) => {
    const key = (core * QUEUES + port) * colors + color;
    let number = numberOf.get(key);
    if (number === undefined) numberOf.set(key, (number = keys.push(key) - 1));
    return number;
  };
  const changes = new Map<Block, Change>();
  for (const block of new Set(blocks)) {
    const change: Change = { takes: [], puts: [], delays: [], states: [] };
    const put = (core: number, port: number, color: number) => {
      change.puts.push(queueAt(core, port, color));
      change.delays.push(cyclesInto(recording, core, port));
    };
    for (const code of block.departs) {
      const { place, port, outputs } = departOf(code);
      const [core, color] = [Math.floor(place / colors), place % colors];
      change.takes.push(queueAt(core, port, color));
      for (let out = 0; out < PORTS; out++) {
        if ((outputs & (1 << out)) === 0) continue;
        if (out === RAMP) put(core, CORE_QUEUE, color);
        else put(neighbour(core, out, width, height), opposite(out), color);
      }
    }
    for (const place of block.sends) put(Math.floor(place / colors), RAMP, place % colors);
    for (const place of block.takes)
      change.takes.push(queueAt(Math.floor(place / colors), CORE_QUEUE, place % colors));
    change.states = block.states.map((code) => stateOf(width * height, code));
    changes.set(block, change);
  }
  return { keys, changes };
}

function firstStanding({ width, height, from, queueDepth }: Recording, queues: number): Standing {
  const cores = width * height;
  return {
    ...{ cycle: from - 1, next: 0 },
    operation: new Int32Array(cores),
    state: new Uint8Array(cores).fill(IDLE),
    head: new Int32Array(queues),
    count: new Int32Array(queues),
    ready: new Float64Array(queues * queueDepth),
  };
}

function copyOf({ cycle, next, operation, state, head, count, ready }: Standing): Standing {
  return {
    ...{ cycle, next, operation: operation.slice(), state: state.slice() },
    ...{ head: head.slice(), count: count.slice(), ready: ready.slice() },
  };
}

/** What is taken was there before the cycle, what is put is eligible after it. */
function apply(
  { operation, state, head, count, ready }: Standing,
  { takes, puts, delays, states }: Change,
  cycle: number,
  depth: number,
): void {
  for (const queue of takes) {
    if (count[queue] === 0) throw new RangeError(DAMAGED);
    head[queue] = (head[queue] + 1) % depth;
    count[queue]--;
  }
  for (let i = 0; i < puts.length; i++) {
    const queue = puts[i];
    if (count[queue] === depth) throw new RangeError(DAMAGED);
    ready[queue * depth + ((head[queue] + count[queue]) % depth)] = cycle + delays[i];
    count[queue]++;
  }
  for (const { core, steps, state: next } of states) {
    operation[core] += steps;
    state[core] = next;
  }
}

const DAMAGED = 'the recording is damaged';

function heldIn(
  { head, count, ready }: Standing,
  keys: readonly number[],
  { colors, queueDepth: depth }: Recording,
): Held[] {
  const held: (Held & { key: number })[] = [];
  count.forEach((many, queue) => {
    if (many === 0) return;
    const key = keys[queue];
    const place = Math.floor(key / colors);
    held.push({
      ...{ key, core: Math.floor(place / QUEUES), port: place % QUEUES, color: key % colors },
      ready: Array.from(
        { length: many },
        (_, i) => ready[queue * depth + ((head[queue] + i) % depth)],
      ),
    });
  });
  return held.sort((a, b) => a.key - b.key).map(({ key: _, ...rest }) => rest);
}

/** Cycles from leaving for a queue to being eligible in it. */
export function cyclesInto(recording: Recording, core: number, port: number): number {
  const { hopCycles, rampCycles, linkHops } = recording;
  return port < RAMP ? hopCycles * (linkHops?.[core * 4 + port] ?? 1) : rampCycles;
}

function colorsOf({ colors }: Recording, { blocks }: Events): number[] {
  const found = new Set<number>();
  for (const { sends } of new Set(blocks)) for (const place of sends) found.add(place % colors);
  return [...found].sort((a, b) => a - b);
}

/** Core-cycles by state, of as many equal stretches of time (the last one may be shorter); rows of one stretch each. */
export function statesOverTime(
  { recording: { from, to, width, height }, events: { cycles, blocks } }: Replay,
  stretches: number,
): Float64Array[] {
  const cores = width * height;
  const state = new Uint8Array(cores).fill(IDLE);
  const counts = new Float64Array(STATES.length);
  counts[IDLE] = cores;
  const length = Math.max(1, Math.ceil((to - from) / stretches));
  const rows = Array.from({ length: Math.ceil((to - from) / length) }, () => counts.map(() => 0));
  let reached = from;
  const spend = (until: number) => {
    while (reached < until) {
      const row = Math.floor((reached - from) / length);
      const end = Math.min(until, from + (row + 1) * length);
      counts.forEach((count, of) => (rows[row][of] += count * (end - reached)));
      reached = end;
    }
  };
  cycles.forEach((cycle, i) => {
    if (blocks[i].states.length === 0) return;
    spend(cycle);
    for (const code of blocks[i].states) {
      const { core, state: next } = stateOf(cores, code);
      counts[state[core]]--;
      counts[next]++;
      state[core] = next;
    }
  });
  spend(to);
  return rows;
}
