/** How a program gets into the machine's memory, and how the counters get out of it. */
import { earliestOf } from '../engine.js';
import type { Instants } from '../instants.js';
import {
  EVENT_WORDS,
  HEADER,
  MOST_CORES,
  MOST_QUIETS,
  MOST_TILES,
  MOVES_ROWS,
  MOVES_WORDS,
  NUDGE_WORDS,
  TIME,
} from './machine-code.js';
import { outOfMemory, type Bits, type Machine, type Translation } from './machine.js';
import type { Image, Notes, Table } from './tables.js';

/** What the machine counted, by core that does something. */
export interface Counts {
  end: Int32Array | Float64Array;
  waitOutput: Float64Array;
  /** Per label: latest end (`NO_END` if it has none), and the lowest core that has it. */
  labelEnd: Float64Array;
  labelCore: Int32Array;
  /** Per label: core-cycles of waiting in it; for output, of these. */
  labelWait: Float64Array;
  labelWaitOutput: Float64Array;
  linkWavelets: Float64Array;
  sent: number;
  delivered: number;
  hazards: number;
  /** Of synthetic traffic, if they were asked for: see ../instants.ts. */
  instants?: Pick<Instants, 'entered' | 'taken' | 'takenColor'>;
  /** Of a path: its events (assembly/events.ts), in the machine's memory until it runs again. */
  events?: Int32Array;
  /**
   * Of a line: records of its routers (assembly/moves.ts), bits of the cycles with moves. These, ends, waits, what it sent over
   * links and its quiet points are in the machine's memory until it runs again.
   */
  moves?: { records: Int32Array; bits: Int32Array };
  /** Of a line: its quiet points (assembly/quiet.ts), a row for each, and by core bits of those. */
  quiets?: { rows: Int32Array; cores: Int32Array };
}

/** The threads of a run, each of which can have a tile; they have one memory. */
export interface Team {
  /** The first thread's. */
  machine: Machine;
  threads: number;
  /** The fewest cores that a tile should have. */
  leastCores: number;
  /** A number for each run, rising from 1, by which the others help in it. */
  run: number;
  bits: Bits;
  /** Whether parts that nothing connects are run one by one: then a run that does not end as it should is `apart`. */
  apart?: boolean;
  /** Of a line, and of a path: what is wanted to know of its routers. */
  line?: LineWants;
  /** Of a path: how many events there are at most, and by core bits of the colours of which they are noted. */
  events?: { most: number; colors: Int32Array };
}

/**
 * Pointers of all routers at first, where other lines leave them later (router, cycle, pointer; in this order), and
 * routers of which the cycles with moves are noted, in so many words of bits each.
 */
export interface LineWants {
  pointers: Int32Array;
  nudges: Int32Array;
  noted: Int32Array;
  moveWords: number;
}

/** A line in the machine's memory: what of it depends on its run, and where that is; what reads its results. */
export interface Laid {
  image: Image;
  noted: Int32Array;
  moveWords: number;
  startAt: number;
  moves: number;
  results: () => Counts;
}

/** The translation that a team uses. */
export function translationOf({
  bits,
  line,
  events,
}: Pick<Team, 'bits' | 'line' | 'events'>): Translation {
  if (events !== undefined) return 'paths';
  return line === undefined ? bits : 'lines';
}

/** The first of some starts; 0 if there are none. */
export function firstOf(starts: Float64Array): number {
  return starts.length === 0 ? 0 : earliestOf(starts);
}

/**
 * Has a line that is in memory there as it was when it began, but for its starts and pointers; gives what reads its results.
 * Undefined if another program is there, or it is not a small line, or differs in what is noted.
 */
