/** Strategies on tasks of all kinds: legal, as cheap as promised, and the exact one against brute force. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../src/numeric/random.js';
import { handOffCosts } from '../src/placement/hand-off-cost.js';
import { cases as some, count } from './helpers/full.js';
import { checkPlacement } from './helpers/legal-placement.js';
import { STRATEGIES } from '../src/placement/pack.js';
import { place } from '../src/placement/place.js';
import { anneal } from '../src/placement/strategies/anneal.js';
import { gilbert } from '../src/placement/strategies/hilbert.js';
import { optimal } from '../src/placement/strategies/optimal.js';
import {
  costOf,
  haveRoom,
  type Position,
  type Run,
  type Task,
} from '../src/placement/strategies/shelves.js';
import { asking, llama8b, QUICK, tiny, wse3 } from './placement-helpers.js';

interface Case {
  rows: number;
  runs: Run[];
  widths: number[];
  loops: boolean;
}

/** Shelves with a hole here and there, and regions of one or of many widths. */
function cases(limits: { shelves: number; width: number; regions: number }): fc.Arbitrary<Case> {
  const { shelves, width, regions } = limits;
  return fc
    .record({
      rows: fc.integer({ min: 1, max: 6 }),
      shelves: fc.integer({ min: 1, max: shelves }),
      width: fc.integer({ min: 2, max: width }),
      holes: fc.array(fc.record({ shelf: fc.nat(shelves), x: fc.nat(width) }), { maxLength: 2 }),
      widths: fc.oneof(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: regions }),
        fc.array(fc.constant(3), { minLength: 2, maxLength: regions }),
      ),
      loops: fc.boolean(),
    })
    .map(({ rows, shelves, width, holes, widths, loops }) => {
      const runs = Array.from({ length: shelves }, (_, shelf) => {
        const cuts = holes.filter((hole) => hole.shelf === shelf).map((hole) => hole.x);
        const bounds = [-1, ...cuts.filter((x) => x < width).sort((a, b) => a - b), width];
        return bounds.slice(1).map((end, i) => {
          const x = bounds[i] + 1;
          return { x, y: shelf * rows, width: end - x };
        });
      });
      return { rows, runs: runs.flat().filter((run) => run.width > 0), widths, loops };
    });
}

function taskOf({ rows, runs, widths, loops }: Case): Task {
  // Alone the way is a ring; the first of two wafers takes from the last one and hands on to it.
  const costs = handOffCosts(tiny, wse3(), rows, { index: 0, wafers: loops ? 1 : 2 });
  return { widths, runs, ...costs, random: seededRandom(7) };
}

/** Problems of a layout: regions outside every run, or over each other. */
function problems({ widths, runs }: Task, positions: Position[]): string[] {
  const found: string[] = [];
  if (positions.length !== widths.length) found.push(`${positions.length} positions`);
  positions.forEach(({ x, y }, i) => {
    const inside = (run: Run) => run.y === y && x >= run.x && x + widths[i] <= run.x + run.width;
    if (!runs.some(inside)) found.push(`${i} is on no run`);
    positions.slice(0, i).forEach((other, j) => {
      if (other.y === y && x < other.x + widths[j] && other.x < x + widths[i])
        found.push(`${j} is under ${i}`);
    });
  });
  return found;
}

/** Least cost of all layouts, every column of every run tried for every region. */
function bruteForce(task: Task): number {
  const { widths, runs } = task;
  let least = Infinity;
  const positions: Position[] = [];
  const lay = (i: number): void => {
    if (i === widths.length) {
      least = Math.min(least, costOf(task, positions));
      return;
    }
    for (const run of runs)
      for (let x = run.x; x + widths[i] <= run.x + run.width; x++) {
        positions.push({ x, y: run.y });
        if (problems({ ...task, widths: widths.slice(0, i + 1) }, positions).length === 0)
          lay(i + 1);
        positions.pop();
      }
  };
  lay(0);
  return least;
}

