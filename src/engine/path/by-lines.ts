/**
 * The critical path of a program by its lines (../lines): only those that it crosses are simulated once more, with all
 * that moves noted.
 */
import type { RunInput, RunResult } from '../engine.js';
import { FIXED, OP, OP_WORDS } from '../fast/machine-code.js';
import { passesOf, type Found } from '../lines/lines.js';
import type { LineResult } from '../lines/result.js';
import { placeIn } from '../lines/shapes.js';
import { pointersOf } from '../lines/simulate.js';
import type { LineTable, Shape, WhyWhole } from '../lines/table.js';
import { neighbour } from '../../hardware/mesh.js';
import type { CostTable } from '../../hardware/wafer.js';
import { colorsOf, type Operation, type Route } from '../../program/program.js';
import { timeOf } from '../../program/timing.js';
import { keepWalk, knownWalk, type LinePlace } from './line-walks.js';
import { logOf } from './log.js';
import { reachOf, type Reach } from './reach.js';
import { spansOf, spansUpTo, type OpSpan } from './spans.js';
import { timesOf } from './times.js';
import { addStep, walkBack, type Scene, type Step, type Walked } from './walk.js';
import { eventsOf, noteEvents } from './whole.js';

/**
 * The path to the end of a core's program, whose result is known; why the program cannot be taken by its lines.
 */
export function* pathByLines(
  table: LineTable,
  input: RunInput,
  result: RunResult,
  core: number,
): Generator<void, Walked | WhyWhole> {
  const found = yield* foundOf(table, input, result);
  if (typeof found === 'string') return found;
  const { tables, pass } = found;
  const { coreAt } = tables;
  const { costs } = input.wafer;
  const listAt = listsOf(input, found);
  const steps: Step[] = [];
  let number = coreAt[core];
  let { parts, tail } = listAt(number);
  let at = backThrough(steps, tail, core, pass.at[number], costs);
  for (let part = parts.length - 1; part >= 0; part--) {
    const line = lineOfPart(found, number, parts[part]);
    const walked = yield* throughLine(table, input, found, listAt, line, number);
    for (const step of walked.steps) addStep(steps, step);
    core = walked.core;
    number = coreAt[core];
    ({ parts, tail } = listAt(number));
    part = firstIn(found, number, parts, line);
    at = backThrough(steps, parts[part].lead, core, walked.at, costs);
  }
  return { steps, core, at, events: 0 };
}

/** What is known of a program by its lines, whose result is known; why it cannot be taken by them. */
function* foundOf(
  table: LineTable,
  input: RunInput,
  result: RunResult,
): Generator<void, Found | WhyWhole> {
  return table.found.get(result) ?? (yield* passesOf(input, table, true, { cycle: 0 }));
}

/** The line that a core is in with one of its parts. */
function lineOfPart({ pass }: Found, number: number, { group }: CutPart): number {
  const { lineOf, nets } = pass.division;
  return lineOf[group][nets[group].of[number]];
}

/** The first of a core's parts in a line: joined ones have two of some. */
function firstIn(found: Found, number: number, parts: CutPart[], line: number): number {
  return parts.findIndex((part) => lineOfPart(found, number, part) === line);
}

/** Goes back through operations without the fabric, which end in cycle `at`; returns when they begin. */
function backThrough(
  steps: Step[],
  operations: readonly Operation[],
  core: number,
  at: number,
  costs: CostTable,
): number {
  let to = at;
  for (const op of operations.toReversed()) {
    const { setup, cycles } = timeOf(op, costs);
    const act = to - cycles;
    addStep(steps, { kind: 'compute', label: op.label, core, from: act, to });
    addStep(steps, { kind: 'setup', label: op.label, core, from: act - setup, to: act });
    to = act - setup;
  }
  return to;
}

/** A list of operations as it was cut: what it does in each group, and what it computes before that and at last. */
interface CutList {
  parts: CutPart[];
  tail: readonly Operation[];
}

interface CutPart {
  group: number;
  lead: readonly Operation[];
  operations: readonly Operation[];
}

