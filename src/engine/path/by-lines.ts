/** The critical path of a program by its lines (../lines): only those that it crosses are gone through (line-walks.ts). */
import { endAt } from '../by-core.js';
import type { RunInput, RunResult } from '../engine.js';
import { FIXED, OP, OP_WORDS } from '../fast/machine-code.js';
import { passesOf, type Known } from '../lines/lines.js';
import { placeIn } from '../../numeric/sorted.js';
import type { LineTable, WhyWhole } from '../lines/table.js';
import type { CostTable } from '../../hardware/wafer.js';
import type { Operation } from '../../program/program.js';
import { timeOf } from '../../program/timing.js';
import { noteLine, walkInLine, type LineScene } from './line-walks.js';
import { spansOf, spansUpTo, type OpSpan } from './spans.js';
import { timesOf } from './times.js';
import { addStep, type Step, type Walked } from './walk.js';

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
  const { coreAt, placeOf } = tables;
  const { costs } = input.wafer;
  const listAt = listsOf(input, found);
  const steps: Step[] = [];
  let number = coreAt[core];
  let { parts, tail } = listAt(number);
  let at = backThrough(steps, tail, core, endAt(result, core), costs);
  for (let part = parts.length - 1; part >= 0; part--) {
    const line = lineOfPart(found, number, parts[part]);
    const { routers, shape } = pass.division.lines[line];
    const scene = sceneOf(input, found, listAt, line);
    const walked = yield* walkInLine(table, scene, placeIn(routers, number));
    const base = pass.bases[line];
    const numberOf = (place: number) => routers[shape.image.tables.coreAt[place]];
    for (const { kind, label, core: place, from, to } of walked.steps)
      addStep(steps, kind, label, placeOf[numberOf(place)], base + from, base + to);
    number = numberOf(walked.core);
    core = placeOf[number];
    ({ parts, tail } = listAt(number));
    part = firstIn(found, number, parts, line);
    at = backThrough(steps, parts[part].lead, core, base + walked.at, costs);
  }
  return { steps, core, at, events: 0 };
}

/** What is known of a program by its lines, whose result is known; why it cannot be taken by them. */
function* foundOf(
  table: LineTable,
  input: RunInput,
  result: RunResult,
): Generator<void, Known | WhyWhole> {
  return table.found.get(result) ?? (yield* passesOf(input, table, true, { cycle: 0 }));
}

/** The line that a core is in with one of its parts. */
function lineOfPart({ pass }: Known, number: number, { group }: CutPart): number {
  const { lineOf, nets } = pass.division;
  return lineOf[group][nets[group].of[number]];
}

/** The first of a core's parts in a line: joined ones have two of some. */
function firstIn(found: Known, number: number, parts: CutPart[], line: number): number {
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
    addStep(steps, 'compute', op.label, core, act, to);
    addStep(steps, 'setup', op.label, core, act - setup, act);
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
  { tables: { ops, roleOf }, pass }: Known,
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
        const kind = ops.rows.records[ops.rowOf[ops.first[list] + record] * OP_WORDS + OP.kind];
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
    const own = placeIn(pass.division.lines[line].routers, number);
    const scene = sceneOf(input, found, listAt, line);
    const { operations, actor } = scene.codeAt(own);
    const log = yield* noteLine(table, scene, own);
    const [base, start] = [pass.bases[line], scene.result.starts[actor]];
    const times = timesOf(log, scene.shape.places[own], operations, start, costs);
    const begin = base + start;
    spans.push(...spansUpTo(part.lead, begin, costs));
    spans.push(...spansOf(times, base));
  }
  return [...spans, ...spansUpTo(tail, endAt(result, core), costs)];
}

/** A line, and what cores do in it. */
function sceneOf(
  { wafer }: RunInput,
  found: Known,
  listAt: (number: number) => CutList,
  line: number,
): LineScene {
  const { division, results } = found.pass;
  const { routers, shape } = division.lines[line];
  const codeAt = (router: number) => {
    const actor = placeIn(shape.actors, router);
    if (shape.actors[actor] !== router) return { operations: NOTHING, actor: -1 };
    const { parts } = listAt(routers[router]);
    const first = firstIn(found, routers[router], parts, line);
    const next = parts.at(first + 1);
    const goesOn = next && lineOfPart(found, routers[router], next) === line;
    return { operations: goesOn ? both(parts[first], next) : parts[first].operations, actor };
  };
  return { shape, result: results[line], wafer, codeAt };
}

const joined = new WeakMap<CutPart, readonly Operation[]>();

/** What a core does in a part and in the next one, made once. */
function both(part: CutPart, { lead, operations }: CutPart): readonly Operation[] {
  let all = joined.get(part);
  if (all === undefined) joined.set(part, (all = [...part.operations, ...lead, ...operations]));
  return all;
}

const NOTHING: readonly Operation[] = [];
