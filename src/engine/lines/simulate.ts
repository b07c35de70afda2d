/** Runs one line on the machine, with notes of what its routers do (fast/assembly/moves.ts). */
import { NO_END } from '../engine.js';
import type { Counts } from '../fast/load.js';
import { MOVES, MOVES_WORDS } from '../fast/machine-code.js';
import { startMachine } from '../fast/run.js';
import { columnOf } from '../fast/tables.js';
import { bytesOf, freeFrom, hashOf, latestIn, type LineResult } from './result.js';
import { quietsOf } from './stretch.js';
import { noteBytes, type LineCounts, type LineTable, type Shape } from './table.js';

/**
 * Runs a line in slices of some milliseconds; undefined if it does not end as it should.
 * @param starts by actor, the first of them 0
 * @param pointers by router, where they are at first
 * @param nudges where other lines leave them later
 * @param noted routers of which the cycles with moves are noted, in so many words of bits
 */
export function* simulate(
  table: LineTable,
  shape: Shape,
  starts: Int32Array,
  pointers: Int32Array,
  nudges: Int32Array,
  noted: Int32Array = NO_ROUTERS,
  moveWords = 0,
): Generator<void, Counts | undefined> {
  const { image, actors } = shape;
  const all = new Float64Array(image.cores);
  for (let i = 0; i < actors.length; i++) all[actors[i]] = starts[i];
  const line = { pointers, nudges, noted, moveWords };
  const team = { machine: table.machine(), threads: 1, leastCores: 1, run: 0, line };
  const running = startMachine(image, all, { ...team, bits: 32 });
  for (;;) {
    const ending = running.advance();
    if (ending?.state === 'whole') return ending.counts;
    if (ending !== undefined) return undefined;
    yield;
  }
}

const NO_ROUTERS = new Int32Array(0);

/** The result of a line by what the machine counted. */
export function resultOfLine(
  table: LineTable,
  shape: Shape,
  starts: Int32Array,
  pointers: Int32Array,
  nudges: Int32Array,
  counts: Counts,
): LineResult {
  const { actors, several } = shape;
  const { records } = counts.moves!;
  const routers = shape.places.length;
  const moved = movedBy(records, routers);
  const { depends } = moved;
  let dependsAt = false;
  for (let i = 0; i < several.length; i++) dependsAt ||= depends[several[i]] !== 0;
  // All of them are of 32 bits: code that runs for the first time makes an object of each other number that it reads.
  const ends = columnOf(new Int32Array(counts.end), actors);
  const waits = columnOf(new Int32Array(counts.waitOutput), actors);
  let waited = 0;
  for (let i = 0; i < waits.length; i++) waited += waits[i];
  const freed = freeFrom(shape, moved.free, moved.coreFree);
  const result: LineResult = {
    ...{ starts: starts.slice(), nudges, ends },
    ...moved,
    ...{ freeFrom: freed, latest: latestIn(ends, moved.last, freed) },
    ...(waited > 0 && { waitOutput: waits }),
    ...(dependsAt && { places: placesOf(shape, pointers) }),
    labels: labelsOf(counts),
    waits: waitsOf(counts),
    hazards: counts.hazards,
    counts: countsOf(shape, counts),
    hash: 0,
  };
  if (nudges.length === 0 && counts.quiets!.rows.length > 0) {
    const quiets = quietsOf(shape, starts, counts);
    if (quiets.length > 0) result.quiets = quiets;
  }
  result.hash = hashOf(shape, result.starts);
  noteBytes(table, routers, bytesOf(result));
  return result;
}

/** What a line's routers did, by their records. */
function movedBy(
  records: Int32Array,
  routers: number,
): Pick<LineResult, 'first' | 'last' | 'free' | 'coreFree' | 'depends' | 'pointers'> {
  const [first, last, free, coreFree] = [0, 1, 2, 3].map(() => new Int32Array(routers));
  const moved = {
    ...{ first, last, free, coreFree },
    depends: new Uint8Array(routers),
    pointers: new Uint8Array(routers),
  };
  readRecords(records, moved);
  return moved;
}

function readRecords(
  records: Int32Array,
  { first, last, free, coreFree, depends, pointers }: ReturnType<typeof movedBy>,
): void {
  for (let i = 0, at = 0; i < first.length; i++, at += MOVES_WORDS) {
    first[i] = records[at];
    last[i] = records[at + 1];
    free[i] = records[at + 2];
    coreFree[i] = records[at + 3];
    depends[i] = records[at + 4] & MOVES.depends;
    pointers[i] = records[at + 4] >> 8;
  }
}

/** By router with several colours: how many of them come before its pointer, modulo all. */
export function placesOf({ several, colors }: Shape, pointers: ArrayLike<number>): Int32Array {
  return Int32Array.from(several, (i) => placeAmong(colors[i], pointers[i]));
}

/** By router: a pointer with which a line has this result. */
export function pointersOf({ several, colors }: Shape, { places }: LineResult): Int32Array {
  const pointers = new Int32Array(colors.length);
  if (places === undefined) return pointers;
  for (let i = 0; i < several.length; i++)
    pointers[several[i]] = pointerAt(colors[several[i]], places[i]);
  return pointers;
}

/** The colour that a pointer at this place among some colours is at. */
export function pointerAt(colors: number, place: number): number {
  let rest = colors;
  for (let i = 0; i < place; i++) rest &= rest - 1;
  return 31 - Math.clz32(rest & -rest);
}

/** How many of some colours come before a pointer, modulo all of them. */
export function placeAmong(colors: number, pointer: number): number {
  const place = bitsIn(colors & ((1 << pointer) - 1));
  return place === bitsIn(colors) ? 0 : place;
}

/** How many bits of a word are set: sums of two, four and eight bits side by side. */
function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function countsOf(shape: Shape, counts: Counts): LineCounts {
  if (shape.counts !== undefined) return shape.counts;
  const { sent, delivered } = counts;
  const links = linksOf(counts);
  let hops = 0;
  for (let i = 2; i < links.length; i += 3) hops += links[i];
  const own = { links, hops, sent, delivered };
  if (!shape.changes) shape.counts = own;
  return own;
}

function labelsOf({ labelEnd, labelCore }: Counts): Int32Array {
  const labels: number[] = [];
  labelEnd.forEach((end, label) => {
    if (end !== NO_END) labels.push(label, end, labelCore[label]);
  });
  return Int32Array.from(labels);
}

function waitsOf({ labelWait, labelWaitOutput }: Counts): Float64Array {
  const waits: number[] = [];
  labelWait.forEach((all, label) => {
    if (all > 0) waits.push(label, all, labelWaitOutput[label]);
  });
  return Float64Array.from(waits);
}

function linksOf({ linkWavelets }: Counts): Int32Array {
  let count = 0;
  for (let i = 0; i < linkWavelets.length; i++) if (linkWavelets[i] > 0) count++;
  const links = new Int32Array(count * 3);
  for (let i = 0, at = 0; i < linkWavelets.length; i++) {
    if (linkWavelets[i] === 0) continue;
    links[at++] = i >> 2;
    links[at++] = i & 3;
    links[at++] = linkWavelets[i];
  }
  return links;
}
