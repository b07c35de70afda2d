/**
 * How many groups the two-level trees of a region get: every count is tried by simulating the region's
 * all-reduces, each alone, on a line of its length, and the fastest is taken (the lowest if equal).
 */
import type { Engine } from '../engine/engine.js';
import type { FloatType } from '../hardware/data.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { allReduce } from '../lowering/kernels/all-reduce.js';
import type { Groups } from '../lowering/region.js';
import type { ModelSpec } from '../model/model.js';
import type { Region } from '../placement/placement.js';
import { layerShape, tableShape } from '../placement/shapes.js';

export interface Vector {
  words: number;
  dtype: FloatType;
}

/** Cycles of all-reduces tried before, by line and vector, on one machine and engine. */
export type LineCycles = Map<string, number>;

/**
 * A function that gives each region its groups; `fixed`, if given, is used for every line, or where it
 * is of three kinds of lines for those of layers. What is found out about lines is looked up in `lines`
 * and added to it.
 */
export function groupChooser(
  model: ModelSpec,
  wafer: WaferSpec,
  maxPositions: number,
  engine: Engine,
  fixed?: number | Groups,
  lines: LineCycles = new Map(),
): (region: Pick<Region, 'kind' | 'width' | 'height'>) => Groups {
  const known = new Map<string, Groups>();
  const choose = (length: number, vectors: Vector[]): number => {
    if (typeof fixed === 'number') return Math.min(fixed, length);
    return fastestGroups(length, vectors, wafer, engine, lines);
  };
  return (region) => {
    if (typeof fixed === 'object' && region.kind === 'layer') return fixed;
    const key = `${region.kind} ${region.width} ${region.height}`;
    let groups = known.get(key);
    if (groups === undefined) {
      groups = groupsFor(model, region, maxPositions, choose);
      known.set(key, groups);
    }
    return groups;
  };
}

function groupsFor(
  model: ModelSpec,
  { kind, width, height }: Pick<Region, 'kind' | 'width' | 'height'>,
  maxPositions: number,
  choose: (length: number, vectors: Vector[]) => number,
): Groups {
  const { dtype } = model;
  const one: Vector = { words: 1, dtype: 'f32' };
  if (kind !== 'layer') {
    const { dims, entries } = tableShape(model, height, width);
    const column = kind === 'embedding' ? [one] : [one, { words: entries, dtype }];
    const row: Vector[] = kind === 'head' ? [one, one] : [{ words: dims, dtype }];
    return { column: choose(height, column), row: choose(width, row), head: 1 };
  }
  const shape = layerShape(model, maxPositions, height, width);
  const perHead: Vector = { words: shape.queryHeads, dtype: 'f32' };
  const columns = [shape.queryDims + 2 * shape.keyDims, shape.queryDims, 2 * shape.inner];
  const column = [one, one, perHead, perHead, ...columns.map((words) => ({ words, dtype }))];
  const scores = { words: shape.queryHeads * shape.positions, dtype };
  return {
    column: choose(height, column),
    row: choose(width, [{ words: shape.dims, dtype }]),
    head: choose(shape.groupWidth, [scores]),
  };
}

/** Beyond a few times the square root of the length, more groups only lengthen the second level. */
function candidates(length: number): number[] {
  const most = Math.min(length, Math.ceil(3 * Math.sqrt(length)));
  return Array.from({ length: most }, (_, i) => i + 1);
}

/** The number of groups with which the all-reduces of these vectors take the fewest cycles together. */
export function fastestGroups(
  length: number,
  vectors: Vector[],
  wafer: WaferSpec,
  engine: Engine,
  lines: LineCycles = new Map(),
): number {
  // The line is tried alone, whatever the shape of the wafer.
  const line = { ...wafer, width: length, height: 1 };
  const cyclesOf = (groups: number, { words, dtype }: Vector) => {
    const key = `${length} ${groups} ${words} ${dtype}`;
    const known = lines.get(key);
    if (known !== undefined) return known;
    const program = allReduce({ algorithm: 'tree', pes: length, groups, words, dtype }, line);
    const { cycles } = engine({ program, wafer: line });
    lines.set(key, cycles);
    return cycles;
  };
  const together = (groups: number) =>
    vectors.reduce((sum, vector) => sum + cyclesOf(groups, vector), 0);
  return candidates(length)
    .map((groups) => ({ groups, cycles: together(groups) }))
    .reduce((best, tried) => (tried.cycles < best.cycles ? tried : best)).groups;
}