describe('a layout', () => {
  it.each(Object.entries(STRATEGIES))('of %s is legal wherever one is found', (name, strategy) => {
    let found = 0;
    const numRuns = QUICK.includes(name) ? count(80, 300) : count(10, 40);
    fc.assert(
      fc.property(cases({ shelves: 5, width: 14, regions: 9 }), (one) => {
        const task = taskOf(one);
        const layout = strategy(task);
        if (layout === undefined) return;
        found++;
        expect(problems(task, layout.positions)).toEqual([]);
      }),
      { seed: 11, numRuns },
    );
    expect(found).toBeGreaterThan(numRuns / 4);
  });

  it('is found by greedy and hilbert wherever first-fit, the widest first, has room', () => {
    let roomy = 0;
    fc.assert(
      fc.property(cases({ shelves: 5, width: 14, regions: 9 }), (one) => {
        if (!haveRoom(one.widths, one.runs)) return;
        roomy++;
        expect(STRATEGIES['hilbert'](taskOf(one))).toBeDefined();
        expect(STRATEGIES['greedy'](taskOf(one))).toBeDefined();
      }),
      { seed: 12, numRuns: 300 },
    );
    expect(roomy).toBeGreaterThan(100);
  });
});

describe('the cost of a layout', () => {
  const on = (from: number) => ({ x: from, y: 0 });

  it('is that of every hand-off, and of the path back if there is one', () => {
    const task: Task = {
      widths: [2, 3, 4],
      runs: [],
      handOff: (from, to) => 100 * from.width + to.x,
      back: (from, to) => 1000 * from.width + to.width,
      random: () => 0,
    };
    const handOffs = 200 + 7 + (300 + 11);
    expect(costOf(task, [on(5), on(7), on(11)])).toBe(handOffs + 4000 + 2);
    const { back: _, ...oneWay } = task;
    expect(costOf(oneWay, [on(5), on(7), on(11)])).toBe(handOffs);
    const edges: Partial<Task> = { enter: (to) => 10_000 * to.x, leave: (from) => 0.5 * from.x };
    expect(costOf({ ...oneWay, ...edges }, [on(5), on(7), on(11)])).toBe(handOffs + 50_005.5);
  });
});

describe('anneal', () => {
  it('is never dearer than a quick strategy, and often cheaper than all of them', () => {
    let cheaper = 0;
    fc.assert(
      fc.property(cases({ shelves: 4, width: 14, regions: 7 }), (one) => {
        const layout = anneal(taskOf(one));
        if (layout === undefined) return;
        const quick = QUICK.map((name) => STRATEGIES[name](taskOf(one)));
        const least = Math.min(
          ...quick.map((of) => (of ? costOf(taskOf(one), of.positions) : Infinity)),
        );
        const cost = costOf(taskOf(one), layout.positions);
        expect(cost).toBeLessThanOrEqual(least);
        if (cost < least) cheaper++;
      }),
      { seed: 13, numRuns: 40 },
    );
    expect(cheaper).toBeGreaterThan(2);
  });

  it('finds the same with the same random numbers', () => {
    // Too many regions to be laid out best: other numbers find another layout.
    const widths = Array.from({ length: count(20, 30) }, (_, i) => 4 + ((i * 7) % 9));
    const runs = Array.from({ length: 6 }, (_, i) => ({ x: 0, y: 5 * i, width: 52 }));
    const layout = (seed: number) =>
      anneal({ ...taskOf({ rows: 5, runs, widths, loops: true }), random: seededRandom(seed) });
    const first = layout(1);
    expect(layout(1)).toEqual(first);
    expect(layout(2)).not.toEqual(first);
  });

  it('tells how far it is', () => {
    const reported: number[] = [];
    const onProgress = (done: number, total: number) => reported.push(done / total);
    place(llama8b, wse3(), asking({ strategy: 'anneal' }), { onProgress });
    expect(reported.length).toBeGreaterThan(10);
    expect(Math.max(...reported)).toBeLessThanOrEqual(1);
  });
});

