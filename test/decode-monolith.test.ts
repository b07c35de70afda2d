import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { timePipeline } from '../src/decode/pipeline.js';
import { fast } from '../src/engine/fast.js';
import { reference } from '../src/engine/reference.js';
import { groupChooser } from '../src/run/groups.js';
import { planToken } from '../src/lowering/token.js';
import type { Operation, Program, Role, Route } from '../src/program/program.js';
import { placementOf } from '../src/simulate.js';
import { beginStep, createStageRunner, runStage, timedStage } from '../src/run/stages.js';

const SETS = ['workload.data=false', 'workload.tokens=1', 'placement.layerColumns=5'];

/** Plans of a tiny step, and a runner of its stages. */
async function prepare(sets: string[], layers = 2) {
  const loaded = loadConfig('configs/tiny.yaml', [...SETS, ...sets]);
  const { wafer, workload, placement: options } = loaded;
  const model = { ...loaded.model, layers };
  const placement = placementOf({ ...loaded, model });
  const context = workload.context;
  const maxPositions = context + 1;
  const { regions } = placement;
  const engine = { run: fast };
  const chooser = groupChooser(model, wafer, maxPositions, regions, engine, options.groups);
  const groupsOf = await chooser;
  const step = { context, maxPositions };
  const plan = planToken(model, wafer, placement, groupsOf, step);
  const { stages: plans, places } = plan;
  const runner = createStageRunner({
    wafer,
    memo: true,
    run: async (program, startAt) => fast({ program, wafer, startAt }),
  });
  beginStep(runner, plan);
  const stages = plans.map((plan) => timedStage(runner, plan));
  return { wafer, placement, plans, runner, stages, places: places.length };
}

/**
 * All stages at once on the whole wafer: every core has all its routes, and the operations of its
 * tokens one after the other. The head's core first sends one token per user, at least `spacing` cycles
 * apart, and after its last choice nothing more. Ends with that core.
 */
function monolith(
  tiny: Awaited<ReturnType<typeof prepare>>,
  users: number,
  tokens: number,
  spacing: number,
) {
  const { wafer, placement, plans, stages } = tiny;
  const cores = wafer.width * wafer.height;
  const routes = Array.from({ length: cores }, (): Route[] => []);
  const buffers = Array.from({ length: cores }, (): Role['buffers'] => []);
  const body = Array.from({ length: cores }, (): Operation[] => []);
  const sends = Array.from({ length: cores }, (): Operation[] => []);
  let root = -1;
  plans.forEach((plan, i) => {
    const stage = plan.write();
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
    const first = Array.from({ length: users }, (_, n) => [
      ...(n > 0 ? pause(spacing, wafer.costs.scalar.step) : []),
      ...sends[core],
    ]).flat();
    const rest = turns.slice(users).flatMap(() => [...ops, ...sends[core]]);
    return [...first, ...rest, ...turns.slice(0, users).flatMap(() => ops)];
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

/** Operations that change nothing and take at least so many cycles. */
function pause(cycles: number, perStep: number): Operation[] {
  const nothing = { kind: 'keepIfEqual', label: 0, a: 0, b: 0, at: 0, otherwise: 0 } as const;
  return Array.from({ length: Math.ceil(cycles / perStep) }, () => nothing);
}

describe('stages timed one after the other give what all of them at once give', () => {
  const pipelineOf = (
    { runner, plans, stages, places }: Awaited<ReturnType<typeof prepare>>,
    users: number,
  ) => timePipeline(stages, places, async (i, at) => runStage(runner, plans[i], at), users);

  it.each([
    ['row-major', 6, 1],
    ['snake', 5, 3],
  ])('to the cycle, for one user: %s, %i rows, %i tokens', async (strategy, rows, tokens) => {
    const tiny = await prepare([`placement.strategy=${strategy}`, `placement.rows=${rows}`]);
    const { timing } = await pipelineOf(tiny, 1);
    expect(monolith(tiny, 1, tokens, 0).cycles).toBe(tokens * timing.cycles);
  });

  it.each([
    ['row-major', 6],
    ['snake', 4],
  ])(
    'to the cycle, for as many users as fit into one token: %s, %i rows',
    async (strategy, rows) => {
      const tiny = await prepare([`placement.strategy=${strategy}`, `placement.rows=${rows}`], 5);
      const { timing, inFlight } = await pipelineOf(tiny, 9);
      expect(inFlight).toBeGreaterThan(1);
      const alone = (await pipelineOf(tiny, 1)).timing.cycles;
      const spacing = Math.floor(alone / inFlight);
      const after = (tokens: number) => monolith(tiny, inFlight, tokens, spacing).cycles;
      expect(after(3 * inFlight) - after(2 * inFlight)).toBe(alone);
      expect(timing.cycles).toBeGreaterThan(alone);
    },
  );

  it('with more users: the total never falls, and nobody gets faster', async () => {
    const tiny = await prepare(['placement.rows=6']);
    const cycles: number[] = [];
    for (const users of [1, 2, 3, 4, 8, 20])
      cycles.push((await pipelineOf(tiny, users)).timing.cycles / users);
    expect(cycles).toEqual([...cycles].sort((a, b) => b - a));
    expect(cycles[0] / cycles[5]).toBeGreaterThan(1.5);
  });
});
