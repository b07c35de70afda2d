import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { runRing } from '../src/decode/pipeline.js';
import { fast } from '../src/engine/fast.js';
import { reference } from '../src/engine/reference.js';
import { groupChooser } from '../src/groups.js';
import { planToken } from '../src/lowering/token.js';
import type { Operation, Program, Role, Route } from '../src/program/program.js';
import { placementOf } from '../src/simulate.js';
import { beginStep, createStageRunner, runStage, timedStage, write } from '../src/stages.js';

const SETS = ['workload.data=false', 'workload.tokens=1', 'placement.layerColumns=5'];

/** Plans of a tiny step, and a runner of its stages. */
function prepare(sets: string[]) {
  const {
    model,
    wafer,
    workload,
    placement: options,
    ...config
  } = loadConfig('configs/tiny.yaml', [...SETS, ...sets]);
  const placement = placementOf({ model, wafer, workload, placement: options, ...config });
  const context = workload.context;
  const maxPositions = context + 1;
  const groupsOf = groupChooser(model, wafer, maxPositions, fast, options.groups);
  const step = { context, maxPositions };
  const { stages: plans, places } = planToken(model, wafer, placement, groupsOf, step);
  const runner = createStageRunner({
    wafer,
    placement,
    memo: true,
    run: async (_key, program, startAt) => fast({ program, wafer, startAt }),
  });
  beginStep(runner, places);
  const stages = plans.map((plan) => timedStage(runner, plan));
  return { wafer, placement, plans, runner, stages };
}

/**
 * All stages at once on the whole wafer: every core has all its routes, and the operations of its
 * tokens one after the other. The head's core sends `inFlight` tokens first, and after its last
 * choice nothing more. Ends with that core.
 */
function monolith(tiny: ReturnType<typeof prepare>, inFlight: number, tokens: number) {
  const { wafer, placement, plans, runner, stages } = tiny;
  const cores = wafer.width * wafer.height;
  const routes = Array.from({ length: cores }, (): Route[] => []);
  const buffers = Array.from({ length: cores }, (): Role['buffers'] => []);
  const body = Array.from({ length: cores }, (): Operation[] => []);
  const sends = Array.from({ length: cores }, (): Operation[] => []);
  let root = -1;
  plans.forEach((plan, i) => {
    const { stage } = write(runner, plan);
    const { program } = stage;
    const region = placement.regions[plan.to];
    const x0 = region.x - (stages[i].origin % program.width);
    const y0 = region.y - Math.floor(stages[i].origin / program.width);
    program.roleOf.forEach((number, core) => {
      const at =
        (y0 + Math.floor(core / program.width)) * wafer.width + x0 + (core % program.width);
      const role = program.roles[number];
      routes[at].push(...role.routes);
      buffers[at].push(...role.buffers.map((b) => ({ ...b, preloaded: true })));
      if (stage.senders.includes(core)) sends[at].push(...role.operations);
      else body[at].push(...role.operations);
      if (i === 0 && stage.senders.includes(core)) root = at;
    });
  });
  const turns = Array.from({ length: tokens }, (_, n) => n);
  const operations = body.map((ops, core) => {
    if (core !== root) return turns.flatMap(() => [...ops, ...sends[core]]);
    const first = Array.from({ length: inFlight }, () => sends[core]).flat();
    const rest = turns.slice(inFlight).flatMap(() => [...ops, ...sends[core]]);
    return [...first, ...rest, ...turns.slice(0, inFlight).flatMap(() => ops)];
  });
  const program: Program = {
    name: 'monolith',
    width: wafer.width,
    height: wafer.height,
    roles: operations.map((ops, core) => ({
      name: `core ${core}`,
      routes: routes[core],
      operations: ops.map((op) => ({ ...op, label: 0 })),
      buffers: buffers[core],
      codeBytes: 0,
    })),
    roleOf: Uint16Array.from({ length: cores }, (_, core) => core),
    labels: ['all'],
    root,
  };
  // All others have long been waiting when the first token is sent in cycle 0.
  const startAt = new Int32Array(cores).fill(-10_000);
  startAt[root] = -wafer.costs.programStart;
  return reference({ program, wafer, startAt });
}

describe('stages timed one after the other give what all of them at once give', () => {
  it.each([
    [1, 1, 'row-major', 6],
    [1, 3, 'snake', 5],
    [2, 4, 'row-major', 6],
    [3, 7, 'snake', 6],
  ])('to the cycle, with %i users in flight, after %i tokens, %s, %i rows', async (...given) => {
    const [inFlight, tokens, strategy, rows] = given;
    const tiny = prepare([`placement.strategy=${strategy}`, `placement.rows=${rows}`]);
    const { runner, plans, stages, placement } = tiny;
    const run = async (i: number, startAt: Int32Array) => runStage(runner, plans[i], startAt);
    let chosen = 0;
    let count = 0;
    for await (const token of runRing(stages, placement.regions.length, run, inFlight)) {
      chosen = token.start + token.timing.cycles;
      if (++count === tokens) break;
    }
    expect(monolith(tiny, inFlight, tokens).cycles).toBe(chosen);
  });
});
