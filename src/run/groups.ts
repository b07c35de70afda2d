/**
 * How many groups the two-level trees of a region get: every count is tried by simulating the region's
 * all-reduces, each alone, on a line of its length, and the fastest is taken (the lowest if equal).
 */
import type { RunInput, RunResult } from '../engine/engine.js';
import type { FloatType } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { allReduce } from '../kernels/all-reduce.js';
import type { Groups } from '../lowering/region.js';
import type { ModelSpec } from '../model/model.js';
import type { Region } from '../placement/placement.js';
import { layerShape, tableShape } from '../placement/shapes.js';

export interface Vector {
  words: number;
  dtype: FloatType;
}

/** Cycles of all-reduces tried before or being tried, by line and vector, on one machine and engine. */
export type LineCycles = Map<string, Promise<number>>;

/** Runs programs, as a `Runner` or an engine does. */
export type RunsPrograms = { run: (input: RunInput) => Promise<RunResult> | RunResult };

type Sized = Pick<Region, 'kind' | 'width' | 'height'>;

/**
 * A function that gives each of these regions its groups; `fixed`, if given, is used for every line, or where it
 * is of three kinds of lines for those of layers. What is found out about lines is looked up in `lines`
 * and added to it.
 */
export async function groupChooser(
  model: ModelSpec,
  wafer: WaferSpec,
  maxPositions: number,
  regions: readonly Sized[],
  runner: RunsPrograms,
  fixed?: number | Groups,
  lines: LineCycles = new Map(),
): Promise<(region: Sized) => Groups> {
  const known = new Map<string, Groups>();
  const choose = async (length: number, vectors: Vector[]): Promise<number> => {
    if (typeof fixed === 'number') return Math.min(fixed, length);
    return fastestGroups(length, vectors, wafer, runner, lines);
  };
  for (const region of regions) {
    const key = keyOf(region);
    if (typeof fixed === 'object' && region.kind === 'layer') known.set(key, fixed);
    if (!known.has(key)) known.set(key, await groupsFor(model, region, maxPositions, choose));
  }
  return (region) => known.get(keyOf(region))!;
}

function keyOf({ kind, width, height }: Sized): string {
  return `${kind} ${width} ${height}`;
}

async function groupsFor(
  model: ModelSpec,
  { kind, width, height }: Sized,
  maxPositions: number,
  choose: (length: number, vectors: Vector[]) => Promise<number>,
): Promise<Groups> {
  const { dtype } = model;
  const one: Vector = { words: 1, dtype: 'f32' };
  if (kind !== 'layer') {
    const { dims, entries } = tableShape(model, height, width);
    const column = kind === 'embedding' ? [one] : [one, { words: entries, dtype }];
    const row: Vector[] = kind === 'head' ? [one, one] : [{ words: dims, dtype }];
    return { column: await choose(height, column), row: await choose(width, row), head: 1 };
  }
  const shape = layerShape(model, maxPositions, height, width);
  const perHead: Vector = { words: shape.queryHeads, dtype: 'f32' };
  const columns = [shape.queryDims + 2 * shape.keyDims, shape.queryDims, 2 * shape.inner];
  const column = [one, one, perHead, perHead, ...columns.map((words) => ({ words, dtype }))];
  const scores = { words: shape.queryHeads * shape.positions, dtype };
  return {
    column: await choose(height, column),
    row: await choose(width, [{ words: shape.dims, dtype }]),
    head: await choose(shape.groupWidth, [scores]),
  };
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
  const tried = async (groups: number, { words, dtype }: Vector) => {
    const program = allReduce({ algorithm: 'tree', pes: length, groups, words, dtype }, line);
    return (await runner.run({ program, wafer: line })).cycles;
  };
  const cyclesOf = (groups: number, vector: Vector) => {
    const key = `${length} ${groups} ${vector.words} ${vector.dtype}`;
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
