/**
 * The shape of the layers' regions and the groups of their trees, by simulated cycles of a token. Each
 * shape tried gets the groups that are fastest on lines of its lengths (groups.ts); the search begins
 * with the shapes that a closed estimate ranks best, continues with the fastest neighbour until there
 * is none, and then tries the fastest shapes' KV replicas and groups in place, one line after the other. Layers that
 * are split have two widths, and on each line the groups that are fastest there.
 */
import type { ResolvedConfig } from '../../config.js';
import type { Groups } from '../../lowering/lines.js';
import { replicasOf } from '../../placement/budget.js';
import { settled, wafersNeeded } from '../../placement/capacity.js';
import { keyOfPart } from '../../mapping/mapping.js';
import { CapacityError, formsOf, partKindsOf, partsOf } from '../../placement/placement.js';
import type { Sizes } from '../../placement/placement.js';
import { estimator } from '../../placement/estimate.js';
import { layerSizes } from '../../placement/sizes.js';
import { requestOf } from '../../decode/place.js';
import type { SearchResult } from '../../report/document.js';

/** Without KV replicas it has those that the estimate finds fastest. */
export type Shape = Pick<SearchResult, 'rows' | 'layerColumns' | 'kvReplicas'>;

export function isSplit({ layerColumns }: Shape): boolean {
  return typeof layerColumns === 'object';
}

/** What the search is given. */
export interface ShapeCosts {
  /** The groups that are fastest on lines of a shape's lengths, of one whose layers are whole. */
  groupsOf: (shape: Shape) => Promise<Groups>;
  /** Simulated cycles of a token with layers of this shape and these groups, or the fastest on each line. */
  cycles: (shape: Shape, groups?: Groups) => Promise<number>;
  /** Receives how many tries were made, how many there may be, and the next one. */
  onProgress?: (done: number, total: number, what: string) => void;
}

/** Shapes, of different heights, with which the search begins. */
const STARTS = 4;
/** Fastest shapes whose groups are then tried in place. */
const FINALISTS = 2;

/**
 * All shapes of a configuration's layers that fit, whole ones first, height by height, the narrowest first;
 * of forms that take more wafers than another none.
 */
export function shapesOf(config: ResolvedConfig): Shape[][] {
  const { model, wafer } = config;
  const request = settled(model, wafer, { ...requestOf(config), growth: 'fill' });
  const wafers = wafer.wafers === 'auto' ? wafersNeeded(model, wafer, request) : wafer.wafers;
  return formsOf(request).flatMap((formed) =>
    layerSizes(model, wafer, formed, wafers).map((sizes) => sizes.map(shapeOf)),
  );
}

function shapeOf({ rows, columns }: Sizes): Shape {
  const widthOf = (kind: string) => {
    const key = Object.keys(columns).find((name) => name.startsWith(`${kind} `));
    return key === undefined ? 0 : columns[key];
  };
  const whole = widthOf('layer');
  const split = { attention: widthOf('attention'), mlp: widthOf('mlp') };
  return { rows, layerColumns: whole > 0 ? whole : split };
}

/** Widths of a layer's regions. */
function widthsOf({ layerColumns: of }: Shape): number[] {
  return typeof of === 'object' ? [of.attention, of.mlp] : [of];
}

