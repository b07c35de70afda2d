/**
 * How the lists of operations of a program are cut: a *phase* is what cores do on one family of colours from one
 * label on, a *group* one phase or several that are simulated as one, and a *part* what a list does in a group. A
 * list turns to another phase where its family changes, and where that of another list does at the same label.
 * What a core computes before a part takes a time that is known, so it is not simulated.
 */
import { FIXED, OP, OP_WORDS, ROUTE, STREAM, TRAFFIC } from '../fast/machine-code.js';
import type { Operations } from '../fast/operations.js';
import { cyclesAt } from '../fast/records.js';
import { mix } from '../../numeric/mix.js';

/** Colours of a machine at most: they are bits of a word. */
export const COLORS = 32;

/** The last operation of a label ends so many cycles after a list began to compute. */
export interface LabelEnd {
  label: number;
  after: number;
}

/** Operations without the fabric, before a part or at a list's end: their cycles, and which labels end in them. */
export interface Lead {
  cycles: number;
  ends: LabelEnd[];
  /** Label and set-up of the first operation after it, if that waits for a wavelet. */
  awaits: { label: number; setup: number } | undefined;
}

export interface Part {
  group: number;
  /** Its records, from its first to its last operation on the fabric. */
  from: number;
  to: number;
  /** What the core computes before, by its number among all. */
  lead: number;
}

export interface Cuts {
  /** By group: bits of its colours, and its phases. */
  masks: number[];
  phases: number[][];
  parts: Part[];
  /** By list, and one past the last: its first part. */
  firstPart: Int32Array;
  /** By list: what it computes after its last part. */
  tails: number[];
  /** What lists compute, each once: of thousands of parts a few dozen differ. */
  leads: Lead[];
}

/** Families of colours; those of which a router's route may change have all their turns in one phase. */
export interface Families {
  /** By colour: the lowest colour of its family. */
  of: Int32Array;
  /** By colour: whether some route of its family changes. */
  changes: Uint8Array;
}

/** A phase's number: what a list does on a family from a label on, when it turns there for the `turn`-th time. */
function phaseOf(family: number, label: number, turn: number): number {
  return (turn * LABELS + label) * COLORS + family;
}

/** Above the number of labels that phases are told apart by. */
const LABELS = 2 ** 16;

/**
 * Cuts all lists; `groupOf` says which phases go together (the lowest of them, itself if it is alone). Undefined if
 * some core would come back to a group that it left, or sends synthetic traffic.
 */
export function cutLists(
  ops: Operations,
  families: Families,
  groupOf: (phase: number) => number,
): Cuts | undefined {
  const { first } = ops;
  const lists = first.length - 1;
  const groups = new Map<number, number>();
  const cuts: Cuts = {
    masks: [],
    phases: [],
    parts: [],
    firstPart: new Int32Array(lists + 1),
    tails: [],
    leads: [],
  };
  const leads = new Map<number, number[]>();
  const number = (phase: number): number => {
    const root = groupOf(phase);
    let group = groups.get(root);
    if (group === undefined) {
      group = cuts.masks.push(0) - 1;
      cuts.phases.push([]);
      groups.set(root, group);
    }
    if (!cuts.phases[group].includes(phase)) {
      cuts.phases[group].push(phase);
      cuts.masks[group] |= maskOf(families, phase % COLORS);
    }
    return group;
  };
  const turns = turnsOf(ops, families);
  for (let list = 0; list < lists; list++) {
    if (!cutList(ops, list, families, turns, number, cuts, leads)) return undefined;
    cuts.firstPart[list + 1] = cuts.parts.length;
  }
  return cuts;
}

function maskOf({ of }: Families, family: number): number {
  let mask = 0;
  for (let color = 0; color < of.length; color++) if (of[color] === family) mask |= 1 << color;
  return mask;
}

/**
 * By label: bits of the families that some list turns to there. All turn to one, too, on which they have been, where all
 * compute long before: cores that a sum has made wait for each other go on as far apart as on any other line.
 */
function turnsOf(
  { first, rows: { records }, rowOf }: Operations,
  { of }: Families,
): Map<number, number> {
  const [turns, pauses, goesOn] = [0, 1, 2].map(() => new Map<number, number>());
  for (let list = 0; list < first.length - 1; list++) {
    let family = -1;
    let label = -1;
    let computed = 0;
    for (let op = first[list]; op < first[list + 1]; op++) {
      const at = rowOf[op] * OP_WORDS;
      const kind = records[at + OP.kind];
      if (kind === FIXED) computed += cyclesAt(records, at);
      if (kind === FIXED || kind === TRAFFIC) continue;
      const next = of[colorAt(records, at)];
      const own = records[at + OP.label];
      if (next !== family) addFamily(turns, own, next);
      else if (own !== label) addFamily(computed >= LONG ? pauses : goesOn, own, next);
      family = next;
      label = own;
      computed = 0;
    }
  }
  for (const [label, families] of pauses)
    turns.set(label, (turns.get(label) ?? 0) | (families & ~(goesOn.get(label) ?? 0)));
  return turns;
}

function addFamily(of: Map<number, number>, label: number, family: number): void {
  of.set(label, (of.get(label) ?? 0) | (1 << family));
}

/** Cycles of computing after which what cores do on a family is another phase: a line's length, about. */
const LONG = 256;

