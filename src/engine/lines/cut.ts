/**
 * How the lists of operations of a program are cut: a *phase* is the n-th time that cores turn to one family of
 * colours, a *group* one phase or several that are simulated as one, and a *part* what a list does in a group.
 * What a core computes before a part takes a time that is known, so it is not simulated.
 */
import {
  FIXED,
  OP,
  OP_WORDS,
  ROUTE,
  TRAFFIC,
} from '../fast/machine-code.js';
import { cyclesAt, type Operations } from '../fast/operations.js';

/** Colours of a machine at most: they are bits of a word. */
export const COLORS = 32;

/** The last operation of a label ends so many cycles after a list began to compute. */
export interface LabelEnd {
  label: number;
  after: number;
}

/** Operations without the fabric: their cycles, and which labels end in them. */
export interface Computing {
  cycles: number;
  ends: LabelEnd[];
}

export interface Part {
  group: number;
  /** Its records, from its first to its last operation on the fabric. */
  from: number;
  to: number;
  /** What the core computes before. */
  lead: Computing;
}

export interface Cuts {
  /** By group: bits of its colours, and its phases. */
  masks: number[];
  phases: number[][];
  parts: Part[];
  /** By list, and one past the last: its first part. */
  firstPart: Int32Array;
  /** By list: what it computes after its last part. */
  tails: Computing[];
}

/** Families of colours; those of which a router's route may change have all their turns in one phase. */
export interface Families {
  /** By colour: the lowest colour of its family. */
  of: Int32Array;
  /** By colour: whether some route of its family changes. */
  changes: Uint8Array;
}

/** A phase's number: the family's `turn`-th. */
function phaseOf(family: number, turn: number): number {
  return turn * COLORS + family;
}

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
  };
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
  for (let list = 0; list < lists; list++) {
    if (!cutList(ops, list, families, number, cuts)) return undefined;
    cuts.firstPart[list + 1] = cuts.parts.length;
  }
  return cuts;
}

function maskOf({ of }: Families, family: number): number {
  let mask = 0;
  for (let color = 0; color < of.length; color++) if (of[color] === family) mask |= 1 << color;
  return mask;
}

function cutList(
  ops: Operations,
  list: number,
  { of, changes }: Families,
  groupOf: (phase: number) => number,
  cuts: Cuts,
): boolean {
  const { first, records } = ops;
  const turns = new Int32Array(COLORS);
  const own = cuts.parts.length;
  let family = -1;
  let done = first[list];
  for (let op = first[list]; op < first[list + 1]; op++) {
    const kind = records[op * OP_WORDS + OP.kind];
    if (kind === FIXED) continue;
    if (kind === TRAFFIC) return false;
    const next = of[colorAt(records, op * OP_WORDS)];
    if (next !== family) {
      family = next;
      const group = groupOf(phaseOf(family, changes[family] === 1 ? 0 : turns[family]++));
      if (cuts.parts.length === own || cuts.parts.at(-1)!.group !== group) {
        for (let part = own; part < cuts.parts.length; part++)
          if (cuts.parts[part].group === group) return false;
        cuts.parts.push({ group, from: op, to: op, lead: computing(records, done, op) });
      }
    }
    cuts.parts.at(-1)!.to = op + 1;
    done = op + 1;
  }
  cuts.tails.push(computing(records, done, first[list + 1]));
  return true;
}

/** A colour of an operation on the fabric; its others are of the same family. */
function colorAt(records: Int32Array, at: number): number {
  if (records[at + OP.kind] === ROUTE) return records[at + OP.more];
  const source = records[at + OP.source];
  return source >= 0 ? source : records[at + OP.destination];
}

function computing(records: Int32Array, from: number, to: number): Computing {
  const ends: LabelEnd[] = [];
  let cycles = 0;
  for (let op = from; op < to; op++) {
    cycles += cyclesAt(records, op);
    const at = op * OP_WORDS;
    if (records[at + OP.last] === 1) ends.push({ label: records[at + OP.label], after: cycles });
  }
  return { cycles, ends };
}

/**
 * The families of a program's colours: as it says, but colours of one operation are of one family, and colours of
 * which it says nothing too.
 */
export function familiesOf(
  { records }: Pick<Operations, 'records'>,
  given: readonly number[],
  switching: number,
): Families {
  const of = Int32Array.from({ length: COLORS }, (_, color) => {
    return Math.max(0, given.indexOf(given[color]));
  });
  const changes = new Uint8Array(COLORS);
  for (let color = 0; color < COLORS; color++)
    if (((switching >>> color) & 1) === 1) changes[color] = 1;
  for (let at = 0; at < records.length; at += OP_WORDS) {
    const kind = records[at + OP.kind];
    if (kind === ROUTE) changes[records[at + OP.more]] = 1;
    if (kind === ROUTE || kind === FIXED) continue;
    const [source, destination] = [records[at + OP.source], records[at + OP.destination]];
    if (source >= 0 && destination >= 0) unite(of, of[source], of[destination]);
  }
  for (let color = 0; color < COLORS; color++) if (changes[color] === 1) changes[of[color]] = 1;
  return { of, changes };
}

function unite(of: Int32Array, a: number, b: number): void {
  const [to, from] = [Math.min(a, b), Math.max(a, b)];
  if (to === from) return;
  for (let color = 0; color < of.length; color++) if (of[color] === from) of[color] = to;
}
