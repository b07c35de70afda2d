/** All stages of a tiny model's step as one program on the whole wafer, looping over tokens. */
import { groupCounts, fastestTree } from '../src/decode/groups.js';
import { TREE_FORMS, type TreeForm } from '../src/kernels/line.js';
import type { Groups } from '../src/lowering/lines.js';
import type { Line } from '../src/mapping/mapping.js';
import { MAPPINGS } from '../src/mapping/mappings.js';
import type { Region } from '../src/placement/placement.js';
import { loadConfig } from '../src/config.js';
import { timePipeline } from '../src/decode/pipeline.js';
import type { Starts } from '../src/engine/engine.js';
import { fast } from '../src/engine/fast/fast.js';
import { linkHopsOf, repairOf } from '../src/hardware/defects.js';
import type { StepPlan } from '../src/lowering/lowering.js';
import type { Operation, Program, Role, Route } from '../src/program/program.js';
import { loweredOf } from '../src/decode/lowered.js';
import { beginStep, createStageRunner, runStage, timedStage } from '../src/decode/stages.js';
import { placementOf } from '../src/decode/place.js';
import { resized } from './helpers/small-model.js';

const SETS = ['workload.data=false', 'workload.tokens=1', 'placement.layerColumns=5'];

/** A machine with one cycle a hop and cheap calls, for which it is known which tokens meet on links. */
export const HOP_OF_ONE = [
  'fabric.hopCycles=1',
  'costs.programStart=0',
  'costs.matvec.call=0',
  'costs.matvec.row.f16=4.84',
  'costs.matvec.granularity.f16=1',
].map((set) => `hardware.${set}`);

export type Tiny = Awaited<ReturnType<typeof prepare>>;

function placed(sets: string[], layers: number, tied = false) {
  const loaded = loadConfig('configs/tiny.yaml', [...SETS, ...sets]);
  const { wafer, workload } = loaded;
  const model = resized(loaded.model, { layers, tied });
  const placement = placementOf({ ...loaded, model });
  return { loaded, wafer, model, placement, context: workload.context, engine: { run: fast } };
}

/** Plans of a tiny step, and its stages with a runner. */
export async function prepare(
  sets: string[],
  layers = 2,
  tied = false,
  forms: readonly TreeForm[] = TREE_FORMS,
) {
  const { loaded, wafer, model, placement, context, engine } = placed(sets, layers, tied);
  const maxPositions = context + 1;
  const trees = new Map<Region, Groups>();
  for (const region of placement.regions) {
    const { width: columns, height: rows } = region;
    const cut = { model, rows, columns, positions: maxPositions };
    const all = MAPPINGS.gqa.reductions(region, cut);
    const treeOf = async (line: Line) => {
      const vectors = all.filter((reduction) => reduction.line === line);
      const length = vectors[0]?.cores ?? 1;
      return fastestTree({ length, vectors, counts: groupCounts(length), forms }, wafer, engine);
    };
    const [column, row, head] = [await treeOf('column'), await treeOf('row'), await treeOf('head')];
    trees.set(region, {
      ...{ column: column.groups, row: row.groups, head: head.groups },
      forms: { column: column.form, row: row.form, head: head.form },
    });
  }
  const lowered = await loweredOf({ ...loaded, model }, placement, maxPositions, engine, {
    ...(forms !== TREE_FORMS && { groupsOf: (region) => trees.get(region)! }),
  });
  const plan = lowered.plan({ context, maxPositions });
  const { stages: plans, places } = plan;
  const run = async (program: Program, startAt?: Starts) =>
    fast({ program, wafer, startAt: startAt! });
  const runner = createStageRunner({ wafer, memo: true, run });
  beginStep(runner, plan);
  const stages = plans.map((plan) => timedStage(runner, plan));
  const run1 = async (i: number, at: Starts) => runStage(runner, plans[i], at);
  return { wafer, placement, plans, stages, places: places.length, runner, run: run1 };
}

