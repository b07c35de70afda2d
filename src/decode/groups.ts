/**
 * How many groups the two-level trees of a region get, and which form: every count is tried in every form by
 * simulating the region's all-reduces, each alone, on a line of its length, and the fastest is taken (the
 * lowest count if equal). What cannot win (least-cycles.ts) is not simulated.
 */
import type { RunInput, RunResult } from '../engine/engine.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { treeAllReduce } from '../kernels/all-reduce.js';
import { isEchoed } from '../kernels/collectives.js';
import { TREE_FORMS, type TreeForm } from '../kernels/line.js';
import type { Groups } from '../lowering/lines.js';
import { isOfLayer, keyOfPart } from '../mapping/mapping.js';
import type { Cut, Line, PartKind, Vector } from '../mapping/mapping.js';
import { MAPPINGS, type MappingName } from '../mapping/mappings.js';
import type { ModelSpec } from '../model/model.js';
import { leastCycles, middlesOf, type Tree } from './least-cycles.js';

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
  /** Tokens of a user in flight; 1 if not given. */
  inFlight?: number;
  exact: boolean;
}

/**
 * A function that gives each of these regions its groups; `fixed`, if given, is used for every line, or where it
 * is of three kinds of lines for those of layers. What is found out about lines is looked up in `lines`
 * and added to it.
 */
export async function groupChooser(
  { mapping, model, wafer, maxPositions: positions, inFlight = 1, exact }: Mapped,
  regions: readonly Sized[],
  runner: RunsPrograms,
  fixed?: number | Groups,
  lines: LineCycles = new Map(),
): Promise<(region: Sized) => Groups> {
  const known = new Map<string, Groups>();
  for (const region of regions) {
    const { width: columns, height: rows } = region;
    const key = keyOf(region);
    if (known.has(key)) continue;
    const cut = { model, rows, columns, positions, inFlight, exact };
    const given = typeof fixed === 'number' || isOfLayer(region) ? fixed : undefined;
    known.set(
      key,
      await groupsFor(mapping, region, cut, given, (of) => fastestTree(of, wafer, runner, lines)),
    );
  }
  return (region) => known.get(keyOf(region))!;
}

function keyOf(of: Sized): string {
  return `${keyOfPart(of)} ${of.width} ${of.height}`;
}

/** A line of `length` cores that adds up these vectors, and the trees to try on it. */
export interface TriedLine {
  length: number;
  vectors: Vector[];
  counts: number[];
  forms: readonly TreeForm[];
}

async function groupsFor(
  mapping: MappingName,
  part: PartKind,
  cut: Cut,
  fixed: number | Groups | undefined,
  choose: (line: TriedLine) => Promise<Tree>,
): Promise<Groups> {
  const { published, reductions } = MAPPINGS[mapping];
  const countsOf = (length: number, line: Line, known?: number) => {
    const given = (typeof fixed === 'object' ? fixed[line] : fixed) ?? known;
    return given === undefined ? groupCounts(length) : [Math.min(given, length)];
  };
  if (published !== undefined) {
    const length = cut.rows;
    const counts = countsOf(length, 'column', published.groups[length]);
    const vectors = published.vectors(cut);
    const { groups } = await choose({ length, vectors, counts, forms: ['stored'] });
    return { column: groups, row: groups, head: groups };
  }
  const all = reductions(part, cut);
  const of = async (line: Line): Promise<Tree> => {
    const vectors = all.filter((reduction) => reduction.line === line);
    if (vectors.length === 0) return { groups: 1, form: 'stored' };
    const length = vectors[0].cores;
    return choose({ length, vectors, counts: countsOf(length, line), forms: TREE_FORMS });
  };
  const trees = { column: await of('column'), row: await of('row'), head: await of('head') };
  const each = <T>(of: (tree: Tree) => T) => {
    return { column: of(trees.column), row: of(trees.row), head: of(trees.head) };
  };
  return { ...each(({ groups }) => groups), forms: each(({ form }) => form) };
}

/** Beyond a few times the square root of the length, more groups only lengthen the second level. */
export function groupCounts(length: number): number[] {
  const most = Math.min(length, Math.ceil(3 * Math.sqrt(length)));
  return Array.from({ length: most }, (_, i) => i + 1);
}

/** The tree with which the all-reduces of a line's vectors take the fewest cycles together. */
export async function fastestTree(
  { length, vectors, counts, forms }: TriedLine,
  wafer: WaferSpec,
  runner: RunsPrograms,
  lines: LineCycles = new Map(),
): Promise<Tree> {
  const trees = counts.flatMap((groups) => forms.map((form) => ({ groups, form })));
  if (trees.length === 1 || length === 1) return trees[0];
  // The line is tried alone, whatever the shape of the wafer.
  const line = { ...wafer, width: length, height: 1 };
  const tried = async (tree: Tree, { words, type: dtype }: Vector) => {
    const program = treeAllReduce({ pes: length, ...tree, words, dtype }, line);
    return (await runner.run({ program, wafer: line })).cycles;
  };
  const cyclesOf = async ({ groups, form: asked }: Tree, vector: Vector) => {
    const { words, type } = vector;
    const isSame = asked === 'echoed' && !isEchoed(wafer.fabric, type, words);
    const form = isSame ? 'streamed' : asked;
    const key = `${length} ${groups} ${form} ${words} ${type}`;
    const cycles = lines.get(key) ?? tried({ groups, form }, vector);
    lines.set(key, cycles);
    return cycles;
  };
  const distinct = countedVectors(vectors);
  const middles = new Map(counts.map((groups) => [groups, middlesOf(length, groups)]));
  const bounded = trees.map((tree, index) => {
    const least = distinct.map(({ vector }) =>
      leastCycles(length, tree, vector, wafer, middles.get(tree.groups)),
    );
    const sum = distinct.reduce((all, { count }, i) => all + count * least[i], 0);
    return { tree, index, least, sum };
  });
  let best = { tree: trees[0], index: 0, cycles: Infinity };
  for (const { tree, index, least, sum } of bounded.toSorted((a, b) => a.sum - b.sum)) {
    if (sum > best.cycles) break;
    let cycles = sum;
    for (const [i, { vector, count }] of distinct.entries()) {
      if (cycles > best.cycles) break;
      cycles += count * ((await cyclesOf(tree, vector)) - least[i]);
    }
    if (cycles < best.cycles || (cycles === best.cycles && index < best.index))
      best = { tree, index, cycles };
  }
  return best.tree;
}

/** Vectors that differ, and how many there are of each. */
function countedVectors(vectors: readonly Vector[]): { vector: Vector; count: number }[] {
  const counted: { vector: Vector; count: number }[] = [];
  for (const vector of vectors) {
    const same = counted.find(
      ({ vector: { words, type } }) => words === vector.words && type === vector.type,
    );
    if (same === undefined) counted.push({ vector, count: 1 });
    else same.count++;
  }
  return counted;
}
