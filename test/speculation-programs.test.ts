/** Programs of tokens in flight: what they keep, what they take longer, and both engines on each. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { layerCode } from '../src/lowering/region.js';
import { planToken } from '../src/lowering/token.js';
import { regionBytes } from '../src/placement/budget.js';
import { place } from '../src/placement/place.js';
import { requestOf } from '../src/decode/place.js';
import { sramBytesOf } from '../src/program/program.js';
import type { StagePlan } from '../src/lowering/lowering.js';
import { KINDS, modelOf } from './helpers/all-kinds.js';
import { cases, count } from './helpers/full.js';
import { differenceFrom } from './helpers/contract.js';

const config = loadConfig('configs/tiny.yaml', [
  ...['hardware.width=200', 'hardware.height=60', 'hardware.core.sram=1 MiB'],
  ...['placement.rows=3', 'placement.layerColumns=7', 'placement.growth=minimal'],
]);
const { wafer } = config;
const GROUPS = { column: 1, row: 1, head: 1 };
const model = modelOf(Object.values(KINDS));
const placement = place(model, wafer, { ...requestOf({ ...config, model }), inFlight: 3 });

/** The stages of a token in its round, after so many positions. */
function stagesOf(context: number, inFlight?: { index: number; of: number }): StagePlan[] {
  const of = { model, wafer, placement, groupsOf: () => GROUPS };
  return planToken(of, { context, maxPositions: 20, ...(inFlight && { inFlight }) }).stages;
}

const labelled = (stage: StagePlan, label: string) => {
  const { program } = stage.write();
  const number = program.labels.indexOf(label);
  return program.roles.flatMap(({ operations }) => operations.filter((op) => op.label === number));
};

describe('a token in flight', () => {
  it('is timed alike by both engines, whatever its place in the round', () => {
    for (const index of cases([0, 2], [1]))
      for (const stage of stagesOf(8 + index, { index, of: 3 })) {
        const { program } = stage.write();
        expect(differenceFrom({ program, wafer }, ['fast', fast])).toBe('');
      }
  });

  it('is a plain one if it is alone in its round', () => {
    const keys = (stages: StagePlan[]) => stages.map(({ key }) => key);
    expect(keys(stagesOf(8, { index: 0, of: 1 }))).toEqual(keys(stagesOf(8)));
    expect(keys(stagesOf(8, { index: 0, of: 2 }))).not.toEqual(keys(stagesOf(8)));
  });

  it.each(Object.keys(KINDS))('keeps what the budget of its region counts: %s', (name) => {
    const one = modelOf([KINDS[name]]);
    for (const kind of cases(['layer'] as const, ['attention', 'mlp'] as const))
      for (const of of [2, count(4, 5)]) {
        const [width, height, maxPositions] = [7, 3, 20];
        const region = { kind, layerKind: 0, width, height };
        const step = { context: 9, maxPositions, inFlight: { index: 1, of } };
        const code = layerCode(one, wafer, region, GROUPS, step);
        const cores = Array.from({ length: width * height }, (_, i) =>
          sramBytesOf({
            ...code.write(Math.floor(i / width), i % width),
            ...{ operations: [], routes: [] },
          }),
        );
        const asked = { mapping: 'gqa', maxPositions, batch: 1, inFlight: of } as const;
        const bytes = regionBytes({ kind, layerKind: 0 }, one, wafer, asked, height, width);
        expect(Math.max(...cores)).toBe(bytes);
      }
  });

  it('goes back to the last accepted one only if it is the first of its round', () => {
    const counts = [0, 1, 2].map((index) =>
      stagesOf(8, { index, of: 3 }).map((stage) => labelled(stage, 'rollback').length > 0),
    );
    // Layers that turn nothing and keep no state have nothing to go back to; all here do.
    expect(counts[0]).toEqual(counts[0].map((_, i) => i < counts[0].length - 1));
    expect(counts.slice(1).flat()).toEqual(
      counts
        .slice(1)
        .flat()
        .map(() => false),
    );
  });

  it('is compared after the last of its round, by as many steps as are drafted', () => {
    for (const of of [2, 5]) {
      const heads = Array.from({ length: of }, (_, index) => stagesOf(8, { index, of }).at(-1)!);
      const steps = heads.map((head) => labelled(head, 'verify').map(({ kind }) => kind));
      const compares = steps.map((kinds) => kinds.filter((kind) => kind === 'keepIfEqual').length);
      expect(compares).toEqual(heads.map((_, index) => (index === of - 1 ? of - 1 : 0)));
    }
    const lastOf = (of: number) => stagesOf(8, { index: of - 1, of }).at(-1)!;
    const cycles = (of: number) => reference({ program: lastOf(of).write().program, wafer }).cycles;
    expect(cycles(5) - cycles(2)).toBe(3 * wafer.costs.scalar.step);
  });
});
