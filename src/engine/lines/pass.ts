/**
 * One pass over all lines of a divided program, each with the ends of its cores' parts before as starts; those that
 * the table has are not simulated. What comes out is right if the guard (guard.ts) finds that no two lines met.
 */
import { earliestOf, latestOf, NO_END } from '../engine.js';
import { columnOf, type Tables } from '../fast/tables.js';
import type { Cuts } from './cut.js';
import type { Division, Line } from './divide.js';
import { followEach, followFree, followMoves, freeByCore, type Traces } from './traces.js';
import { find, simulated } from './known.js';
import type { LineResult } from './result.js';
import { columnsOf, startsOfLine, type Leads } from './starts.js';
import { roomOf, timesOf, type LineTable, type Times } from './table.js';

export interface Pass {
  division: Division;
  /** By line: its result, and the cycle that its times count from. */
  results: LineResult[];
  bases: Times;
  /** Lines that the table had. */
  known: number;
  traces: Traces;
  /** By core: the cycle in which it is at its next part (until the next pass), and cycles that it waited for output. */
  at: Times;
  waitOutput: Float64Array;
  /** By lead: the latest core that came there, and when. */
  latest: Times;
  latestCore: Int32Array;
  labelEnd: Float64Array;
  labelCore: Int32Array;
  /** By label: core-cycles that cores waited before what their lines' results have. */
  waited: Float64Array;
  hazards: number;
}

/** Where a pass is: the line that is simulated, how lists are cut, and the cycle in which the line begins. */
export interface Place {
  line?: Line;
  cuts?: Cuts;
  cycle: number;
}

/** Why a pass did not come to its end: a line did not, is too long, or 32 bits are too few. */
export type Stopped = 'line' | 'long' | 'wide';

/** No cycle of a pass of 32 bits is earlier or later than this, so that what is added to it still has room. */
const FURTHEST = 2 ** 30;
/** Nor is more computed between parts. */
const LONGEST = 2 ** 29;

/** Bits for the cycles of a pass to begin with. */
export function bitsFor({ programStart }: Tables, { cuts }: Division, starts: Times): 32 | 64 {
  if (latestOf(starts) > FURTHEST || earliestOf(starts) < -FURTHEST) return 64;
  return programStart < LONGEST && cuts.leads.every(({ cycles }) => cycles < LONGEST) ? 32 : 64;
}

/** By line: where others leave pointers of its routers (see `LineResult`). */
export type Nudges = ReadonlyMap<number, Int32Array>;

const NO_NUDGES = new Int32Array(0);

/** Goes through all lines, in slices of some milliseconds. */
export function* passOver(
  table: LineTable,
  tables: Tables,
  division: Division,
  starts: Times,
  bits: 32 | 64,
  nudges: Nudges,
  place: Place,
): Generator<void, Pass | Stopped> {
  const pass = begin(table, tables, division, starts, bits);
  const { lines, cuts } = division;
  const { pointers } = pass.traces;
  const leads = columnsOf(cuts.leads, mostActors(lines), bits);
  for (;;) {
    const stopped = passKnown(table, pass, leads, nudges);
    if (stopped !== undefined) return stopped;
    const l = pass.results.length;
    if (l === lines.length) break;
    const line = lines[l];
    Object.assign(place, { line, cuts, cycle: pass.bases[l] });
    const own = leads.starts.subarray(0, line.actors.length);
    const before = columnOf(pointers, line.routers);
    const result = yield* simulated(table, line, own, before, nudgesOf(nudges, l));
    if (result === undefined) return 'line';
    if (isFar(pass, result)) return 'wide';
    apply(pass, line, pass.bases[l], result);
  }
  finish(pass, tables, leads);
  return pass;
}

/** Goes on through lines that the table has, up to the first one that is to be simulated. */
function passKnown(
  table: LineTable,
  pass: Pass,
  leads: Leads,
  nudges: Nudges,
): Stopped | undefined {
  const { division, bases, results, traces } = pass;
  const { lines } = division;
  // Lines that follow each other are mostly of one length.
  let own = leads.starts.subarray(0, 0);
  for (let l = results.length; l < lines.length; l++) {
    const line = lines[l];
    const count = line.actors.length;
    if (own.length !== count) own = leads.starts.subarray(0, count);
    const base = startsOfLine(pass, line, leads);
    if (base === undefined) return 'long';
    bases[l] = base;
    const moved = nudges.size > 0 ? nudgesOf(nudges, l) : NO_NUDGES;
    const result = find(table, line.shape, own, moved, traces.pointers, line.routers);
    if (result === undefined) return undefined;
    if (isFar(pass, result)) return 'wide';
    pass.known++;
    apply(pass, line, base, result);
  }
  return undefined;
}

function nudgesOf(nudges: Nudges, line: number): Int32Array {
  return nudges.get(line) ?? NO_NUDGES;
}

