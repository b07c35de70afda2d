/**
 * When wavelets moved, one by one: what the walk back along a path (walk.ts) asks. An engine notes events in any order
 * of places, and at each place and colour in the order of time.
 */
import { EVENT, EVENT_WORDS } from '../fast/machine-code.js';
import { bitsIn } from '../lines/simulate.js';

/** What an event says first: core, kind and colour in one number (fast/assembly/events.ts). */
const CORE_BITS = 8;
const COLOR_BITS = 5;
const COLORS = 2 ** COLOR_BITS;
const KINDS = 3;
/** A port, and from this bit on a mask of ports. */
const PORT_BITS = 8;
const PORT_MASK = 0xff;

/** Indices of some of the events of a place, in order; all of them if not given. */
type Indices = Int32Array | undefined;

/** Events of one kind and colour at one place. */
interface Events {
  /** The first of them among all, and their number. */
  from: number;
  count: number;
  /** Of departures: whether all come in on one port and leave by the same ones; by port which do. */
  alike: boolean;
  entered: Indices[];
  left: Indices[];
}

export interface EventLog {
  /** Cycles of the n-th event of a kind and colour at a place. */
  at(kind: number, core: number, color: number, n: number): number;
  count(kind: number, core: number, color: number): number;
  /** The port on which the n-th departure of a colour from a router had come in; a mask of those that it left by. */
  portOf(core: number, color: number, n: number): number;
  outputsOf(core: number, color: number, n: number): number;
  /** Which departure is the n-th of those that came in on a port, or left by it; and the reverse. */
  entering(core: number, color: number, port: number, n: number): number;
  leaving(core: number, color: number, port: number, n: number): number;
  rankEntering(core: number, color: number, port: number, n: number): number;
  rankLeaving(core: number, color: number, port: number, n: number): number;
}

/**
 * @param words of all events, `EVENT_WORDS` each
 * @param noted by core, as events number them: bits of the colours of which they were noted
 * @param numberOf the number that one has in them
 * @param begin the cycle that their cycles count from
 */
export function logOf(
  words: ArrayLike<number>,
  noted: Int32Array,
  numberOf: (core: number) => number,
  begin: number,
): EventLog {
  const events = words.length / EVENT_WORDS;
  const begins = new Int32Array(noted.length + 1);
  for (let core = 0; core < noted.length; core++)
    begins[core + 1] = begins[core] + KINDS * bitsIn(noted[core]);
  const keys = begins[noted.length];
  const first = new Int32Array(keys + 1);
  const keyFor = (core: number, kind: number, color: number) =>
    begins[core] + KINDS * bitsIn(noted[core] & ((1 << color) - 1)) + kind;
  const keyAt = (i: number) => {
    const word = words[i];
    return keyFor(word >>> CORE_BITS, (word >> COLOR_BITS) & 7, word & (COLORS - 1));
  };
  for (let i = 0; i < words.length; i += EVENT_WORDS) first[keyAt(i) + 1]++;
  for (let key = 0; key < keys; key++) first[key + 1] += first[key];
  const next = first.slice(0, keys);
  const cycles = new Float64Array(events);
  const ports = new Uint16Array(events);
  for (let i = 0; i < words.length; i += EVENT_WORDS) {
    const to = next[keyAt(i)]++;
    cycles[to] = begin + words[i + 1];
    ports[to] = words[i + 2];
  }
  const known = new Map<number, Events>();
  const keyOf = (kind: number, core: number, color: number) => keyFor(numberOf(core), kind, color);
  const departures = (core: number, color: number): Events => {
    const key = keyOf(EVENT.departs, core, color);
    let of = known.get(key);
    if (of === undefined) {
      const [from, count] = [first[key], first[key + 1] - first[key]];
      let alike = true;
      for (let i = 1; i < count && alike; i++) alike = ports[from + i] === ports[from];
      known.set(key, (of = { from, count, alike, entered: [], left: [] }));
    }
    return of;
  };
  const some = ({ from, count }: Events, has: (ports: number) => boolean): Int32Array =>
    Int32Array.from({ length: count }, (_, i) => i).filter((i) => has(ports[from + i]));
  const entered = (core: number, color: number, port: number): Indices => {
    const of = departures(core, color);
    if (of.alike) return undefined;
    return (of.entered[port] ??= some(of, (mask) => (mask & PORT_MASK) === port));
  };
  const left = (core: number, color: number, port: number): Indices => {
    const of = departures(core, color);
    if (of.alike) return undefined;
    return (of.left[port] ??= some(of, (mask) => ((mask >> (PORT_BITS + port)) & 1) === 1));
  };
  return {
    at: (kind, core, color, n) => cycles[first[keyOf(kind, core, color)] + n],
    count: (kind, core, color) => {
      const key = keyOf(kind, core, color);
      return first[key + 1] - first[key];
    },
    portOf: (core, color, n) => ports[departures(core, color).from + n] & PORT_MASK,
    outputsOf: (core, color, n) => ports[departures(core, color).from + n] >> PORT_BITS,
    entering: (core, color, port, n) => entered(core, color, port)?.[n] ?? n,
    leaving: (core, color, port, n) => left(core, color, port)?.[n] ?? n,
    rankEntering: (core, color, port, n) => rank(entered(core, color, port), n),
    rankLeaving: (core, color, port, n) => rank(left(core, color, port), n),
  };
}

/** How many of some rising numbers are below one. */
function rank(numbers: Indices, n: number): number {
  if (numbers === undefined) return n;
  let [from, to] = [0, numbers.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (numbers[middle] < n) from = middle + 1;
    else to = middle;
  }
  return from;
}
