/**
 * Simulated annealing (Kirkpatrick, Gelatt and Vecchi, Science 1983) over the order of the regions on
 * the runs and over where each run's slack lies. It begins with the cheapest of the other strategies'
 * layouts and returns the cheapest that it has met, hence never a dearer one.
 */
import { greedy } from './greedy.js';
import { hilbert } from './hilbert.js';
import { rowMajor, costOf, costOfRegions, snake } from './shelves.js';
import type { Layout, Placed, Position, Strategy, Task } from './shelves.js';

const STEPS_PER_REGION = 2000;
const MOST_STEPS = 100_000;
/** Temperature at the beginning, in mean hand-offs of the start; hotter loses what the start has. */
const HOT = 0.3;
/** Temperature at the end, in cycles: no layout dearer by several cycles is accepted any more. */
const COLD = 1;

export const anneal: Strategy = (task) => {
  const start = cheapest(
    task,
    [greedy, snake, hilbert, rowMajor].map((strategy) =>
      strategy({ ...task, onProgress: undefined }),
    ),
  );
  return start && cheapest(task, [start, improved(task, start.positions)]);
};

/** The layout of least estimated cost; the first of equal ones. */
function cheapest(task: Task, layouts: (Layout | undefined)[]): Layout | undefined {
  let best: Layout | undefined;
  let bestCost = Infinity;
  for (const layout of layouts) {
    const cost = layout ? costOf(task, layout.positions) : Infinity;
    if (cost >= bestCost) continue;
    best = layout;
    bestCost = cost;
  }
  return best;
}

/** Regions of each run from west to east; those before `split` lean west, the others east. */
interface State {
  parts: number[][];
  split: number[];
}

function improved(task: Task, start: Position[]): Layout {
  const { words, widths } = task;
  let state = stateOf(task, start);
  // Where regions lie in the state and in the next one, and their hand-offs: there are tens of thousands of states.
  let regions = widths.map((width) => ({ x: 0, y: 0, width }));
  let moved = widths.map((width) => ({ x: 0, y: 0, width }));
  moveTo(task, state, regions);
  let handOffs = Float64Array.from(widths, (_, i) =>
    i === 0 ? 0 : task.handOff(regions[i - 1], regions[i], words?.[i]),
  );
  let movedHandOffs = handOffs.slice();
  /** Most regions stay where they are. */
  const handOffTo = (i: number) => {
    const stays = isAt(regions[i - 1], moved[i - 1]) && isAt(regions[i], moved[i]);
    return (movedHandOffs[i] = stays
      ? handOffs[i]
      : task.handOff(moved[i - 1], moved[i], words?.[i]));
  };
  let cost = costOfRegions(task, regions);
  let best = positionsOf(regions);
  let bestCost = cost;
  const steps = Math.min(MOST_STEPS, STEPS_PER_REGION * widths.length);
  const hot = Math.max(COLD, (HOT * cost) / widths.length);
  for (let step = 0; step < steps; step++) {
    if (step % 4096 === 0) task.onProgress?.(step, steps);
    const changed = neighbour(task, state);
    if (changed === undefined) continue;
    moveTo(task, changed, moved);
    const changedCost = costOfRegions(task, moved, handOffTo);
    const temperature = hot * (COLD / hot) ** (step / steps);
    if (changedCost > cost && task.random() >= Math.exp((cost - changedCost) / temperature))
      continue;
    state = changed;
    cost = changedCost;
    [regions, moved] = [moved, regions];
    [handOffs, movedHandOffs] = [movedHandOffs, handOffs];
    if (cost < bestCost) {
      best = positionsOf(regions);
      bestCost = cost;
    }
  }
  return { positions: best };
}

function isAt(a: Placed, b: Placed): boolean {
  return a.x === b.x && a.y === b.y;
}

function stateOf({ runs, widths }: Task, positions: Position[]): State {
  const inside = (part: number, run: number) => {
    const { x, y } = positions[part];
    const { x: west, y: north, width } = runs[run];
    return y === north && x >= west && x + widths[part] <= west + width;
  };
  const parts = runs.map((_, run) =>
    [...widths.keys()]
      .filter((part) => inside(part, run))
      .sort((a, b) => positions[a].x - positions[b].x),
  );
  const split = runs.map((run, i) => {
    let x = run.x;
    const gap = parts[i].findIndex((part) => {
      const leans = positions[part].x === x;
      x += widths[part];
      return !leans;
    });
    return gap < 0 ? parts[i].length : gap;
  });
  return { parts, split };
}

/** Moves regions to where they lie in a state. */
function moveTo({ runs }: Task, { parts, split }: State, regions: Placed[]): void {
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i];
    const here = parts[i];
    const leaning = Math.min(split[i], here.length);
    let west = run.x;
    for (let k = 0; k < leaning; k++) {
      const region = regions[here[k]];
      region.x = west;
      region.y = run.y;
      west += region.width;
    }
    let east = run.x + run.width;
    for (let k = here.length - 1; k >= split[i]; k--) {
      const region = regions[here[k]];
      east -= region.width;
      region.x = east;
      region.y = run.y;
    }
  }
}

function positionsOf(regions: readonly Placed[]): Position[] {
  return regions.map(({ x, y }) => ({ x, y }));
}

/** A state one move away; undefined if the regions do not fit it. */
function neighbour(task: Task, state: State): State | undefined {
  const { random, runs, widths } = task;
  const upTo = (n: number) => Math.floor(random() * n);
  const parts = state.parts.map((here) => [...here]);
  const split = [...state.split];
  const kind = upTo(5);
  if (kind === 0) exchange(parts, upTo(widths.length), upTo(widths.length));
  else if (kind === 1) {
    // The path between two regions is reversed.
    let [a, b] = [upTo(widths.length), upTo(widths.length)];
    if (a > b) [a, b] = [b, a];
    for (; a < b; a++, b--) exchange(parts, a, b);
  } else if (kind === 2) {
    const moved = upTo(widths.length);
    const from = parts.find((here) => here.includes(moved))!;
    from.splice(from.indexOf(moved), 1);
    const to = parts[upTo(runs.length)];
    to.splice(upTo(to.length + 1), 0, moved);
  } else if (kind === 3) {
    const [a, b] = [upTo(runs.length), upTo(runs.length)];
    [parts[a], parts[b]] = [parts[b], parts[a]];
    [split[a], split[b]] = [split[b], split[a]];
  } else {
    const run = upTo(runs.length);
    split[run] = upTo(parts[run].length + 1);
  }
  return parts.every((here, run) => widthOf(here, widths) <= runs[run].width)
    ? { parts, split }
    : undefined;
}

function exchange(parts: number[][], a: number, b: number): void {
  if (a === b) return;
  const [inA, inB] = [a, b].map((part) => parts.find((here) => here.includes(part))!);
  const [atA, atB] = [inA.indexOf(a), inB.indexOf(b)];
  inA[atA] = b;
  inB[atB] = a;
}

function widthOf(parts: number[], widths: readonly number[]): number {
  let sum = 0;
  for (const part of parts) sum += widths[part];
  return sum;
}