export function pipelineOf({ stages, places, run }: Tiny, users: number) {
  return timePipeline(stages, places, run, users);
}

/** Whose turn it is: visits of regions, by stage, in an order that is that of each region's visits. */
export function inTurn({ stages }: Tiny, tokens: number): number[] {
  return Array.from({ length: tokens }, () => [...stages.keys()]).flat();
}

interface Loop {
  /** Stages in the order of their regions' visits, whole tokens in all. */
  visits: number[];
  /** Tokens that are sent before the first is chosen, at least so many cycles apart. */
  users: number;
  spacing?: number;
  /** A region that begins late, and when. */
  late?: { region: number; cycle: number };
}

/**
 * Every core has all its routes, and the operations of its visits one after the other. The head's core
 * first sends a token per user, and after its last choices nothing more; the program ends with it. A
 * tied table's core sends a token when it embeds it.
 */
export function monolith(tiny: Tiny, { visits, users, spacing = 0, late }: Loop) {
  const { wafer, plans } = tiny;
  return wholeOf(tiny, late, (parts, put, pauseFor) => {
    const tied = plans[0].from === plans[0].to;
    const last = plans.length - 1;
    let choices = visits.filter((i) => i === last).length - users;
    if (!tied)
      for (let user = 0; user < users; user++) {
        if (user > 0) pauseFor(Math.ceil(spacing / wafer.costs.scalar.step));
        put(parts[0].sends);
      }
    for (const i of visits) {
      put(parts[i].body);
      if (i < last) put(parts[i + 1].sends);
      if (!tied && i === last && choices-- > 0) put(parts[0].sends);
    }
  });
}

/** Tokens of rounds: the stages of all of a round's tokens one after the other. */
export interface TinyRound extends Tiny {
  plansOf: StepPlan[];
}

/** Plans of all tokens of a round, and its stages with a runner. */
export async function prepareRound(sets: string[], of: number, layers = 2): Promise<TinyRound> {
  const asked = ['draft.ngram=1', `tokens=${of}`, 'acceptance=1'];
  const speculating = asked.map((set) => `workload.speculation.${set}`);
  const { loaded, wafer, model, placement, context, engine } = placed(
    [...sets, ...speculating],
    layers,
  );
  const lowered = await loweredOf({ ...loaded, model }, placement, context + of, engine);
  const plansOf = Array.from({ length: of }, (_, index) =>
    lowered.plan({ context: context + index, maxPositions: context + of, inFlight: { index, of } }),
  );
  const plans = plansOf.flatMap(({ stages }) => stages);
  const run = async (program: Program, startAt?: Starts) =>
    fast({ program, wafer, startAt: startAt! });
  const runner = createStageRunner({ wafer, memo: true, run });
  beginStep(runner, plansOf[0]);
  const stages = plans.map((plan) => timedStage(runner, plan));
  const run1 = async (i: number, at: Starts) => runStage(runner, plans[i], at);
  const { places } = plansOf[0];
  return { wafer, placement, plans, plansOf, stages, places: places.length, runner, run: run1 };
}

/**
 * So many rounds: the head's core sends all tokens of one, with as many scalar steps before each drafted one, and begins
 * the next one when the last of them is chosen.
 * @param each the head's core sends each token when it is done with the one before
 */
export function monolithOfRounds(tiny: TinyRound, rounds: number, steps = 0, each = false) {
  const { plans, plansOf } = tiny;
  const length = plans.length / plansOf.length;
  return wholeOf(tiny, undefined, (parts, put, pauseFor) => {
    for (let round = 0; round < rounds; round++) {
      for (const token of each ? [] : plansOf.keys()) {
        if (token > 0) pauseFor(steps);
        put(parts[token * length].sends);
      }
      for (const i of parts.keys()) {
        if (each && i % length === 0) put(parts[i].sends);
        put(parts[i].body);
        if ((i + 1) % length > 0) put(parts[i + 1].sends);
      }
    }
  });
}