/** Are cycles of the next line, with this result, too far for 32 bits? */
function isFar({ at, bases, results }: Pass, { latest }: LineResult): boolean {
  return at instanceof Int32Array && bases[results.length] + latest > FURTHEST;
}

function mostActors(lines: readonly Line[]): number {
  let most = 0;
  for (let l = 0; l < lines.length; l++) most = Math.max(most, lines[l].actors.length);
  return most;
}

function begin(
  table: LineTable,
  tables: Tables,
  division: Division,
  starts: Times,
  bits: 32 | 64,
): Pass {
  const { labels } = tables;
  const cores = tables.roleOf.length;
  const room = roomOf(table, bits, cores);
  const never = bits === 32 ? -(2 ** 31) : -Infinity;
  const at = room.at.subarray(0, cores);
  at.set(starts);
  if (tables.programStart !== 0) startPrograms(at, tables);
  const leads = division.cuts.leads.length;
  return {
    division,
    results: [],
    bases: timesOf(bits, division.lines.length),
    known: 0,
    traces: {
      pointers: new Uint8Array(cores),
      last: room.last.subarray(0, cores).fill(never),
      never,
      free: new Map(),
      room,
      flagged: [],
      returned: false,
    },
    at,
    waitOutput: new Float64Array(cores),
    latest: timesOf(bits, leads).fill(never),
    latestCore: new Int32Array(leads),
    labelEnd: new Float64Array(labels).fill(NO_END),
    labelCore: new Int32Array(labels),
    waited: new Float64Array(labels),
    hazards: 0,
  };
}

function startPrograms(at: Times, { ops, roleOf, programStart }: Tables): void {
  const { listOf, first } = ops;
  for (let core = 0; core < at.length; core++) {
    const list = listOf[roleOf[core]];
    if (first[list + 1] > first[list]) at[core] += programStart;
  }
}

/** Moves the next line's result to where and when it is. */
function apply(pass: Pass, line: Line, base: number, result: LineResult): void {
  const { at, waitOutput, labelEnd, labelCore, traces } = pass;
  const { routers, actors } = line;
  pass.results.push(result);
  const returns = pass.division.returns[line.group];
  for (let i = 0; i < returns.length; i++) followFamily(pass, line, base, result, returns[i]);
  followMoves(traces, line, result, base);
  const { ends, waitOutput: waits, labels } = result;
  endParts(at, routers, actors, ends, base);
  if (waits !== undefined)
    for (let i = 0; i < actors.length; i++) waitOutput[routers[actors[i]]] += waits[i];
  for (let i = 0; i < labels.length; i += 3)
    endLabel(labelEnd, labelCore, labels[i], base + labels[i + 1], routers[labels[i + 2]]);
  pass.hazards += result.hazards;
}

function endParts(
  at: Times,
  routers: Int32Array,
  actors: Int32Array,
  ends: Int32Array,
  base: number,
): void {
  for (let i = 0; i < actors.length; i++) at[routers[actors[i]]] = base + ends[i];
}

/** Follows what a line leaves of a family to which cores return; its result is the last of all. */
function followFamily(
  { division, traces, results, bases }: Pass,
  line: Line,
  base: number,
  result: LineResult,
  family: number,
): void {
  if (followFree(traces, line, result, base, family, division)) return;
  const { lines, returns } = division;
  const each = freeByCore(traces, family);
  for (let l = 0; l < results.length; l++)
    if (returns[lines[l].group].includes(family))
      followEach(traces, lines[l], results[l], bases[l], each);
}

function endLabel(ends: Float64Array, cores: Int32Array, label: number, end: number, core: number) {
  if (end < ends[label] || (end === ends[label] && core > cores[label])) return;
  ends[label] = end;
  cores[label] = core;
}

/** What cores compute last, and the ends of labels in what they compute. */
function finish(pass: Pass, tables: Tables, columns: Leads): void {
  const { latest, latestCore, labelEnd, labelCore, division, traces } = pass;
  const { leads } = division.cuts;
  computeLast(pass, tables, columns);
  for (let lead = 0; lead < leads.length; lead++) {
    const { ends } = leads[lead];
    if (latest[lead] === traces.never) continue;
    for (let i = 0; i < ends.length; i++)
      endLabel(labelEnd, labelCore, ends[i].label, latest[lead] + ends[i].after, latestCore[lead]);
  }
}

function computeLast(
  { at, latest, latestCore, division }: Pass,
  { ops, roleOf }: Tables,
  { cycles }: Leads,
): void {
  const tailOf = Int32Array.from(division.cuts.tails);
  for (let core = 0; core < at.length; core++) {
    const list = ops.listOf[roleOf[core]];
    const tail = tailOf[list];
    if (at[core] > latest[tail] || (at[core] === latest[tail] && core < latestCore[tail])) {
      latest[tail] = at[core];
      latestCore[tail] = core;
    }
    at[core] += cycles[tail];
  }
}