function cutList(
  ops: Operations,
  list: number,
  { of, changes }: Families,
  turns: Map<number, number>,
  groupOf: (phase: number) => number,
  cuts: Cuts,
  leads: Map<number, number[]>,
): boolean {
  const { first, rowOf } = ops;
  const { records } = ops.rows;
  /** How often the list has turned to a family at a label. */
  const turned = new Map<number, number>();
  const own = cuts.parts.length;
  let [family, label] = [-1, -1];
  let done = first[list];
  for (let op = first[list]; op < first[list + 1]; op++) {
    const at = rowOf[op] * OP_WORDS;
    const kind = records[at + OP.kind];
    if (kind === FIXED) continue;
    if (kind === TRAFFIC) return false;
    const next = of[colorAt(records, at)];
    const isNew =
      label !== records[at + OP.label] && ((turns.get(records[at + OP.label]) ?? 0) >> next) & 1;
    label = records[at + OP.label];
    if (next !== family || isNew) {
      family = next;
      const once = phaseOf(family, changes[family] === 1 ? 0 : label, 0);
      const turn = changes[family] === 1 ? 0 : (turned.get(once) ?? 0);
      turned.set(once, turn + 1);
      const group = groupOf(once + phaseOf(0, 0, turn));
      if (cuts.parts.length === own || cuts.parts.at(-1)!.group !== group) {
        for (let part = own; part < cuts.parts.length; part++)
          if (cuts.parts[part].group === group) return false;
        const lead = leadNumber(cuts.leads, leads, leadIn(ops, done, op, true));
        cuts.parts.push({ group, from: op, to: op, lead });
      }
    }
    cuts.parts.at(-1)!.to = op + 1;
    done = op + 1;
  }
  const tail = leadIn(ops, done, first[list + 1], false);
  cuts.tails.push(leadNumber(cuts.leads, leads, tail));
  return true;
}

/** See `Lead.awaits`. */
function awaitedBy({ rows: { records }, rowOf }: Operations, op: number): Lead['awaits'] {
  const at = rowOf[op] * OP_WORDS;
  if (records[at + OP.kind] !== STREAM || records[at + OP.source] < 0) return undefined;
  return { label: records[at + OP.label], setup: cyclesAt(records, at) };
}

/** A colour of an operation on the fabric; its others are of the same family. */
function colorAt(records: Int32Array, at: number): number {
  if (records[at + OP.kind] === ROUTE) return records[at + OP.more];
  const source = records[at + OP.source];
  return source >= 0 ? source : records[at + OP.destination];
}

function leadIn(ops: Operations, from: number, to: number, isBeforePart: boolean): Lead {
  const { rowOf } = ops;
  const { records } = ops.rows;
  const ends: LabelEnd[] = [];
  let cycles = 0;
  for (let op = from; op < to; op++) {
    const at = rowOf[op] * OP_WORDS;
    cycles += cyclesAt(records, at);
    if (records[at + OP.last] === 1) ends.push({ label: records[at + OP.label], after: cycles });
  }
  return { cycles, ends, awaits: isBeforePart ? awaitedBy(ops, to) : undefined };
}

/** The number of one of `all`, which `known` has by their hashes; it is added if it is new. */
function leadNumber(all: Lead[], known: Map<number, number[]>, lead: Lead): number {
  const { cycles, ends, awaits } = lead;
  let hash = mix(cycles, awaits === undefined ? -1 : mix(awaits.label, awaits.setup));
  for (let i = 0; i < ends.length; i++) hash = mix(mix(hash, ends[i].label), ends[i].after);
  let alike = known.get(hash);
  if (alike === undefined) known.set(hash, (alike = []));
  for (let i = 0; i < alike.length; i++) if (isSameLead(all[alike[i]], lead)) return alike[i];
  const number = all.push(lead) - 1;
  alike.push(number);
  return number;
}

function isSameLead(a: Lead, b: Lead): boolean {
  if (a.cycles !== b.cycles || a.ends.length !== b.ends.length) return false;
  if (a.awaits?.label !== b.awaits?.label || a.awaits?.setup !== b.awaits?.setup) return false;
  for (let i = 0; i < a.ends.length; i++)
    if (a.ends[i].label !== b.ends[i].label || a.ends[i].after !== b.ends[i].after) return false;
  return true;
}

/**
 * The families of a program's colours: as it says, but colours of one operation are of one family, and colours of
 * which it says nothing too.
 */
export function unitedFamilies(
  { rows: { records }, rowOf }: Pick<Operations, 'rows' | 'rowOf'>,
  given: readonly number[],
  switching: number,
): Families {
  const of = Int32Array.from({ length: COLORS }, (_, color) => {
    return Math.max(0, given.indexOf(given[color]));
  });
  const changes = new Uint8Array(COLORS);
  for (let color = 0; color < COLORS; color++)
    if (((switching >>> color) & 1) === 1) changes[color] = 1;
  for (let op = 0; op < rowOf.length; op++) {
    const at = rowOf[op] * OP_WORDS;
    const kind = records[at + OP.kind];
    if (kind === ROUTE) changes[records[at + OP.more]] = 1;
    if (kind === ROUTE || kind === FIXED) continue;
    const source = records[at + OP.source];
    const destination = records[at + OP.destination];
    if (source >= 0 && destination >= 0) unite(of, of[source], of[destination]);
  }
  for (let color = 0; color < COLORS; color++) if (changes[color] === 1) changes[of[color]] = 1;
  return { of, changes };
}

function unite(of: Int32Array, a: number, b: number): void {
  if (a === b) return;
  const [to, from] = [Math.min(a, b), Math.max(a, b)];
  for (let color = 0; color < of.length; color++) if (of[color] === from) of[color] = to;
}