/** The cut list of a core, by its number in the tables. */
function listsOf(
  { program, wafer }: RunInput,
  { tables: { ops, roleOf }, pass }: Found,
): (number: number) => CutList {
  const { parts, firstPart } = pass.division.cuts;
  const known = new Map<number, CutList>();
  return (number) => {
    const list = ops.listOf[roleOf[number]];
    let cut = known.get(list);
    if (cut === undefined) {
      const { operations } = program.roles[roleOf[number]];
      const own = parts.slice(firstPart[list], firstPart[list + 1]);
      // Records of neighbouring operations without the fabric are one; the others are as they were.
      const onFabric = [...operations.keys()].filter((i) => usesFabric(operations[i], wafer.costs));
      const before = new Int32Array(ops.first[list + 1] - ops.first[list] + 1);
      for (let record = 0; record < before.length - 1; record++) {
        const kind = ops.records[(ops.first[list] + record) * OP_WORDS + OP.kind];
        before[record + 1] = before[record] + Number(kind !== FIXED);
      }
      let done = 0;
      const cutParts = own.map(({ group, from, to }) => {
        const first = onFabric[before[from - ops.first[list]]];
        const end = onFabric[before[to - ops.first[list]] - 1] + 1;
        const lead = operations.slice(done, first);
        done = end;
        return { group, lead, operations: operations.slice(first, end) };
      });
      known.set(list, (cut = { parts: cutParts, tail: operations.slice(done) }));
    }
    return cut;
  };
}

function usesFabric(op: Operation, costs: CostTable): boolean {
  return op.kind === 'route' || timeOf(op, costs).wavelets > 0;
}

/**
 * When a core was at which operation of its program, whose result is known; why the program cannot be taken by its
 * lines.
 */
export function* spansByLines(
  table: LineTable,
  input: RunInput,
  result: RunResult,
  core: number,
): Generator<void, OpSpan[] | WhyWhole> {
  const found = yield* foundOf(table, input, result);
  if (typeof found === 'string') return found;
  const { tables, pass } = found;
  const { costs } = input.wafer;
  const listAt = listsOf(input, found);
  const number = tables.coreAt[core];
  const { parts, tail } = listAt(number);
  const spans: OpSpan[] = [];
  for (const [i, part] of parts.entries()) {
    const line = lineOfPart(found, number, part);
    if (firstIn(found, number, parts, line) !== i) continue;
    const { routers, shape } = pass.division.lines[line];
    const own = placeIn(routers, number);
    const { operations, actor } = partsIn(found, listAt, line)(own);
    const noted = new Int32Array(routers.length);
    noted[own] = bitsOf(operations);
    const { events } = (yield* noteLine(table, shape, pass.results[line], noted))!;
    const log = logOf(events, noted, () => own, pass.bases[line]);
    const begin = pass.bases[line] + pass.results[line].starts[actor];
    spans.push(...spansUpTo(part.lead, begin, costs));
    spans.push(...spansOf(timesOf(log, core, operations, begin, costs)));
  }
  return [...spans, ...spansUpTo(tail, pass.at[number], costs)];
}

/** Bits of the colours that operations use. */
function bitsOf(operations: readonly Operation[]): number {
  let bits = 0;
  for (const color of operations.flatMap(colorsOf)) bits |= 1 << color;
  return bits;
}

/** Operations in a line of the core at one of its routers, and which of the line's actors it is. */
function partsIn(found: Found, listAt: (number: number) => CutList, line: number) {
  const { routers, shape } = found.pass.division.lines[line];
  return (router: number) => {
    const actor = placeIn(shape.actors, router);
    if (shape.actors[actor] !== router) return { operations: NOTHING, actor: -1 };
    const { parts } = listAt(routers[router]);
    const first = firstIn(found, routers[router], parts, line);
    const next = parts.at(first + 1);
    const goesOn = next && lineOfPart(found, routers[router], next) === line;
    return { operations: goesOn ? both(parts[first], next) : parts[first].operations, actor };
  };
}

