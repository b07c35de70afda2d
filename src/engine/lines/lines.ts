/**
 * The engine of lines: a program is divided into lines, each of which is simulated once, whatever their number, and
 * its result moved in place and time; what comes out is the fast engine's result, field by field. A program that
 * this is not for, or in which lines met, is run whole.
 */
import { earliestOf, FEWEST_OF_LARGE, LAST_CYCLE } from '../engine.js';
import { endedIn, lastEnd } from '../by-core.js';
import type { Run, RunInput, RunResult, Standing } from '../engine.js';
import { startFast, tablesOf } from '../fast/fast.js';
import { recordAt } from '../fast/operations.js';
import { resultOf } from '../fast/tally.js';
import type { Program } from '../../program/program.js';
import { fillStarts, type Tables } from '../fast/tables.js';
import { divide, groupsBetween, partsOf, type Division, type Line } from './divide.js';
import { guard, type Findings } from './guard.js';
import { joinLines, MOST_JOINED } from './join.js';
import { bitsFor, passOver, type Nudges, type Pass, type Place } from './pass.js';
import { countsOf, sentIn } from './pass-counts.js';
import { nudgeLines } from './nudges.js';
import { sameWords } from './shapes.js';
import { makeRoom, timesOf } from './table.js';
import type { LineTable, StageLines, WhyWhole } from './table.js';

/** A run by lines; a program that is not for it ends with why. */
export type LinesRun = Omit<Run, 'advance'> & {
  advance(): RunResult | WhyWhole | undefined;
};

/**
 * Runs a program by lines, in slices, with what the table has; it takes what is new.
 * @param guarded whether lines that meet are found: without, a result may be wrong
 * @param mostJoined the largest share of all routers that lines which met may have to be joined
 */
export function startByLines(
  input: RunInput,
  table: LineTable,
  guarded = true,
  mostJoined = MOST_JOINED,
): LinesRun {
  const place: Place = { cycle: earliestOf(input.startAt ?? [0]) };
  const running = byLines(input, table, guarded, mostJoined, place);
  return {
    cycle: () => place.cycle,
    standing: () => standingIn(input, place),
    advance() {
      const { done, value } = running.next();
      return done ? value : undefined;
    },
  };
}

/** The same; what is not for lines is run whole, by the fast engine if nothing else is said. */
export function startLines(
  input: RunInput,
  table: LineTable,
  {
    guarded = true,
    mostJoined = MOST_JOINED,
    whole = startFast,
  }: { guarded?: boolean; mostJoined?: number; whole?: (input: RunInput) => Run } = {},
): Run {
  const lines = startByLines(input, table, guarded, mostJoined);
  let rest: Run | undefined;
  let why: WhyWhole;
  return {
    cycle: () => (rest ?? lines).cycle(),
    standing: () => (rest ?? lines).standing(),
    advance() {
      if (rest === undefined) {
        const ended = lines.advance();
        if (typeof ended !== 'string') return ended;
        why = ended;
        rest = whole(input);
      }
      const result = rest.advance();
      if (result !== undefined) noteWhole(table, result, why);
      return result;
    },
  };
}

/** Notes why a result is of a program that was run whole. */
export function noteWhole(table: LineTable, result: RunResult, whole: WhyWhole): void {
  table.made.set(result, {
    lines: 0,
    distinct: [],
    known: 0,
    nudged: 0,
    stretched: 0,
    merged: 0,
    joined: 0,
    whole,
  });
}

function* byLines(
  input: RunInput,
  table: LineTable,
  guarded: boolean,
  most: number,
  place: Place,
): Generator<void, RunResult | WhyWhole> {
  const found = yield* passesOf(input, table, guarded, place, most);
  return typeof found === 'string' ? found : resultBy(input, table, found);
}

/** The pass by which a program is what its lines are; and the pairs of phases that are one. */
export interface Found {
  tables: Tables;
  pass: Pass;
  merged: number;
}

/** What of that a path needs: the rest is let go of. */
export type Known = Pick<Found, 'tables'> & { pass: Pick<Pass, 'division' | 'results' | 'bases'> };