/**
 * So many rounds of each of two users: the head's core first sends the tokens of both, and those of a user's next round when
 * the last token of the one before is chosen.
 */
export function monolithOfUsers(tiny: TinyRound, rounds: number) {
  const { plans, plansOf } = tiny;
  const length = plans.length / plansOf.length;
  return wholeOf(tiny, undefined, (parts, put) => {
    const begin = () => {
      for (const token of plansOf.keys()) put(parts[token * length].sends);
    };
    begin();
    begin();
    for (let round = 0; round < 2 * rounds; round++) {
      for (const i of parts.keys()) {
        put(parts[i].body);
        if ((i + 1) % length > 0) put(parts[i + 1].sends);
      }
      if (round < 2 * rounds - 2) begin();
    }
  });
}

type Work = [number, Operation[]][];

/** The program of all cores whose work is written by `order`, out of that of each stage and of those who send to it. */
function wholeOf(
  tiny: Tiny,
  late: Loop['late'],
  order: (
    parts: { body: Work; sends: Work }[],
    put: (work: Work) => void,
    pauseFor: (steps: number) => void,
  ) => void,
) {
  const { wafer, placement, plans, stages } = tiny;
  const cores = wafer.width * wafer.height;
  const each = <T>(make: () => T) => Array.from({ length: cores }, make);
  const routes = each((): Route[] => []);
  const buffers = each((): Role['buffers'] => []);
  const operations = each((): Operation[] => []);
  let root = -1;
  const parts = plans.map((plan, i) => {
    const { program, senders } = plan.write();
    const region = placement.regions[plan.to];
    const x0 = region.x - (stages[i].origin % program.width);
    const y0 = region.y - Math.floor(stages[i].origin / program.width);
    const body: Work = [];
    const sends: Work = [];
    program.roleOf.forEach((number, core) => {
      const x = x0 + (core % program.width);
      const at = (y0 + Math.floor(core / program.width)) * wafer.width + x;
      const role = program.roles[number];
      for (const route of role.routes)
        if (!routes[at].some(({ color }) => color === route.color)) routes[at].push(route);
      buffers[at].push(...role.buffers.map((b) => ({ ...b, preloaded: true })));
      const isSender = senders.includes(core);
      if (i === 0 && isSender) root = at;
      (isSender && plan.from !== plan.to ? sends : body).push([at, role.operations]);
    });
    return { body, sends };
  });
  const put = (list: Work) => {
    for (const [at, more] of list) operations[at].push(...more);
  };
  order(parts, put, (steps) => put([[root, pause(steps)]]));
  const { width, height } = wafer;
  const repair = repairOf(wafer, 0);
  const program: Program = {
    name: 'monolith',
    ...(repair && { linkHops: linkHopsOf(repair, wafer, { x0: 0, y0: 0, width, height }) }),
    width,
    height,
    roles: operations.map((list, core) => ({
      name: `core ${core}`,
      routes: routes[core],
      operations: list.map((op) => ({ ...op, label: 0 })),
      buffers: buffers[core],
      codeBytes: 0,
    })),
    roleOf: Uint16Array.from({ length: cores }, (_, core) => core),
    labels: ['all'],
    root,
  };
  // All others have long been waiting when the first token is sent in cycle 0.
  const startAt = new Float64Array(cores).fill(-10_000);
  if (late) {
    const { x, y, width, height } = placement.regions[late.region];
    for (let i = 0; i < width * height; i++)
      startAt[(y + Math.floor(i / width)) * wafer.width + x + (i % width)] = late.cycle;
  }
  startAt[root] = -wafer.costs.programStart;
  return { program, wafer, startAt };
}

/** Scalar steps that change nothing. */
function pause(steps: number): Operation[] {
  const nothing = { kind: 'keepIfEqual', label: 0, a: 0, b: 0, at: 0, otherwise: 0 } as const;
  return Array.from({ length: steps }, () => nothing);
}
