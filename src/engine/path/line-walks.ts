/**
 * Walks through lines. Of a line only what has an effect on the end of the path (influence.ts) is simulated once more,
 * with all that moves noted; and each walk is made once: a line that is equal to one before, in another place and time,
 * has the same path to the same router of it, if its cores compute the same between what they do on the fabric.
 */
import type { CostTable, WaferSpec } from '../../hardware/wafer.js';
import type { Operation } from '../../program/program.js';
import { timeOf } from '../../program/timing.js';
import { firstOf } from '../fast/load.js';
import { NUDGE_WORDS } from '../fast/machine-code.js';
import type { LineResult } from '../lines/result.js';
import { placeIn } from '../../numeric/sorted.js';
import type { LineTable, Shape } from '../lines/table.js';
import { influencesOn } from './influence.js';
import { partOfLine } from './line-part.js';
import { logOf, type EventLog } from './log.js';
import { walkBack, type Walked } from './walk.js';
import { eventsOf, noteEvents } from './whole.js';

/** A line, its result, and what the cores at its routers do. */
export interface LineScene {
  shape: Shape;
  result: LineResult;
  wafer: Pick<WaferSpec, 'fabric' | 'costs'>;
  /** The operations of a router's core in the line, and which of its actors it is, or -1. */
  codeAt: (router: number) => { operations: readonly Operation[]; actor: number };
}

/** A walk by places of a line's box, and by the line's own cycles. */
interface LineWalk extends Walked {
  /** What the cores on it do, which a result does not tell, by router. */
  works: { router: number; work: string }[];
}

const known = new WeakMap<LineResult, Map<number, LineWalk>>();

/** The path to the end of what a router's core does in a line, by places of its box and by its own cycles. */
export function* walkInLine(
  table: LineTable,
  scene: LineScene,
  router: number,
): Generator<void, Walked> {
  const { shape, result, wafer, codeAt } = scene;
  const { width, height, image } = shape;
  const { coreAt, linkHops } = image.tables;
  const walks = known.get(result) ?? new Map<number, LineWalk>();
  known.set(result, walks);
  const before = walks.get(router);
  if (before !== undefined && areSame(before.works, scene)) return before;
  const log = yield* noteLine(table, scene, router);
  const asked = new Set<number>();
  const codeOf = (place: number) => {
    asked.add(coreAt[place]);
    const { operations, actor } = codeAt(coreAt[place]);
    return { operations, begin: actor < 0 ? 0 : result.starts[actor] };
  };
  const hops = linkHops.length > 0 ? linkHops : undefined;
  const box = { width, height, linkHops: hops, wafer, log, codeOf };
  const walked = walkBack(box, shape.places[router]);
  const works = [...asked].map((at) => ({
    router: at,
    work: workOf(codeAt(at).operations, wafer.costs),
  }));
  walks.set(router, { ...walked, works });
  return walked;
}

/** All that moves in a line and has an effect on what a router's core does, by places of its box. */
export function* noteLine(
  table: LineTable,
  { shape, result, wafer }: Pick<LineScene, 'shape' | 'result' | 'wafer'>,
  router: number,
): Generator<void, EventLog> {
  const influences = influencesOn(shape, router);
  const part = partOfLine(shape, result, influences, wafer.fabric);
  const { image, routers, onPath: colors, starts, pointers } = part;
  // The machine counts from the first start in the part.
  const begin = firstOf(starts);
  const nudges = part.nudges.map((word, i) => (i % NUDGE_WORDS === CYCLE ? word - begin : word));
  const { hops: waveletHops, sent, delivered } = result.counts;
  const most = eventsOf({ waveletHops, sent, delivered });
  const wants = { pointers, nudges, noted: NONE, moveWords: 0 };
  const noted = yield* noteEvents(table.machine(), image, starts, wants, { most, colors });
  if (noted?.end[placeIn(routers, router)] !== result.ends[placeIn(shape.actors, router)])
    throw new Error('a line is another when it is simulated again');
  const { coreAt } = image.tables;
  const numberOf = (place: number) => coreAt[place];
  return logOf({ words: noted.events, colors, numberOf, begin, changes: shape.changes });
}

/** Where a nudge has its cycle. */
const CYCLE = 1;
const NONE = new Int32Array(0);

function areSame(works: LineWalk['works'], { codeAt, wafer }: LineScene): boolean {
  for (const { router, work } of works)
    if (workOf(codeAt(router).operations, wafer.costs) !== work) return false;
  return true;
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