/** Goes through a program's lines until they are right. */
export function* passesOf(
  input: RunInput,
  table: LineTable,
  guarded: boolean,
  place: Place,
  most = MOST_JOINED,
): Generator<void, Found | WhyWhole> {
  const { program } = input;
  const tables = tablesOf(input);
  if (tables === undefined) return 'not plain';
  if (isUneven(program)) return 'differ';
  makeRoom(table);
  const wide = input.startAt instanceof Float64Array;
  const starts = fillStarts(timesOf(wide ? 64 : 32, tables.placeOf.length), input, tables);
  let bits: 32 | 64 = 32;
  const united = new Map<number, number>();
  let nudges: Nudges = new Map();
  let merged = 0;
  let joins: Pairs = [];
  let joined: Division | undefined;
  const joining = { table, tables, wafer: input.wafer, width: program.width, most };
  const takeTogether = (pairs: Pairs, of: Division) => {
    for (const [a, b] of pairs) unite(united, of, a, b);
    merged += pairs.length;
    nudges = new Map();
    [joins, joined] = [[], undefined];
  };
  for (let passes = 1; ; passes++) {
    const base = divisionOf(table, input, tables, united);
    const division = joined ?? base;
    if (base === undefined || division === undefined)
      return merged > 0 ? 'met' : program.families ? 'phases' : 'one family';
    if (bits === 32) bits = bitsFor(tables, division, starts);
    const pass = yield* passOver(table, tables, division, starts, bits, nudges, place);
    if (pass === 'wide') {
      bits = 64;
      continue;
    }
    if (pass === 'line') {
      // What a line waits for may be sent in another phase: cores that skip what others do turn less often.
      const pairs = comingBack(division, place.line!);
      if (pairs.length === 0) return pass;
      takeTogether(pairs, division);
      continue;
    }
    if (typeof pass === 'string') return pass;
    const found = guarded ? yield* guard(table, pass, nudges) : NOTHING_FOUND;
    if (found.returned) return 'met';
    if (found.met.length === 0 && areSame(nudges, found.nudges)) return { tables, pass, merged };
    const isFirst = nudges.size === 0;
    nudges = found.nudges;
    if (found.met.length === 0 && isFirst && (yield* nudgeLines(table, pass, nudges)))
      return { tables, pass, merged };
    if (found.met.length === 0 && passes % MOST_PASSES !== 0) continue;
    if (found.met.length > 0) {
      joins = joinsWith(joins, division, found.lines);
      joined = joinLines(joining, base, joins);
      nudges = new Map();
      if (joined !== undefined) continue;
    }
    const pairs = found.met.length > 0 ? found.met : found.nudged;
    // Where most had to be simulated, to do that again with fewer lines takes longer than the whole.
    const isLong = tables.placeOf.length >= FEWEST_OF_LARGE && 2 * pass.known < pass.results.length;
    if (pairs.length === 0 || isLong) return 'met';
    takeTogether(pairs, division);
  }
}

/** Pairs of a line's group and each other one that has a family of its colours. */
function comingBack({ returns }: Division, { group }: Line): Pairs {
  const others = returns.flatMap((families, other) =>
    other !== group && families.some((family) => returns[group].includes(family)) ? [other] : [],
  );
  return others.map((other) => [group, other]);
}

type Pairs = readonly (readonly [number, number])[];

/** Joins so far and those of some lines of a division, all by their numbers before any were joined. */
function joinsWith(joins: Pairs, { members }: Division, met: Pairs): Pairs {
  const before = (line: number) => members?.[line][0] ?? line;
  return [...joins, ...met.map(([a, b]) => [before(a), before(b)] as const)];
}

/** Do most rows and columns have links of own lengths, so that hardly any lines are equal? */
function isUneven({ linkHops, width, height }: Program): boolean {
  if (linkHops === undefined) return false;
  const [columns, rows] = [new Uint8Array(width), new Uint8Array(height)];
  for (let link = 0; link < linkHops.length; link++) {
    if (linkHops[link] <= 1) continue;
    const core = link >> 2;
    columns[core % width] = 1;
    rows[Math.floor(core / width)] = 1;
  }
  const share = (of: Uint8Array) => of.reduce((sum, one) => sum + one, 0) / of.length;
  return width * height >= FEWEST_OF_LARGE && share(columns) + share(rows) > 1;
}

