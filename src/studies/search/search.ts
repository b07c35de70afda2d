/**
 * The shape of the layers' regions and the groups of their trees, by simulated cycles of a token. Each
 * shape tried gets the groups that are fastest on lines of its lengths (groups.ts); the search begins
 * with the shapes that a closed estimate ranks best, continues with the fastest neighbour until there
 * is none, and then tries the fastest shapes' groups in place, one line after the other.
 */
import type { ResolvedConfig } from '../../config.js';
import type { Groups } from '../../lowering/lines.js';
import { wafersNeeded } from '../../placement/capacity.js';
import { CapacityError } from '../../placement/placement.js';
import { tokenCycles } from '../../placement/estimate.js';
import { layerSizes } from '../../placement/sizes.js';
import { requestOf } from '../../decode/place.js';
import type { SearchResult } from '../../report/document.js';

export type Shape = Pick<SearchResult, 'rows' | 'layerColumns'>;

/** What the search is given. */
export interface ShapeCosts {
  /** The groups that are fastest on lines of a shape's lengths. */
  groupsOf: (shape: Shape) => Promise<Groups>;
  /** Simulated cycles of a token with layers of this shape and these groups. */
  cycles: (shape: Shape, groups: Groups) => Promise<number>;
  /** Receives how many tries were made, how many there may be, and the next one. */
  onProgress?: (done: number, total: number, what: string) => void;
}

/** Shapes, of different heights, with which the search begins. */
const STARTS = 4;
/** Fastest shapes whose groups are then tried in place. */
const FINALISTS = 2;

/** All shapes of a configuration's layers that fit, height by height, the narrowest first. */
export function shapesOf(config: ResolvedConfig): Shape[][] {
  const { model, wafer } = config;
  const request = { ...requestOf(config), growth: 'fill' as const };
  const wafers = wafer.wafers === 'auto' ? wafersNeeded(model, wafer, request) : wafer.wafers;
  return layerSizes(model, wafer, request, wafers).map((widths) =>
    widths.map(({ rows, kinds }) => ({ rows, layerColumns: kinds[0] })),
  );
}

/** The shape and groups of fewest cycles that the search meets; some shape must fit the wafers. */
export async function searchShape(
  config: ResolvedConfig,
  { groupsOf, cycles, onProgress }: ShapeCosts,
): Promise<SearchResult> {
  const heights = shapesOf(config);
  const candidates = heights.reduce((sum, widths) => sum + widths.length, 0);
  const cost = (shape: Shape, groups: Groups) => {
    const { column, row, head } = groups;
    const what = `${shape.layerColumns} x ${shape.rows}, groups ${row} x ${column}, ${head}`;
    onProgress?.(known.size, candidates, what);
    return orRefused(cycles(shape, groups));
  };
  const known = new Map<Shape, number>();
  const simulate = async (shapes: Shape[]): Promise<void> => {
    for (const shape of shapes)
      if (!known.has(shape)) known.set(shape, await cost(shape, await groupsOf(shape)));
  };
  const fastest = () => [...known].reduce((a, b) => (b[1] < a[1] ? b : a))[0];
  await simulate(startsOf(config, heights));
  for (let at: Shape | undefined; at !== fastest();) {
    at = fastest();
    await simulate(neighboursOf(at, heights));
  }
  let best: Omit<SearchResult, 'candidates' | 'simulated' | 'groupsTried'> | undefined;
  let groupsTried = 0;
  const finalists = [...known].sort((a, b) => a[1] - b[1]).slice(0, FINALISTS);
  for (const [shape, cycles] of finalists) {
    const groups = await groupsOf(shape);
    const inPlace = await searchGroups(groups, cycles, (groups) => cost(shape, groups));
    groupsTried += inPlace.tried;
    if (best === undefined || inPlace.cycles < best.cycles)
      best = { ...shape, groups: inPlace.groups, cycles: inPlace.cycles };
  }
  return { ...best!, candidates, simulated: known.size, groupsTried };
}

/** Infinity where a shape finds no colours for its hand-offs, which only lowering can tell. */
async function orRefused(cycles: Promise<number>): Promise<number> {
  try {
    return await cycles;
  } catch (error) {
    if (error instanceof CapacityError) return Infinity;
    throw error;
  }
}

function startsOf(config: ResolvedConfig, heights: Shape[][]): Shape[] {
  const { model, wafer } = config;
  const request = requestOf(config);
  const estimate = ({ rows, layerColumns }: Shape) =>
    tokenCycles(model, wafer, request, {
      rows,
      columns: { head: layerColumns, 'embedding+head': layerColumns },
      kinds: model.kinds.map(() => layerColumns),
    });
  const best = heights.map((widths) =>
    widths.reduce((a, b) => (estimate(b) < estimate(a) ? b : a)),
  );
  return best.sort((a, b) => estimate(a) - estimate(b)).slice(0, STARTS);
}

/** A little narrower and wider, and on the next heights as many cores, or as many columns. */
function neighboursOf(shape: Shape, heights: Shape[][]): Shape[] {
  const level = heights.findIndex((widths) => widths.includes(shape));
  const at = heights[level].indexOf(shape);
  const sameHeight = [-2, -1, 1, 2].map((step) => heights[level][at + step]);
  const otherHeights = [-1, 1].flatMap((step) => {
    const widths = heights[level + step] ?? [];
    const cores = shape.rows * shape.layerColumns;
    const like = [cores / (widths[0]?.rows ?? 1), shape.layerColumns];
    const away = (of: Shape, columns: number) => Math.abs(of.layerColumns - columns);
    return like.map((columns) =>
      widths.reduce<Shape | undefined>(
        (a, b) => (a === undefined || away(b, columns) < away(a, columns) ? b : a),
        undefined,
      ),
    );
  });
  return [...sameHeight, ...otherHeights].filter((of) => of !== undefined);
}

/** Up to two more or fewer groups on one kind of line, as long as that is faster. */
async function searchGroups(
  start: Groups,
  startCycles: number,
  cost: (groups: Groups) => Promise<number>,
): Promise<Pick<SearchResult, 'groups' | 'cycles'> & { tried: number }> {
  let groups = start;
  let cycles = startCycles;
  const tried = new Set([JSON.stringify(start)]);
  for (let better = true; better;) {
    better = false;
    for (const line of ['column', 'row', 'head'] as const)
      for (const step of [-1, 1, -2, 2]) {
        const changed = { ...groups, [line]: groups[line] + step };
        const name = JSON.stringify(changed);
        if (changed[line] < 1 || tried.has(name)) continue;
        tried.add(name);
        const found = await cost(changed);
        if (found >= cycles) continue;
        [groups, cycles, better] = [changed, found, true];
      }
  }
  return { groups, cycles, tried: tried.size - 1 };
}