/** The shape and groups of fewest cycles that the search meets; some shape must fit the wafers. */
export async function searchShape(
  config: ResolvedConfig,
  { groupsOf, cycles, onProgress }: ShapeCosts,
): Promise<SearchResult> {
  const heights = shapesOf(config);
  const candidates = heights.reduce((sum, widths) => sum + widths.length, 0);
  const cost = (shape: Shape, groups?: Groups) => {
    const of = groups && `, groups ${groups.row} x ${groups.column}, ${groups.head}`;
    const held = shape.kvReplicas === undefined ? '' : `, ${shape.kvReplicas} KV replicas`;
    onProgress?.(
      known.size,
      candidates,
      `${widthsOf(shape).join(' + ')} x ${shape.rows}${held}${of ?? ''}`,
    );
    return orRefused(cycles(shape, groups));
  };
  const known = new Map<Shape, number>();
  const simulate = async (shapes: Shape[]): Promise<void> => {
    for (const shape of shapes)
      if (!known.has(shape))
        known.set(shape, await cost(shape, isSplit(shape) ? undefined : await groupsOf(shape)));
  };
  const fastest = () => [...known].reduce((a, b) => (b[1] < a[1] ? b : a))[0];
  await simulate(startsOf(config, heights));
  for (let at: Shape | undefined; at !== fastest();) {
    at = fastest();
    await simulate(neighboursOf(at, heights));
  }
  let best: Omit<SearchResult, 'candidates' | 'simulated' | 'groupsTried'> | undefined;
  let groupsTried = 0;
  let replicasTried = 0;
  const finalists = [...known].sort((a, b) => a[1] - b[1]).slice(0, FINALISTS);
  for (const [shape, cycles] of finalists) {
    const groupsIn = async (of: Shape) => (isSplit(of) ? undefined : groupsOf(of));
    const held = await searchReplicas(config, shape, cycles, async (of) => {
      return cost(of, await groupsIn(of));
    });
    const groups = await groupsIn(held.shape);
    const inPlace =
      groups === undefined
        ? { cycles: held.cycles, tried: 0 }
        : await searchGroups(groups, held.cycles, (of) => cost(held.shape, of));
    const { tried, ...found } = inPlace;
    groupsTried += tried;
    replicasTried += held.tried;
    if (best === undefined || found.cycles < best.cycles) best = { ...held.shape, ...found };
  }
  const tried = { simulated: known.size, groupsTried, ...(replicasTried > 0 && { replicasTried }) };
  return { ...best!, candidates, ...tried };
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
  const request = settled(model, wafer, requestOf(config));
  const [whole, split] = (['whole', 'split'] as const).map((layers) => {
    const formed = { ...request, layers };
    const keys = partKindsOf(partsOf(model, formed)).map(keyOfPart);
    const { token } = estimator(model, wafer, formed);
    return (shape: Shape): number => {
      const widths = widthsOf(shape);
      const widthOf = (key: string) => (key.startsWith('attention ') ? widths[0] : widths.at(-1)!);
      const columns = Object.fromEntries(keys.map((key) => [key, widthOf(key)]));
      return token({ rows: shape.rows, columns });
    };
  });
  const known = new Map<Shape, number>();
  const estimate = (shape: Shape): number => {
    const cycles = known.get(shape) ?? (isSplit(shape) ? split : whole)(shape);
    known.set(shape, cycles);
    return cycles;
  };
  const best = heights.map((widths) =>
    widths.reduce((a, b) => (estimate(b) < estimate(a) ? b : a)),
  );
  return best.sort((a, b) => estimate(a) - estimate(b)).slice(0, STARTS);
}

/** A little narrower and wider, and on the next heights as many cores, or as many columns. */
function neighboursOf(shape: Shape, heights: Shape[][]): Shape[] {
  const level = heights.findIndex((shapes) => shapes.includes(shape));
  const widths = widthsOf(shape);
  const sameHeight = widths.flatMap((width, i) => {
    // Those of other widths here only, from the nearest narrower and wider one on.
    const line = heights[level].filter((of) =>
      widthsOf(of).every((other, j) => j === i || other === widths[j]),
    );
    const at = line.findIndex((of) => widthsOf(of)[i] === width);
    return [-2, -1, 1, 2].map((step) => line[at + step]);
  });
  const otherHeights = [-1, 1].flatMap((step) => {
    const shapes = (heights[level + step] ?? []).filter((of) => isSplit(of) === isSplit(shape));
    const factor = shape.rows / (shapes[0]?.rows ?? 1);
    const like = [widths.map((width) => width * factor), widths];
    return like.map((wanted) => nearest(shapes, wanted));
  });
  return [...sameHeight, ...otherHeights].filter((of) => of !== undefined);
}

/** The shape whose widths are nearest to those wanted, in sum; undefined of none. */
function nearest(shapes: Shape[], wanted: number[]): Shape | undefined {
  const away = (of: Shape) =>
    widthsOf(of).reduce((sum, width, i) => sum + Math.abs(width - wanted[i]), 0);
  return shapes.reduce<Shape | undefined>(
    (a, b) => (a === undefined || away(b) < away(a) ? b : a),
    undefined,
  );
}

/** The shape with every number of KV replicas that all layers may have, if they are left open. */
async function searchReplicas(
  { model, placement: { kvReplicas } }: ResolvedConfig,
  shape: Shape,
  cyclesAsIs: number,
  cost: (shape: Shape) => Promise<number>,
): Promise<{ shape: Shape; cycles: number; tried: number }> {
  let best = { shape, cycles: cyclesAsIs };
  const all = model.kinds.map(replicasOf);
  const common = all[0].filter((count) => all.every((counts) => counts.includes(count)));
  const open = kvReplicas === 'auto' && common.length > 1 ? common : [];
  for (const count of open) {
    const held = { ...shape, kvReplicas: count };
    const cycles = await cost(held);
    if (cycles < best.cycles) best = { shape: held, cycles };
  }
  return { ...best, tried: open.length };
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
