/**
 * When wavelets moved, one by one: what the walk back along a path (walk.ts) asks. An engine notes events in any order
 * of places, and at each place and colour in the order of time.
 */
import { placeIn } from '../../numeric/sorted.js';
import { EVENT, EVENT_WORDS } from '../fast/machine-code.js';

/** What an event says first: core, kind and colour in one number (fast/assembly/events.ts). */
const CORE_BITS = 8;
const COLOR_BITS = 5;
const COLOR_MASK = 2 ** COLOR_BITS - 1;
const KINDS = 3;
const KIND_MASK = 7;
/** A port, and from this bit on a mask of ports. */
const PORT_BITS = 8;
const PORT_MASK = 0xff;

export interface EventLog {
  /** Cycles of all events: those of one kind and colour at one place follow each other. */
  cycles: Float64Array;
  /** Where those of a kind and colour at a place begin in them. */
  first(kind: number, core: number, color: number): number;
  /** The port on which the n-th departure of a colour from a router had come in; a mask of those that it left by. */
  portOf(core: number, color: number, n: number): number;
  outputsOf(core: number, color: number, n: number): number;
  /** Which departure is the n-th of those that came in on a port, or left by it; and the reverse. */
  entering(core: number, color: number, port: number, n: number): number;
  leaving(core: number, color: number, port: number, n: number): number;
  rankEntering(core: number, color: number, port: number, n: number): number;
  rankLeaving(core: number, color: number, port: number, n: number): number;
}

export interface Noted {
  /** All events, `EVENT_WORDS` each. */
  words: ArrayLike<number>;
  /** By core, as events number them: bits of the colours of which they were noted. */
  colors: Int32Array;
  /** The number that a core has in them, and the cycle that their cycles count from. */
  numberOf: (core: number) => number;
  begin: number;
  /** Whether routes may have changed: if not, all that leaves a router by a colour had come and went one way. */
  changes: boolean;
}

export function logOf({ words, colors, numberOf, begin, changes }: Noted): EventLog {
  const keys = keysFor(colors);
  const { first, cycles, ports } = sorted(words, keys, begin);
  const { slots, perKind, perCore } = keys;
  const keyOf = (kind: number, core: number, color: number) =>
    numberOf(core) * perCore + kind * perKind + slots[color];
  const ways = changes ? waysOf(first, ports) : undefined;
  return {
    cycles,
    first: (kind, core, color) => first[keyOf(kind, core, color)],
    portOf: (core, color, n) => ports[first[keyOf(EVENT.departs, core, color)] + n] & PORT_MASK,
    outputsOf: (core, color, n) => ports[first[keyOf(EVENT.departs, core, color)] + n] >> PORT_BITS,
    entering: (core, color, port, n) =>
      ways?.entered(keyOf(EVENT.departs, core, color), port)?.[n] ?? n,
    leaving: (core, color, port, n) =>
      ways?.left(keyOf(EVENT.departs, core, color), port)?.[n] ?? n,
    rankEntering: (core, color, port, n) =>
      rank(ways?.entered(keyOf(EVENT.departs, core, color), port), n),
    rankLeaving: (core, color, port, n) =>
      rank(ways?.left(keyOf(EVENT.departs, core, color), port), n),
  };
}

/** Numbers for a kind and a colour at a core: those of the colours that any core has, for each core and kind. */
interface Keys {
  /** By colour: which of those it is. */
  slots: Uint8Array;
  perKind: number;
  perCore: number;
  count: number;
}

function keysFor(colors: Int32Array): Keys {
  let all = 0;
  for (let core = 0; core < colors.length; core++) all |= colors[core];
  const slots = new Uint8Array(COLOR_MASK + 1);
  let perKind = 0;
  for (let color = 0; color <= COLOR_MASK; color++)
    if (((all >> color) & 1) === 1) slots[color] = perKind++;
  const perCore = KINDS * perKind;
  return { slots, perKind, perCore, count: colors.length * perCore };
}

/** Events by key: where those of each begin, their cycles, and their ports. */
function sorted(words: ArrayLike<number>, keys: Keys, begin: number) {
  const events = words.length / EVENT_WORDS;
  const first = new Int32Array(keys.count + 1);
  countByKey(words, keys, first);
  for (let key = 0; key < keys.count; key++) first[key + 1] += first[key];
  const cycles = new Float64Array(events);
  const ports = new Uint16Array(events);
  sort(words, keys, first.slice(), { begin, cycles, ports });
  return { first, cycles, ports };
}

/** Counts events by their key, one entry further on. Loops over all of them are functions of their own: these are compiled soon. */
function countByKey(
  words: ArrayLike<number>,
  { slots, perKind, perCore }: Keys,
  counts: Int32Array,
): void {
  for (let at = 0; at < words.length; at += EVENT_WORDS)
    counts[keyAt(words[at], slots, perKind, perCore) + 1]++;
}

/** @param next by key where its next event goes */
function sort(
  words: ArrayLike<number>,
  { slots, perKind, perCore }: Keys,
  next: Int32Array,
  { begin, cycles, ports }: { begin: number; cycles: Float64Array; ports: Uint16Array },
): void {
  for (let at = 0; at < words.length; at += EVENT_WORDS) {
    const to = next[keyAt(words[at], slots, perKind, perCore)]++;
    cycles[to] = begin + words[at + 1];
    ports[to] = words[at + 2];
  }
}

/** The key of an event, by its first word. */
function keyAt(word: number, slots: Uint8Array, perKind: number, perCore: number): number {
  const kind = (word >> COLOR_BITS) & KIND_MASK;
  return (word >>> CORE_BITS) * perCore + kind * perKind + slots[word & COLOR_MASK];
}

/** Indices of some of the events of a key, in order; all of them if not given. */
type Indices = Int32Array | undefined;

/** Which departures came in on a port, and which left by it, by key; found when they are asked for. */
function waysOf(first: Int32Array, ports: Uint16Array) {
  const some = (key: number, mask: number, wanted: number): Indices => {
    const [from, end] = [first[key], first[key + 1]];
    let alike = true;
    for (let i = from + 1; i < end && alike; i++) alike = ports[i] === ports[from];
    if (alike) return undefined;
    const indices: number[] = [];
    for (let i = from; i < end; i++) if ((ports[i] & mask) === wanted) indices.push(i - from);
    return Int32Array.from(indices);
  };
  const known = new Map<number, Map<number, Indices>>();
  const once = (key: number, mask: number, wanted: number): Indices => {
    const of = known.get(key) ?? new Map<number, Indices>();
    known.set(key, of);
    const which = mask * (PORT_MASK + 1) ** 2 + wanted;
    if (!of.has(which)) of.set(which, some(key, mask, wanted));
    return of.get(which);
  };
  return {
    entered: (key: number, port: number) => once(key, PORT_MASK, port),
    left: (key: number, port: number) => {
      const bit = 1 << (PORT_BITS + port);
      return once(key, bit, bit);
    },
  };
}

/** How many of some rising numbers are below one; if there are none, of all. */
function rank(numbers: Indices, n: number): number {
  return numbers === undefined ? n : placeIn(numbers, n);
}