/** The path through a line to the end of a core's part of it. */
function* throughLine(
  table: LineTable,
  { program, wafer }: RunInput,
  found: Found,
  listAt: (number: number) => CutList,
  line: number,
  number: number,
): Generator<void, Walked> {
  const { tables, pass } = found;
  const { coreAt, placeOf } = tables;
  const { shape, routers } = pass.division.lines[line];
  const { actors } = shape;
  const result = pass.results[line];
  const base = pass.bases[line];
  const { width, height, linkHops, roles, roleOf } = program;
  const routerAt = (place: number) => placeIn(routers, coreAt[place]);
  const codeAt = partsIn(found, listAt, line);
  const own = placeIn(routers, number);
  const place: LinePlace = {
    ...{ base, routerAt, costs: wafer.costs },
    placeOf: (router) => placeOf[routers[router]],
    operationsAt: (router) => codeAt(router).operations,
  };
  const before = knownWalk(result, own, place);
  if (before !== undefined) return before;
  const useAt = usesOf((router) => codeAt(router).operations);
  const reach: Reach = {
    routers: routers.length,
    routesAt: (router) => [roles[roleOf[placeOf[routers[router]]]].routes, useAt(router).changes],
    colorsAt: (router) => useAt(router).colors,
    beyond: (router, port) => {
      const place = neighbour(placeOf[routers[router]], port, width, height);
      const there = place < 0 || coreAt[place] < 0 ? -1 : routerAt(place);
      return routers[there] === coreAt[place] ? there : -1;
    },
  };
  const reached = reachOf(reach, own);
  const noted = yield* noteLine(table, shape, result, reached);
  if (noted?.end[own] !== result.ends[placeIn(actors, own)])
    throw new Error(`a line of ${program.name} is another when it is simulated again`);
  const asked: number[] = [];
  const scene: Scene = {
    ...{ width, height, wafer },
    ...(linkHops && { linkHops }),
    log: logOf(noted.events, reached, routerAt, base),
    codeOf: (at) => {
      asked.push(at);
      const { operations, actor } = codeAt(routerAt(at));
      return { operations, begin: actor < 0 ? 0 : base + result.starts[actor] };
    },
  };
  const walked = walkBack(scene, placeOf[number]);
  keepWalk(result, own, walked, asked, place);
  return walked;
}

const joined = new WeakMap<CutPart, readonly Operation[]>();

/** What a core does in a part and in the next one, made once. */
function both(part: CutPart, { lead, operations }: CutPart): readonly Operation[] {
  let all = joined.get(part);
  if (all === undefined) joined.set(part, (all = [...part.operations, ...lead, ...operations]));
  return all;
}

/** What operations do on the fabric: bits of their colours, and routes that they set. */
function usesOf(operationsAt: (router: number) => readonly Operation[]) {
  const known = new Map<readonly Operation[], { colors: number; changes: Route[] }>();
  return (router: number) => {
    const operations = operationsAt(router);
    let use = known.get(operations);
    if (use === undefined) {
      const colors = bitsOf(operations);
      const changes = operations.filter((op) => op.kind === 'route');
      known.set(operations, (use = { colors, changes }));
    }
    return use;
  };
}

/** Simulates a line once more, as it was, with the events of some colours noted. */
function noteLine(table: LineTable, shape: Shape, result: LineResult, colors: Int32Array) {
  const { actors, image } = shape;
  const starts = new Float64Array(image.cores);
  for (let i = 0; i < actors.length; i++) starts[actors[i]] = result.starts[i];
  const { links, sent, delivered } = result.counts;
  let waveletHops = 0;
  for (let i = 2; i < links.length; i += 3) waveletHops += links[i];
  const { nudges } = result;
  const wants = { pointers: pointersOf(shape, result), nudges, noted: NONE, moveWords: 0 };
  const most = eventsOf({ waveletHops, sent, delivered });
  return noteEvents(table.machine(), image, starts, wants, { most, colors });
}

const NOTHING: readonly Operation[] = [];
const NONE = new Int32Array(0);
