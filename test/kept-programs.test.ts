/** Which programs a step takes over from the one before. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { loweredOf } from '../src/decode/lowered.js';
import { placementOf } from '../src/decode/place.js';
import { createRunner } from '../src/decode/runner.js';
import { beginStep, createStageRunner, runOn, write } from '../src/decode/stages.js';
import type { StageRunner } from '../src/decode/stages.js';
import type { StepPlan } from '../src/lowering/lowering.js';
import type { Program } from '../src/program/program.js';

describe('a step after another one', () => {
  let plans: StepPlan[];
  let runner: StageRunner;
  const textOf = ({ roleOf, ...program }: Program) => JSON.stringify([program, roleOf.join()]);
  const programsOf = (plan: StepPlan) => {
    beginStep(runner, plan);
    return plan.stages.map((stage) => write(runner, stage).program);
  };

  beforeAll(async () => {
    const config = loadConfig('configs/tiny.yaml');
    const { wafer } = config;
    const programs = createRunner({ engine: 'fast', shards: 1, now: () => 0 });
    const lowered = await loweredOf(config, placementOf(config), 64, programs);
    runner = createStageRunner({ wafer, memo: true, run: runOn(programs, wafer) });
    plans = [9, 10].map((context) => lowered.plan({ context, maxPositions: 64 }));
  });

  it('has the programs that do not hang on the position from that one, and writes the others', () => {
    const [first, second] = plans.map(programsOf);
    const kept = plans[1].stages.filter((_, i) => second[i] === first[i]);
    expect(kept.map(({ name }) => name)).toEqual(['embedding', 'head']);
    const anew = plans[1].stages.map((stage) => textOf(stage.write().program));
    // A stage has the name of the first one that its program was written for.
    expect(new Set(second.map(textOf))).toEqual(
      new Set(
        plans[1].stages.map(({ key }) => anew[plans[1].stages.findIndex((s) => s.key === key)]),
      ),
    );
  });

  it('takes none with other colours', () => {
    const [first] = programsOf(plans[0]);
    const [stage, ...others] = plans[1].stages;
    const colors = stage.colors.map((color) => color + 1);
    const [written] = programsOf({ ...plans[1], stages: [{ ...stage, colors }, ...others] });
    expect(written).not.toBe(first);
  });
});