describe('optimal', () => {
  it('agrees with brute force on every case small enough for both, and proves it', () => {
    let compared = 0;
    fc.assert(
      fc.property(cases({ shelves: 3, width: 6, regions: 4 }), (one) => {
        const task = taskOf(one);
        const least = bruteForce(task);
        const layout = optimal(task);
        if (layout === undefined) return;
        compared++;
        expect(costOf(task, layout.positions)).toBe(least);
        expect(layout.bound).toBe(least);
      }),
      { seed: 14, numRuns: 60 },
    );
    expect(compared).toBeGreaterThan(20);
  });

  it('says how far from the best it may be when the search is cut short', () => {
    const { estimate } = place(llama8b, wse3(), asking({ strategy: 'optimal' }));
    expect(estimate!.bound).toBeGreaterThan(0.5 * estimate!.handOffCycles);
    expect(estimate!.bound).toBeLessThan(estimate!.handOffCycles);
  });
});

describe('hilbert', () => {
  it('visits every cell of a rectangle once, from neighbour to neighbour', () => {
    for (const [width, height, cornered] of [
      [1, 1, 0],
      [4, 9, 1],
      [8, 8, 0],
      [2, 31, 0],
      [12, 3, 0],
      [6, 10, 0],
      [9, 14, 0],
      [14, 10, 0],
    ]) {
      let corners = 0;
      const cells = gilbert(width, height);
      expect(new Set(cells.map(({ x, y }) => `${x},${y}`)).size).toBe(width * height);
      expect(cells.every(({ x, y }) => x >= 0 && y >= 0 && x < width && y < height)).toBe(true);
      cells.slice(1).forEach(({ x, y }, i) => {
        const steps = Math.abs(x - cells[i].x) + Math.abs(y - cells[i].y);
        // A rectangle whose longer side alone is odd has one step from corner to corner.
        if (steps > 1) corners++;
        expect(steps, `${width}x${height} at ${i}`).toBeLessThanOrEqual(2);
      });
      expect(corners, `${width}x${height}`).toBe(cornered);
    }
  });
});

describe('Llama-3.1-8B', () => {
  const skewed = Array.from({ length: 32 }, (_, i) => [155, 185, 170, 190][i % 4]);
  const settings: [string, Parameters<typeof wse3>[0], Parameters<typeof asking>[0]][] = [
    ['on one WSE-3', {}, {}],
    [
      'with 1 % dead cores',
      { defects: { repair: 'spares', rate: 0.01, seed: 1, spareColumns: 58 } },
      {},
    ],
    ['with layers of different widths', {}, { rows: 116, layerColumns: skewed }],
  ];
  it.each(some(settings.slice(2), settings.slice(0, 2)))(
    '%s is laid out cheaper by greedy and anneal than row by row',
    (_, on, asked) => {
      const cost = (strategy: string) => {
        const placement = place(llama8b, wse3(on), asking({ ...asked, strategy }));
        expect(checkPlacement(placement, llama8b, wse3(on), 4096)).toEqual([]);
        return placement.estimate!.handOffCycles;
      };
      const rowMajor = cost('row-major');
      const greedy = cost('greedy');
      expect(greedy).toBeLessThan(0.9 * rowMajor);
      expect(cost('anneal')).toBeLessThanOrEqual(greedy);
    },
  );

  it('takes its layers’ widths from a list with one for each', () => {
    const { regions } = place(llama8b, wse3(), asking({ rows: 116, layerColumns: skewed }));
    expect(regions.slice(1, -1).map((r) => r.width)).toEqual(skewed);
    expect(() => place(llama8b, wse3(), asking({ layerColumns: [187] }))).toThrow(
      'layerColumns: expected one for each of 32 layers, found 1',
    );
  });
});
