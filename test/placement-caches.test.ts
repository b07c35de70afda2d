/**
 * KV caches of several users: each one's positions are dealt to the rows from row 0 on, so that row
 * holds users x ceil(positions / rows). What is budgeted is what the lowered cores keep, to the byte.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { deploymentOf, usersHeld } from '../src/studies/steps/step-times.js';
import type { Engine } from '../src/engine/engine.js';
import { reference } from '../src/engine/reference/reference.js';
import { planToken } from '../src/lowering/token.js';
import { lowerWaferllmLayer } from '../src/lowering/waferllm.js';
import { waferllmOptions } from '../src/mapping/waferllm-shape.js';
import type { ModelSpec } from '../src/model/model.js';
import { regionBytes } from '../src/placement/budget.js';
import { CapacityError, type Placement } from '../src/placement/placement.js';
import { place } from '../src/placement/place.js';
import { sramBytesOf } from '../src/program/program.js';
import { placementOf } from '../src/decode/place.js';
import { simulateSteps } from '../src/decode/simulate.js';
import { asking, kept, llama8b, models, tiny, wse3, LAYER } from './placement-helpers.js';
import { cases, count, FULL } from './helpers/full.js';
import { runnerOf } from './helpers/runner.js';
import { resized } from './helpers/small-model.js';
import { simulateTimes } from './helpers/times.js';

/** By region: bytes of the fullest of its cores as lowered, in all stages that visit it. */
function loweredBytes(
  model: ModelSpec,
  placement: Placement,
  maxPositions: number,
  { users, inFlight }: { users: number; inFlight: number },
) {
  const groups = { column: 1, row: 1, head: 1 };
  const index = (maxPositions + users) % inFlight;
  const step = {
    context: maxPositions - 1,
    maxPositions,
    users,
    inFlight: { index, of: inFlight },
  };
  const { stages, places } = planToken(
    { model, wafer: wse3(), placement, groupsOf: () => groups },
    step,
  );
  const most = placement.regions.map(() => [] as number[]);
  for (const stage of stages) {
    const { width, height, region } = places[stage.to];
    if (region === undefined) continue;
    const { program, origin } = stage.write();
    const cores = Array.from(
      { length: width * height },
      (_, i) => origin + Math.floor(i / width) * program.width + (i % width),
    );
    const bytes = cores.map((core) => sramBytesOf(program.roles[program.roleOf[core]]));
    most[stage.to].push(Math.max(...bytes));
  }
  return most;
}