export function loadAgain(
  image: Image,
  starts: Float64Array,
  first: number,
  { machine, line, events }: Team,
): (() => Counts) | undefined {
  const { laid, memory } = machine;
  if (laid?.image !== image || line === undefined || events !== undefined) return undefined;
  const { noted, nudges, moveWords } = line;
  if (nudges.length > 0 || moveWords !== laid.moveWords || noted.length !== laid.noted.length)
    return undefined;
  // Routers whose cycles are noted are in no delay line.
  if (noted.some((router, i) => router !== laid.noted[i])) return undefined;
  if (first !== 0 || machine.code('lines').rewind() === 0) return undefined;
  new Float64Array(memory.buffer, laid.startAt, starts.length).set(starts);
  fillMoves(new Int32Array(memory.buffer, laid.moves, image.cores * MOVES_WORDS), line);
  return laid.results;
}

/**
 * Writes a program's tables into memory, and the header that says where they are; gives what reads the
 * results there.
 * @param first the first of the starts
 */
export function load(
  image: Image,
  starts: Float64Array,
  first: number,
  { machine, threads, leastCores, ...team }: Team,
  furthest: number,
  notes: Notes | undefined,
): () => Counts {
  const { cores, labels, programStart, numbers, tables, parts = NO_WORDS } = image;
  const { memory } = machine;
  const code = machine.code(translationOf(team));
  machine.laid = undefined;
  const { line, events } = team;
  if (cores > MOST_CORES) outOfMemory();
  const most = Math.min(threads, MOST_TILES);
  const tiles = Math.max(1, Math.min(most, Math.floor(cores / leastCores)));
  const header = code.reset();
  const allocate = (bytes: number) => code.allocateTable(bytes) >>> 0;
  const write = (table: Table) => {
    if (table.length === 0) return 0;
    const at = allocate(table.byteLength);
    new Uint8Array(memory.buffer, at).set(
      new Uint8Array(table.buffer, table.byteOffset, table.byteLength),
    );
    return at;
  };
  const movesAtFirst = (of: LineWants) => {
    const size = of.pointers.length * MOVES_WORDS;
    const at = allocate(size * 4);
    fillMoves(new Int32Array(memory.buffer, at, size), of);
    return at;
  };
  const startAt = write(first === 0 ? starts : copyOf(starts, -first));
  const separate = team.apart ? parts : NO_WORDS;
  const partsFrom = write(separate);
  const written = Object.entries(tables).map(([name, table]) => [name, write(table)] as const);
  const { next, sends, takes } = notes ?? { next: new Int32Array(0), sends: 0, takes: 0 };
  const bytesOfEvents = 4 * EVENT_WORDS * (events?.most ?? 0);
  const quietWords = 2 + 2 * labels;
  const results = {
    end: allocate(cores * 8),
    waitOutput: allocate(cores * 8),
    linkWavelets: allocate(cores * 4 * 8),
    labelEnd: allocate(labels * 8),
    labelCore: allocate(labels * 4),
    labelWait: allocate(labels * 8),
    labelWaitOutput: allocate(labels * 8),
    notes: write(next),
    entered: allocate(sends * 8),
    taken: allocate(takes * 8),
    takenColor: allocate(takes),
    moves: line ? movesAtFirst(line) : 0,
    nudges: write(line && line.nudges.length > 0 ? closed(line.nudges) : NO_WORDS),
    moveBits: line ? allocate(line.noted.length * MOVES_ROWS * line.moveWords * 4) : 0,
    moveWords: line?.moveWords ?? 0,
    quietCount: 0,
    quiets: line ? allocate(MOST_QUIETS * quietWords * 4) : 0,
    quietCores: line ? allocate(cores * 4) : 0,
    // Their place is known once all else is laid out.
    ...{ events: 0, eventsEnd: bytesOfEvents },
    eventColors: write(events?.colors ?? NO_WORDS),
  };
  const times = new Float64Array(memory.buffer, header);
  times[TIME.programStart] = programStart;
  times[TIME.furthest] = furthest;
  const words = new Int32Array(memory.buffer, header);
  const at = Object.fromEntries(written) as Record<keyof Image['tables'], number>;
  const fields: Record<keyof typeof HEADER, number> = {
    ...{ ...numbers, cores, labels, tiles, parts: Math.max(0, separate.length - 1), partsFrom },
    ...{ startAt, ...at, ...results },
  };
  for (const [name, value] of Object.entries(fields)) words[HEADER[name as 'cores']] = value;
  const view = (from: number, size: number) => new Float64Array(memory.buffer, from, size);
  const column = (from: number, size: number, later = 0) => copyOf(view(from, size), later);
  // Of a line it is looked at where it is.
  const columnOrView = line && events === undefined && first === 0 ? view : column;
  const wordsIn = (from: number, size: number) => new Int32Array(memory.buffer, from, size);
  const eventsIn = (from: number, end: number) => wordsIn(from, (end - from) >> 2);
  // Memory that has grown since is in another buffer, unless threads share it.
  const headerWord = (name: keyof typeof HEADER) =>
    new Uint32Array(memory.buffer, header)[HEADER[name]];
  const read = (): Counts => ({
    end: columnOrView(results.end, cores, first),
    waitOutput: columnOrView(results.waitOutput, cores),
    linkWavelets: columnOrView(results.linkWavelets, cores * 4),
    labelEnd: column(results.labelEnd, labels, first),
    labelCore: wordsIn(results.labelCore, labels).slice(),
    labelWait: column(results.labelWait, labels),
    labelWaitOutput: column(results.labelWaitOutput, labels),
    sent: code.sent(),
    delivered: code.delivered(),
    hazards: code.routeHazards(),
    ...(line && {
      moves: {
        records: wordsIn(results.moves, cores * MOVES_WORDS),
        bits: wordsIn(results.moveBits, line.noted.length * MOVES_ROWS * line.moveWords),
      },
      quiets: {
        rows: wordsIn(results.quiets, headerWord('quietCount') * quietWords),
        cores: wordsIn(results.quietCores, headerWord('quietCount') > 0 ? cores : 0),
      },
    }),
    ...(events && {
      events: eventsIn(headerWord('eventsEnd') - bytesOfEvents, headerWord('events')),
    }),
    ...(notes && {
      instants: {
        entered: column(results.entered, sends, first),
        taken: column(results.taken, takes, first),
        takenColor: new Uint8Array(memory.buffer, results.takenColor, takes).slice(),
      },
    }),
  });
  if (line && events === undefined && line.nudges.length === 0 && first === 0) {
    const { noted, moveWords } = line;
    const { moves } = results;
    machine.laid = { image, noted, moveWords, startAt, moves, results: read };
  }
  return read;
}

