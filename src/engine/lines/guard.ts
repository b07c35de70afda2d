/**
 * Lines were simulated one by one: would the whole program have done the same? It would if
 * - no router moves wavelets of two lines over one of its outputs in one cycle,
 * - every line was simulated with the pointers that the others leave at its routers,
 * - every line of a family begins only when the places that the family's lines before it took are free again.
 * What was simulated is right up to the first cycle in which one of these fails, hence all of it if none does. A line
 * for which only the second fails is simulated again with those pointers.
 */
import type { Nudges, Pass } from './pass.js';
import {
  areNoted,
  coincide,
  cyclesOf,
  isElsewhere,
  isNeeded,
  moveBefore,
  nextOpen,
  noteCycles,
  type Cycles,
} from './cycles.js';
import { NEVER_MOVES, type LineResult } from './result.js';
import { placeIn } from '../../numeric/sorted.js';
import { placeAmong, pointerAt } from './simulate.js';
import type { LineTable } from './table.js';

/** A line at a router: its place in it, its cycles there, its colours, its links, and where it leaves the pointer. */
interface Use {
  line: number;
  at: number;
  from: number;
  to: number;
  colors: number;
  links: number;
  pointer: number;
  /** All its cycles there, if another line's are between them. */
  cycles: Cycles | undefined;
  /** If what it does depends on that: the place of the pointer among its colours with which it was simulated. */
  place: number | undefined;
}

/** What the guard found. */
export interface Findings {
  /** A family was returned to too early. */
  returned: boolean;
  /** Pairs of groups of which lines met, and of these lines. */
  met: [number, number][];
  lines: [number, number][];
  /** With which nudges lines should be simulated, and pairs of groups of which one has them because of the other. */
  nudges: Nudges;
  nudged: [number, number][];
}

type Pairs = Map<string, [number, number]>;

interface Search {
  pass: Pass;
  met: Pairs;
  lines: Pairs;
  nudged: Pairs;
  /** By line, by router and cycle (`keyOf`): the pointer with which it was simulated, or is to be. */
  given: Map<number, Map<number, number>>;
  wanted: Map<number, Map<number, number>>;
}

/** @param given the nudges with which the lines of the pass were simulated */
export function* guard(table: LineTable, pass: Pass, given: Nudges): Generator<void, Findings> {
  const { returned, flagged } = pass.traces;
  const search: Search = {
    ...{ pass, met: new Map(), lines: new Map(), nudged: new Map(), wanted: new Map() },
    given: new Map([...given].map(([line, words]) => [line, byKey(words)])),
  };
  if (!returned) {
    const routers = [...new Set(flagged)].map((router) => usesOf(pass, router));
    yield* noteOverlapping(table, pass, routers);
    for (const uses of routers)
      for (let a = 0; a < uses.length; a++)
        for (let b = a + 1; b < uses.length; b++)
          if (meet(uses[a], uses[b])) noteMet(search, uses[a], uses[b]);
    if (search.met.size === 0)
      for (const uses of routers)
        for (let i = 0; i < uses.length; i++) findNudges(search, uses[i], uses);
  }
  const { met, lines, nudged, wanted } = search;
  const nudges = new Map([...wanted].map(([line, of]) => [line, wordsOf(of)]));
  return {
    ...{ returned, met: [...met.values()], lines: [...lines.values()] },
    ...{ nudges, nudged: [...nudged.values()] },
  };
}

/** Finds the cycles of lines that are at a router at one time. */
function* noteOverlapping(table: LineTable, pass: Pass, routers: Use[][]): Generator<void, void> {
  const { division, results, bases } = pass;
  const overlapping: Use[] = [];
  // Mostly all of them are noted.
  const missing: Use[] = [];
  for (const uses of routers)
    for (let i = 0; i < uses.length; i++) {
      const use = uses[i];
      if (!overlapsOne(use, uses)) continue;
      overlapping.push(use);
      if (!areNoted(results[use.line], use.at)) missing.push(use);
    }
  // Results that are made of another one need that one's cycles: those come first, for all of them at once.
  const wanted = new Map<LineResult, { line: number; at: Set<number> }>();
  const want = (result: LineResult, { line, at }: Use) => {
    const of = wanted.get(result) ?? { line, at: new Set() };
    of.at.add(at);
    wanted.set(result, of);
  };
  for (const use of missing) want(results[use.line].stretched?.of ?? results[use.line], use);
  for (const use of missing) want(results[use.line], use);
  for (const [result, { line, at }] of wanted)
    yield* noteCycles(table, division.lines[line], result, at);
  for (const use of overlapping) use.cycles = cyclesOf(results[use.line], use.at, bases[use.line]);
}

