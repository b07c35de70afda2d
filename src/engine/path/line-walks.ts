/**
 * Walks through lines, each made once: a line that is equal to one before, in another place and time, has the same path
 * to the same router of it, if its cores compute the same between what they do on the fabric.
 */
import type { CostTable } from '../../hardware/wafer.js';
import type { Operation } from '../../program/program.js';
import { timeOf } from '../../program/timing.js';
import type { LineResult } from '../lines/result.js';
import type { Step, Walked } from './walk.js';

/** Where a line lies, and from which cycle on; by router its place, and what its core does. */
export interface LinePlace {
  base: number;
  placeOf: (router: number) => number;
  routerAt: (place: number) => number;
  operationsAt: (router: number) => readonly Operation[];
  costs: CostTable;
}

/** A walk by routers, and by the line's own cycles. */
interface LineWalk {
  steps: Step[];
  router: number;
  at: number;
  /** What the cores on it do, which a result does not tell. */
  works: { router: number; work: string }[];
}

const known = new WeakMap<LineResult, Map<number, LineWalk>>();

/** The walk to a router of a line with this result, in this place; undefined if none is known. */
export function knownWalk(
  result: LineResult,
  router: number,
  { base, placeOf, operationsAt, costs }: LinePlace,
): Walked | undefined {
  const walk = known.get(result)?.get(router);
  const isSame = walk?.works.every((of) => workOf(operationsAt(of.router), costs) === of.work);
  if (walk === undefined || isSame === false) return undefined;
  const steps = walk.steps.map(({ core, from, to, ...step }): Step => ({
    ...step,
    core: placeOf(core),
    from: base + from,
    to: base + to,
  }));
  return { steps, core: placeOf(walk.router), at: base + walk.at, events: 0 };
}

/** Keeps a walk to a router; the cores in these places were asked for what they do. */
export function keepWalk(
  result: LineResult,
  router: number,
  { steps, core, at }: Walked,
  asked: readonly number[],
  { base, routerAt, operationsAt, costs }: LinePlace,
): void {
  const walks = known.get(result) ?? new Map<number, LineWalk>();
  known.set(result, walks);
  walks.set(router, {
    steps: steps.map(({ core, from, to, ...step }) => ({
      ...step,
      core: routerAt(core),
      from: from - base,
      to: to - base,
    })),
    router: routerAt(core),
    at: at - base,
    works: asked.map(routerAt).map((of) => ({
      router: of,
      work: workOf(operationsAt(of), costs),
    })),
  });
}

const works = new WeakMap<readonly Operation[], string>();

/** Times of all operations, one by one: a line's result has those without the fabric in sums. */
function workOf(operations: readonly Operation[], costs: CostTable): string {
  let work = works.get(operations);
  if (work === undefined) {
    const times = operations.map((op) => {
      const { setup, cycles } = timeOf(op, costs);
      return `${op.kind} ${op.label} ${setup} ${cycles}`;
    });
    works.set(operations, (work = times.join()));
  }
  return work;
}