/** A copy of some times, which count from the first start in the machine, or from where that does. */
function copyOf(times: Float64Array, later: number): Float64Array {
  const copy = times.slice();
  if (later !== 0) for (let i = 0; i < copy.length; i++) copy[i] += later;
  return copy;
}

const NO_WORDS = new Int32Array(0);

/** Writes records of routers that have moved nothing (assembly/moves.ts), with these pointers. */
function fillMoves(records: Int32Array, { pointers, nudges, noted }: LineWants): void {
  // The first one, then copies of all those so far: most pointers are 0.
  records.fill(0, 0, MOVES_WORDS);
  records[FLAGS + 2] = -1;
  for (let done = MOVES_WORDS; done < records.length; done *= 2)
    records.copyWithin(done, 0, Math.min(done, records.length - done));
  for (let i = 0; i < pointers.length; i++)
    if (pointers[i] !== 0) records[i * MOVES_WORDS + FLAGS] = pointers[i] << 8;
  for (let i = 0; i < noted.length; i++) records[noted[i] * MOVES_WORDS + FLAGS + 2] = i;
  for (let n = nudges.length / NUDGE_WORDS - 1; n >= 0; n--)
    records[nudges[n * NUDGE_WORDS] * MOVES_WORDS + FLAGS + 1] = n;
}

/** Where a record has its flags and pointer; which nudge comes next and which rows are the router's follow. */
const FLAGS = 4;

/** Entries with an end that is no router's. */
function closed(nudges: Int32Array): Int32Array {
  const all = new Int32Array(nudges.length + NUDGE_WORDS).fill(-1);
  all.set(nudges);
  return all;
}