function overlapsOne(use: Use, uses: Use[]): boolean {
  for (let i = 0; i < uses.length; i++) {
    const other = uses[i];
    if (other !== use && other.from <= use.to && use.from <= other.to) return true;
  }
  return false;
}

/** Cycles of a line are fewer. */
const CYCLES = 2 ** 31;

function keyOf(at: number, cycle: number): number {
  return at * CYCLES + cycle;
}

function byKey(words: Int32Array): Map<number, number> {
  const pointers = new Map<number, number>();
  for (let i = 0; i < words.length; i += 3)
    pointers.set(keyOf(words[i], words[i + 1]), words[i + 2]);
  return pointers;
}

function wordsOf(pointers: Map<number, number>): Int32Array {
  const inOrder = [...pointers].toSorted(([a], [b]) => a - b);
  return Int32Array.from(
    inOrder.flatMap(([key, pointer]) => [Math.floor(key / CYCLES), key % CYCLES, pointer]),
  );
}

function note(pairs: Pairs, pass: Pass, { line }: Use, other: Use): void {
  const { lines } = pass.division;
  const [a, b] = [lines[line].group, lines[other.line].group];
  // Of lines that are joined with others of one group, both groups.
  const pair: [number, number] =
    a === b ? [a, lines[line].last ?? lines[other.line].last ?? b] : [a, b];
  pairs.set(pair.join(' '), pair);
}

function noteMet({ pass, met, lines }: Search, use: Use, other: Use): void {
  note(met, pass, use, other);
  const [a, b] = [Math.min(use.line, other.line), Math.max(use.line, other.line)];
  lines.set(`${a} ${b}`, [a, b]);
}

/** All lines that move something at a router, in their order. */
function usesOf({ division, results, bases }: Pass, router: number): Use[] {
  const { nets, lineOf, lines } = division;
  const uses: Use[] = [];
  for (let group = 0; group < nets.length; group++) {
    const net = nets[group].of[router];
    const line = net < 0 ? -1 : lineOf[group][net];
    // A line of two groups is there once.
    if (line < 0 || isAmong(uses, line)) continue;
    const { routers, shape } = lines[line];
    const at = placeIn(routers, router);
    const { first, last, depends, pointers, places } = results[line];
    if (first[at] === NEVER_MOVES) continue;
    const use = {
      line,
      at,
      from: bases[line] + first[at],
      to: bases[line] + last[at],
      colors: shape.colors[at],
      links: shape.links[at],
      pointer: pointers[at],
      cycles: undefined,
      place: depends[at] !== 0 ? places![placeIn(shape.several, at)] : undefined,
    };
    let own = uses.push(use) - 1;
    for (; own > 0 && uses[own - 1].line > line; own--) uses[own] = uses[own - 1];
    uses[own] = use;
  }
  return uses;
}

function isAmong(uses: readonly Use[], line: number): boolean {
  for (let i = 0; i < uses.length; i++) if (uses[i].line === line) return true;
  return false;
}

/** Do two lines move something in one cycle over one output, a link that both may send over or the ramp to the core? */
function meet(a: Use, b: Use): boolean {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.to, b.to);
  if (from > to) return false;
  const which = (a.links & b.links) !== 0 ? 'moves' : 'ramp';
  return coincide(a.cycles!, b.cycles!, from, to, which);
}

/** Another line moved something before a cycle of a line, as the last one to do so, and in which cycle. */
interface Disturbed {
  by: Use | undefined;
  since: number;
}

/**
 * Where others leave the pointer before cycles of a line in which it matters: nudges with which it was simulated are
 * kept if they are right, and there are new ones where it is not simulated with that pointer.
 */