/** Passes with nudges, each because of the one before, after which lines are rather taken together. */
const MOST_PASSES = 6;

const NOTHING_FOUND: Findings = {
  ...{ returned: false, met: [], lines: [], nudged: [] },
  nudges: new Map(),
};

function areSame(a: Nudges, b: Nudges): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([line, words]) => sameWords(words, b.get(line) ?? []));
}

/** The division of a program with some phases united, made once. */
function divisionOf(
  table: LineTable,
  { program, wafer }: RunInput,
  tables: Tables,
  united: Map<number, number>,
): Division | undefined {
  const known = table.divisions.get(tables) ?? new Map<string, Division | undefined>();
  table.divisions.set(tables, known);
  const key = [...united].join(' ');
  if (!known.has(key)) {
    const groupOf = (phase: number) => united.get(phase) ?? phase;
    known.set(key, divide(table, program, wafer, tables, groupOf));
  }
  return known.get(key);
}

/** From now on two groups, and those between them, are one: each of their phases is of the lowest of them. */
function unite(united: Map<number, number>, { cuts }: Division, a: number, b: number): void {
  const own = groupsBetween(cuts, a, b).flatMap((group) => cuts.phases[group]);
  const phases = [...new Set(own.flatMap((phase) => [phase, united.get(phase) ?? phase]))];
  const lowest = Math.min(...phases);
  for (const [phase, root] of united) if (phases.includes(root)) united.set(phase, lowest);
  for (const phase of phases) united.set(phase, lowest);
}

function resultBy(
  input: RunInput,
  table: LineTable,
  { tables, pass, merged }: Found,
): RunResult | WhyWhole {
  const sent = sentIn(pass);
  const counts = countsOf(pass, sent);
  const all = input.instants ? { ...counts, instants: NONE } : counts;
  const result = resultOf(input, tables, all, sent);
  if (lastEnd(endedIn(result)) > Math.min(input.maxCycles ?? Infinity, LAST_CYCLE)) return 'long';
  const made: StageLines = {
    ...{ lines: pass.results.length, known: pass.known, merged, joined: joinedIn(pass.division) },
    nudged: pass.results.filter(({ nudges }) => nudges.length > 0).length,
    stretched: pass.results.filter(({ stretched }) => stretched !== undefined).length,
    distinct: [...new Set(pass.results.map(({ hash }) => hash))],
  };
  table.made.set(result, made);
  const { division, results, bases } = pass;
  table.found.set(result, { tables, pass: { division, results, bases } });
  return result;
}

/** Lines that are joined with others. */
function joinedIn({ members = [] }: Division): number {
  return members.reduce((sum, own) => sum + (own.length > 1 ? own.length : 0), 0);
}

/** Programs with synthetic traffic are not run by lines. */
const NONE = {
  entered: new Float64Array(0),
  taken: new Float64Array(0),
  takenColor: new Uint8Array(0),
};

/** The cores of the line that is simulated, as they are where it begins. */
function standingIn(input: RunInput, { line, cuts }: Place): Standing[] {
  const tables = line && tablesOf(input);
  if (line === undefined || tables === undefined || cuts === undefined) return [];
  const { ops, placeOf, roleOf } = tables;
  const [own, last] = [line.group, line.last ?? line.group].map((group) => partsOf(cuts, group));
  return Array.from(line.actors, (router) => {
    const core = line.routers[router];
    const list = ops.listOf[roleOf[core]];
    const part = own[list] < 0 ? last[list] : own[list];
    const { label, source, destination } = recordAt(ops, cuts.parts[part].from);
    return {
      core: placeOf[core],
      label,
      receives: colors(source),
      sends: colors(destination),
    };
  });
}

function colors(color: number): number[] {
  return color < 0 ? [] : [color];
}