describe('the budget of a region', () => {
  it('is what the fullest of its lowered cores keeps, for any model, type, bits and batch', () => {
    const kinds = new Set<string>();
    const shape = { rows: fc.integer({ min: 1, max: 9 }), columns: fc.integer({ min: 1, max: 9 }) };
    const caches = {
      positions: fc.integer({ min: 1, max: 90 }),
      batch: fc.integer({ min: 1, max: 11 }),
      inFlight: fc.integer({ min: 1, max: 4 }),
    };
    fc.assert(
      fc.property(models, fc.record({ ...shape, ...caches }), (wide, { rows, columns, ...of }) => {
        // Few layers, so that there are colours for all hand-offs.
        const model = resized(wide, { layers: Math.min(2, wide.layers.length) });
        const core = { ...wse3().core, sramBytes: 1e9 };
        const sizes = { rows, layerColumns: columns, growth: 'minimal' as const };
        const { positions: maxPositions, batch, inFlight } = of;
        const request = asking({ ...sizes, maxPositions, batch, inFlight });
        const placement = place(model, wse3({ core }), request);
        const lowered = loweredBytes(model, placement, maxPositions, { users: batch, inFlight });
        placement.regions.forEach(({ kind, sramBytesPerCore }, i) => {
          kinds.add(`${kind} ${model.dtype} ${model.weightBits}`);
          expect(new Set(lowered[i])).toEqual(new Set([sramBytesPerCore]));
        });
      }),
      { seed: 18, numRuns: count(80, 150) },
    );
    // Every kind of region in both types, with 8-bit weights and with those of its type.
    expect(kinds.size).toBe(4 * 4);
  });

  it('is that of a core by hand', () => {
    // 8 rows x 4 columns: 4 dims, 2 columns per KV head, 2 pairs, 2 query heads, 16 inner.
    // Code 19,620. x, two norms, normed, two sums of parts: 6 x 4. QKV (8 + 2 x 4) x 4 and O 8 x 4.
    // Angles 3 x 4 in f32; turn 3 x 2 x 3, turned 2 x 3; qkv 16; the row's maximum 2; that of all, with its sign
    // changed, and total 2 + 2 in f32; attended 8.
    // Gate, up, down 3 x 4 x 16; squares 2 in f32; gate and up 32; activated 16.
    const perUser = (2 * 4 + 2) * 2; // keys and values of 4, scores of 2 heads, for a slot
    const rest =
      19_620 +
      2 * (6 * 4 + 16 * 4 + 32 + 18 + 6 + 16 + 2 + 8 + 3 * 4 * 16 + 32 + 16) +
      4 * (3 * 4 + 4 + 2);
    const bytes = (positions: number, users: number) =>
      regionBytes(LAYER, tiny, wse3(), kept(positions, users), 8, 4);
    expect(bytes(8, 1)).toBe(rest + perUser);
    expect(bytes(9, 1)).toBe(rest + 2 * perUser);
    expect(bytes(1, 5)).toBe(rest + 5 * perUser);
    expect(bytes(9, 5)).toBe(rest + 10 * perUser);
    // Embedding 4 x 24, x, the token in f32; head also norm, normed, square, 24 logits, 3 choices.
    const table = (kind: 'embedding' | 'head') =>
      regionBytes({ kind }, tiny, wse3(), kept(9, 5), 8, 4);
    expect(table('embedding')).toBe(13_120 + 1000 + 2 * (4 * 24 + 4) + 4);
    expect(table('head')).toBe(13_120 + 1500 + 2 * (4 * 24 + 3 * 4 + 24) + 4 * (1 + 1 + 3));
  });

  it.each([
    ['f16', 40],
    ['f32', 41],
    ['f16', 1],
  ] as const)(
    'of the published kernel is what it keeps, in %s with %i positions',
    (dtype, positions) => {
      const model = { ...tiny, dtype, weightBits: dtype === 'f16' ? 16 : 32 } as const;
      const rest = { context: positions, maxPositions: positions, P: 5, groups: 1, exact: false };
      const { roles } = lowerWaferllmLayer(waferllmOptions(model, rest), wse3());
      const found = new Set(roles.map(sramBytesOf));
      const bytes = (users: number) => {
        const asked = { ...kept(positions, users), mapping: 'waferllm' } as const;
        return regionBytes(LAYER, model, wse3(), asked, 5, 5);
      };
      expect(found).toEqual(new Set([bytes(1)]));
      const more = bytes(4) - bytes(1);
      // Keys and values of 7 elements and a score for each of three more users' slots.
      expect(more).toBe(3 * Math.ceil(positions / 5) * 15 * (dtype === 'f16' ? 2 : 4));
    },
  );
});