function findNudges(search: Search, use: Use, uses: Use[]): void {
  // Of most nothing hangs on the pointer at first, and no other line is there meanwhile.
  if (use.place === undefined && !overlapsOne(use, uses)) return;
  const first: Disturbed = { by: undefined, since: -Infinity };
  /** By later cycles; of most lines there are none. */
  let later: Map<number, Disturbed> | undefined;
  for (let i = 0; i < uses.length; i++) {
    const other = uses[i];
    if (other === use || other.from >= use.to) continue;
    const overlaps = other.to >= use.from;
    if (use.place !== undefined && other.from < use.from) {
      const since = overlaps ? moveBefore(other.cycles!, use.from) : other.to;
      disturb(search, first, use, other, since);
    }
    if (overlaps) later = disturbBetween(search, later, use, other);
  }
  if (use.place !== undefined) settle(search, use, uses, use.from, first);
  if (later !== undefined)
    for (const [cycle, last] of later) settle(search, use, uses, cycle, last);
}

/** Cycles of a line that another one disturbs which is at the router at the same time, with those that others do. */
function disturbBetween(
  search: Search,
  disturbed: Map<number, Disturbed> | undefined,
  use: Use,
  other: Use,
): Map<number, Disturbed> | undefined {
  const [of, its] = [use.cycles!, other.cycles!];
  let all = disturbed;
  for (let t = nextOpen(of, use.from + 1); t !== Infinity; t = nextOpen(of, t + 1)) {
    const since = moveBefore(its, t);
    if (since === -Infinity) continue;
    const own = moveBefore(of, t);
    if (since < own || !isNeeded(of, t)) continue;
    if (since === own) {
      noteMet(search, use, other);
      continue;
    }
    all ??= new Map();
    let last = all.get(t);
    if (last === undefined) all.set(t, (last = { by: undefined, since: -Infinity }));
    disturb(search, last, use, other, since);
  }
  return all;
}

/** Another line moved something before a cycle of a line, last in cycle `since`. */
function disturb(search: Search, last: Disturbed, use: Use, by: Use, since: number): void {
  // Which of two that moved in one cycle left the pointer hangs on where it was before.
  if (last.by !== undefined && last.since === since) noteMet(search, use, by);
  else if (last.since < since) [last.by, last.since] = [by, since];
}

/** Sees to it that a line is simulated with the pointer that the last one left which disturbed a cycle of it, if any did. */
function settle(
  search: Search,
  use: Use,
  uses: Use[],
  cycle: number,
  { by, since }: Disturbed,
): void {
  const pointer = by === undefined ? 0 : pointerAfter(by, since, use.colors);
  if (pointer === undefined) noteMet(search, use, by!);
  else if (nudge(search, use, cycle, pointer))
    note(search.nudged, search.pass, use, by ?? uses.find((one) => one !== use)!);
}

/** Where a line leaves the pointer among some colours, if that is known: after its last move, or after any. */
function pointerAfter(line: Use, since: number, colors: number): number | undefined {
  if (since === line.to) return line.pointer;
  const places = new Set<number>();
  for (let rest = line.colors; rest !== 0; rest &= rest - 1)
    places.add(placeAmong(colors, 32 - Math.clz32(rest & -rest)));
  return places.size === 1 ? pointerAt(colors, [...places][0]) : undefined;
}

/** Notes where the pointer has to be before a cycle; false if it is there without a nudge. */
function nudge({ pass, given, wanted }: Search, use: Use, cycle: number, pointer: number): boolean {
  const { line, at, colors } = use;
  const place = placeAmong(colors, pointer);
  const key = keyOf(at, cycle - pass.bases[line]);
  const had = given.get(line)?.get(key);
  if (had === undefined) {
    if (cycle === use.from && use.place === place) return false;
    if (cycle !== use.from && place === 0 && !isElsewhere(use.cycles!, cycle)) return false;
  }
  let own = wanted.get(line);
  if (own === undefined) wanted.set(line, (own = new Map()));
  own.set(key, pointerAt(colors, place));
  return true;
}
