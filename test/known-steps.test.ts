/** Programs that are written once for machines that differ in numbers are those that each would have had. */
import { describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import type { KnownSteps } from '../src/decode/known-steps.js';
import { loweredOf } from '../src/decode/lowered.js';
import { placementOf } from '../src/decode/place.js';
import { createRunner } from '../src/decode/runner.js';
import { agrees, chosenBy, watched } from '../src/hardware/watched.js';
import type { CostTable } from '../src/hardware/wafer.js';
import type { Program } from '../src/program/program.js';
import { uncertainNumbers } from '../src/studies/sensitivity/sensitivity.js';
import { checkpointNames } from './helpers/checkpoints.js';
import { checkpointOn } from './helpers/checkpoint-runs.js';
import { FULL } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';

const { wafer } = loadConfig('configs/tiny.yaml');

const textOf = ({ roleOf, ...program }: Program) => JSON.stringify([program, roleOf.join()]);

/** A wafer with these costs. */
const costing = (costs: Partial<CostTable>) => ({ ...wafer, costs: { ...wafer.costs, ...costs } });

describe('what is read of a wafer', () => {
  it('has to be the same of another one, and nothing else', () => {
    const { wafer: seen, readings } = watched(wafer);
    expect(seen.fabric.hopCycles + seen.costs.setup.f16).toBeGreaterThan(0);
    expect(agrees(readings, { ...wafer, clockHz: 1 })).toBe(true);
    expect(agrees(readings, costing({ setup: { ...wafer.costs.setup, f32: 99 } }))).toBe(true);
    expect(agrees(readings, costing({ setup: { ...wafer.costs.setup, f16: 99 } }))).toBe(false);
    expect(agrees(readings, { ...wafer, fabric: { ...wafer.fabric, hopCycles: 9 } })).toBe(false);
  });

  it('may be what is not there, what there is, or how much of it', () => {
    const { defects: _, ...whole } = wafer;
    const dead = { repair: 'avoid', rate: 0, seed: 1, spareColumns: 0 } as const;
    const looked = watched(whole);
    expect(looked.wafer.defects).toBeUndefined();
    expect(agrees(looked.readings, { ...whole, defects: dead })).toBe(false);
    const asked = watched(whole);
    expect('defects' in asked.wafer).toBe(false);
    expect(agrees(asked.readings, { ...whole, defects: dead })).toBe(false);
    const spread = watched({ ...whole, defects: dead });
    expect({ ...spread.wafer.defects }).toEqual(dead);
    const more = { ...dead, cores: '1,1' };
    expect(agrees(spread.readings, { ...whole, defects: more })).toBe(false);
    expect(agrees(spread.readings, whole)).toBe(false);
  });

  it('of a choice is its outcome', () => {
    const { wafer: seen, readings } = watched(wafer);
    const choose = ({ task, libraryCall }: CostTable) => (task < libraryCall ? 'task' : 'call');
    const { task, libraryCall } = wafer.costs;
    expect(chosenBy(seen.costs, () => 'which', choose)).toBe(choose(wafer.costs));
    expect(agrees(readings, costing({ task: task / 2, libraryCall: libraryCall / 2 }))).toBe(true);
    expect(agrees(readings, costing({ task: libraryCall, libraryCall: task }))).toBe(false);
  });
});

describe('programs of a machine of which lowering reads the same', () => {
  const families: [string, () => ResolvedConfig][] = [
    ['the tiny model', () => loadConfig('configs/tiny.yaml')],
    ...(FULL ? checkpointNames() : [])
      .filter((name) => /deepseek_v3$|qwen3_5$/.test(name))
      .map((name): [string, () => ResolvedConfig] => [name, () => checkpointOn(name, {}).config]),
  ];
  // Some beyond their ranges: which form of a product or of a function is cheaper turns.
  const few = [
    ...['costs.scalar.silu=900', 'costs.scalar.step=20', 'fabric.queueDepth=2'],
    ...(FULL ? ['costs.matvec.row.f32=90', 'costs.elementsPerCycle.dot.f32=9'] : []),
  ];
  const all = uncertainNumbers(loadConfig('configs/tiny.yaml').provenance);

  it.each(families)('are its own: %s', async (family, configOf) => {
    const base = configOf();
    const placement = placementOf(base);
    const runner = createRunner(OPTIONS);
    const context = 8;
    const maxPositions = context + 1;
    const steps: KnownSteps = [];
    const planOn = async (config: ResolvedConfig, known?: KnownSteps) => {
      const groupsOf = () => ({ column: 2, row: 2, head: 1 });
      const shared = { groupsOf, ...(known && { steps: known }) };
      const lowered = await loweredOf(config, placement, maxPositions, runner, shared);
      return lowered.plan({ context, maxPositions }).stages;
    };
    const own = (await planOn(base, steps)).map((stage) => stage.write().program);
    let same = 0;
    let other = 0;
    const more = FULL && family === 'the tiny model' ? all.filter((_, i) => i % 2 === 0) : [];
    for (const set of [...few, ...more.map(([name, [, high]]) => `${name}=${high}`)]) {
      const { wafer: changed } = loadConfig('configs/tiny.yaml', [`hardware.${set}`]);
      const config = {
        ...base,
        wafer: { ...base.wafer, fabric: changed.fabric, costs: changed.costs },
      };
      const [stages, fresh] = [await planOn(config, steps), await planOn(config)];
      // Equal stages have one program, that of the first.
      const firsts = [...stages.keys()].filter(
        (i) => stages.findIndex(({ key }) => key === stages[i].key) === i,
      );
      for (const i of firsts) {
        const { program } = stages[i].write();
        if (program === own[i]) same++;
        else other++;
        expect(textOf(program) === textOf(fresh[i].write().program), set).toBe(true);
      }
    }
    expect(same).toBeGreaterThan(0);
    expect(other).toBeGreaterThan(0);
  });
});