describe('a placement for many users', () => {
  const holds = (batch: number, maxPositions: number) => {
    const sizes = { rows: 128, layerColumns: 187 };
    try {
      const placed = place(llama8b, wse3(), asking({ ...sizes, maxPositions, batch }));
      return placed.regions[1].sramBytesPerCore;
    } catch (error) {
      expect(error).toBeInstanceOf(CapacityError);
      return undefined;
    }
  };
  const isMost = (users: number, maxPositions: number) => {
    expect(holds(users, maxPositions)).toBeDefined();
    expect(holds(users + 1, maxPositions)).toBeUndefined();
  };

  it('holds as many as the fullest row has room for: with 129 positions half as many as with 128', () => {
    // 303 positions fit on each of 128 rows.
    for (const [users, maxPositions] of cases(
      [
        [303, 128],
        [151, 129],
      ],
      [
        [151, 2 * 128],
        [101, 2 * 128 + 1],
        [303, 1],
      ],
    ))
      isMost(users, maxPositions);
    expect(holds(3, 100)).toBe(holds(1, 3 * 128));
  });

  it('says so where too many are asked for, and the context that would fit', () => {
    const asked = (context: number) =>
      loadConfig('configs/wse3.yaml', [`workload.context=${context}`, 'workload.batch=600']);
    expect(() => placementOf(asked(128))).toThrow(/batch 600.*with a context of at most 105,/);
    // One of these positions is the step's own.
    expect(placementOf(asked(104)).wafers).toBe(1);
    if (FULL) expect(() => placementOf(asked(105))).toThrow(/batch 600/);
  });
});

describe('a deployment', () => {
  const sets = ['placement.rows=8', 'placement.layerColumns=8', 'workload.data=false'];
  const deployment = deploymentOf(loadConfig('configs/tiny.yaml', sets));

  it('gives positions out row by row, and holds whole users only', () => {
    const { kvTokens, kvBlock } = deployment;
    expect(kvBlock).toBe(8);
    expect(kvTokens % 8).toBe(0);
    const slots = kvTokens / 8;
    expect(usersHeld(deployment, 8)).toBe(slots);
    expect(usersHeld(deployment, 1)).toBe(slots);
    expect(usersHeld(deployment, 9)).toBe(Math.floor(slots / 2));
    expect(usersHeld(deployment, kvTokens)).toBe(1);
    expect(usersHeld(deployment, kvTokens + 1)).toBe(0);
  });

  it('holds as many users as a run accepts', () => {
    const users = usersHeld(deployment, 9);
    const running = (batch: number) =>
      placementOf(
        loadConfig('configs/tiny.yaml', [
          ...sets,
          'workload.context=8',
          'workload.tokens=1',
          `workload.batch=${batch}`,
        ]),
      );
    expect(running(users).regions[1].width).toBe(8);
    expect(() => running(users + 1)).toThrow(CapacityError);
  });
});

describe('a step of one of several users', () => {
  const sets = (batch: number) => [
    'workload.tokens=2',
    'placement.rows=5',
    'placement.layerColumns=7',
    `workload.batch=${batch}`,
  ];

  it('reads nothing of the caches of the others, and computes the same', async () => {
    const config = loadConfig('configs/tiny.yaml', sets(3));
    const perUser = Math.ceil((8 + 2) / 5);
    let spoilt = 0;
    const engine: Engine = (input) => {
      const { program, memory } = input;
      memory?.forEach((cells, core) => {
        const { buffers, name } = program.roles[program.roleOf[core]];
        if (name !== 'layer') return;
        for (const { at, length } of buffers.filter((b) => /^(keys|values)$/.test(b.name)))
          for (let i = 0; i < length; i++)
            if (i % (3 * perUser) >= perUser) {
              cells[at + i] = NaN;
              spoilt++;
            }
      });
      return reference(input);
    };
    const options = { engine: 'reference', shards: 1, memo: true } as const;
    const run = await simulateSteps(config, placementOf(config), {
      runner: runnerOf(engine),
      ...options,
      now: () => 0,
      rss: () => 0,
    });
    expect(spoilt).toBeGreaterThan(0);
    expect(run.check).toMatchObject({ choice: true, passed: true });
    const alone = await simulateTimes(loadConfig('configs/tiny.yaml', sets(1)), {
      ...options,
      now: () => 0,
      rss: () => 0,
    });
    expect(run.steps.map(({ token }) => token)).toEqual(alone.steps.map(({ token }) => token));
    expect(run.check!.logitsMaxRelativeError).toBe(alone.check!.logitsMaxRelativeError);
  });
});
