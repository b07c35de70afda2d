/**
 * How many groups the two-level trees of a region get: every count is tried by simulating the region's
 * all-reduces, each alone, on a line of its length, and the fastest is taken (the lowest if equal).
 */
import type { RunInput, RunResult } from '../engine/engine.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { treeAllReduce } from '../kernels/all-reduce.js';
import type { Groups } from '../lowering/region.js';
import type { Cut, Line, PartKind, Vector } from '../mapping/mapping.js';
import { MAPPINGS, type MappingName } from '../mapping/mappings.js';
import type { ModelSpec } from '../model/model.js';

/** Cycles of all-reduces tried before or being tried, by line and vector, on one machine and engine. */
export type LineCycles = Map<string, Promise<number>>;

/** Runs programs, as a `Runner` or an engine does. */
export type RunsPrograms = { run: (input: RunInput) => Promise<RunResult> | RunResult };

type Sized = PartKind & { width: number; height: number };

/** Whose groups are chosen: a model in a mapping on a wafer, in a step with `maxPositions - 1` tokens. */
export interface Mapped {
  mapping: MappingName;
  model: ModelSpec;
  wafer: WaferSpec;
  maxPositions: number;
  exact: boolean;
}

/**
 * A function that gives each of these regions its groups; `fixed`, if given, is used for every line, or where it
 * is of three kinds of lines for those of layers. What is found out about lines is looked up in `lines`
 * and added to it.
 */
export async function groupChooser(
  { mapping, model, wafer, maxPositions: positions, exact }: Mapped,
  regions: readonly Sized[],
  runner: RunsPrograms,
  fixed?: number | Groups,
  lines: LineCycles = new Map(),
): Promise<(region: Sized) => Groups> {
  const known = new Map<string, Groups>();
  const choose: Choose = async (length, vectors, published) => {
    if (typeof fixed === 'number') return Math.min(fixed, length);
    return published ?? fastestGroups(length, vectors, wafer, runner, lines);
  };
  for (const region of regions) {
    const { width: columns, height: rows } = region;
    const key = keyOf(region);
    if (typeof fixed === 'object' && region.kind === 'layer') known.set(key, fixed);
    if (known.has(key)) continue;
    const cut = { model, rows, columns, positions, exact };
    known.set(key, await groupsFor(mapping, region, cut, choose));
  }
  return (region) => known.get(keyOf(region))!;
}

/** Groups for a line of so many cores that adds up these vectors, with those published for it. */
type Choose = (length: number, vectors: Vector[], published?: number) => Promise<number>;

function keyOf(of: Sized): string {
  const kind = of.kind === 'layer' ? of.layerKind : of.kind;
  return `${kind} ${of.width} ${of.height}`;
}

async function groupsFor(
  mapping: MappingName,
  part: PartKind,
  cut: Cut,
  choose: Choose,
): Promise<Groups> {
  const { published, reductions } = MAPPINGS[mapping];
  if (published !== undefined) {
    const all = await choose(cut.rows, published.vectors(cut), published.groups[cut.rows]);
    return { column: all, row: all, head: all };
  }
  const all = reductions(part, cut);
  const of = async (line: Line) => {
    const added = all.filter((reduction) => reduction.line === line);
    return added.length === 0 ? 1 : choose(added[0].cores, added);
  };
  return { column: await of('column'), row: await of('row'), head: await of('head') };
}

/** Beyond a few times the square root of the length, more groups only lengthen the second level. */
function candidates(length: number): number[] {
  const most = Math.min(length, Math.ceil(3 * Math.sqrt(length)));
  return Array.from({ length: most }, (_, i) => i + 1);
}

/** The number of groups with which the all-reduces of these vectors take the fewest cycles together. */
export async function fastestGroups(
  length: number,
  vectors: Vector[],
  wafer: WaferSpec,
  runner: RunsPrograms,
  lines: LineCycles = new Map(),
): Promise<number> {
  // The line is tried alone, whatever the shape of the wafer.
  const line = { ...wafer, width: length, height: 1 };
  const tried = async (groups: number, { words, type: dtype }: Vector) => {
    const program = treeAllReduce({ pes: length, groups, words, dtype }, line);
    return (await runner.run({ program, wafer: line })).cycles;
  };
  const cyclesOf = (groups: number, vector: Vector) => {
    const key = `${length} ${groups} ${vector.words} ${vector.type}`;
    const cycles = lines.get(key) ?? tried(groups, vector);
    lines.set(key, cycles);
    return cycles;
  };
  let best = { groups: 0, cycles: Infinity };
  for (const groups of candidates(length)) {
    let cycles = 0;
    for (const vector of vectors) cycles += await cyclesOf(groups, vector);
    if (cycles < best.cycles) best = { groups, cycles };
  }
  return best.groups;
}
