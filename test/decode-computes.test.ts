import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { reference } from '../src/engine/reference/reference.js';
import { CapacityError } from '../src/placement/placement.js';
import type { Operation, Program } from '../src/program/program.js';
import { isFabric } from '../src/program/program.js';
import { ENGINES } from '../src/engine/engines.js';
import { loweredOf } from '../src/decode/lowered.js';
import { placementOf } from '../src/decode/place.js';
import { simulateSteps } from '../src/decode/simulate.js';
import { cases, count } from './helpers/full.js';
import { runnerOf } from './helpers/runner.js';
import { resized } from './helpers/small-model.js';
import { simulateTimes } from './helpers/times.js';

const TINY = 'configs/tiny.yaml';
const host = { shards: 1, now: () => 0, rss: () => 0 };

async function checkOf(sets: string[], path = TINY) {
  const config = loadConfig(path, [
    `workload.tokens=${count(2, 3)}`,
    'placement.growth=minimal',
    ...sets,
  ]);
  const run = await simulateTimes(config, { engine: 'reference', memo: true, ...host });
  expect(run.check).toMatchObject({ choice: true, passed: true });
  return run.check!;
}

/** Sizes that do not divide 48 dimensions, 80 inner units, 96 entries or 6 pairs evenly, and some that do. */
const SHAPES = cases(
  [
    ['placement.rows=7', 'placement.layerColumns=5'],
    ['placement.rows=11', 'placement.layerColumns=2', 'placement.groups=3'],
    ['placement.rows=1', 'placement.layerColumns=7'],
  ],
  [
    ['placement.rows=12', 'placement.layerColumns=1'],
    ['placement.rows=12', 'placement.layerColumns=10'],
    ['placement.rows=5', 'placement.layerColumns=13', 'placement.groups=1'],
  ],
);

/** Where the shape is not what matters. */
const [UNEVEN] = SHAPES;

describe('the simulated wafer computes the logits of the model', () => {
  it.each(SHAPES)('in f32 with %s %s', async (...sets) => {
    const check = await checkOf([...sets.filter(Boolean), 'workload.tokens=2']);
    expect(check.logitsMaxRelativeError).toBeLessThan(1e-4);
    expect(check.logitsMaxRelativeError).toBeGreaterThan(0);
  });

  it.each([
    ['f16 rounded after each operation', ['model.dtype=f16']],
    ['8-bit weights widened on use', ['model.dtype=f16', 'model.weightBits=8']],
  ])('in %s', async (_, sets) => {
    const check = await checkOf([...UNEVEN, ...sets]);
    expect(check.tolerance).toBe(3e-2);
    expect(check.logitsMaxRelativeError).toBeLessThan(3e-2);
  });

  it('with 8-bit weights in f32, to the precision of f32', async () => {
    const check = await checkOf([...UNEVEN, 'model.weightBits=8']);
    expect(check.logitsMaxRelativeError).toBeLessThan(1e-4);
  });

  it.each(cases([['snake']], [['row-major']]))(
    'with query and key norms and a tied table, placed %s',
    async (strategy) => {
      const sets = ['model=models/tiny-qwen3.json', `placement.strategy=${strategy}`];
      const check = await checkOf([...sets, 'placement.rows=7', 'placement.layerColumns=9']);
      expect(check.logitsMaxRelativeError).toBeLessThan(1e-4);
    },
  );

  type Sharing = [number, number, number, [number, number], number, boolean, 'f32' | 'f16'];
  const sharing: Sharing[] = cases<Sharing>(
    [[5, 56, 24, [8, 11], 22, false, 'f32']],
    [
      [4, 24, 24, [12, 11], 64, true, 'f32'],
      [6, 24, 39, [13, 11], 64, true, 'f16'],
    ],
  );
  it.each(sharing)(
    '%i layers on %ix%i cores whose rows share streams, regions of %o, %i dimensions, tied %s, in %s, on both engines',
    async (layers, width, height, [rows, columns], dim, tied, dtype) => {
      const config = loadConfig(TINY, [
        `hardware.width=${width}`,
        `hardware.height=${height}`,
        `placement.rows=${rows}`,
        `placement.layerColumns=${columns}`,
        'placement.growth=minimal',
        'workload.tokens=1',
      ]);
      const sizes =
        dim === 22
          ? { headDim: 6, ffn: 31, vocab: 19 }
          : { heads: 8, kvHeads: 4, headDim: 8, ffn: 172, vocab: 512 };
      const weightBits = dtype === 'f32' ? 32 : 16;
      const model = { ...sizes, layers, dim, tied, dtype, weightBits } as const;
      const of = { ...config, model: resized(config.model, model) };
      const lowered = await loweredOf(of, placementOf(of), 9, { run: ENGINES.fast });
      const { stages } = lowered.plan({ context: 8, maxPositions: 9 });
      const shared = stages.filter(({ source }) => source?.kind === 'rows' && source.shares);
      expect(shared.length).toBeGreaterThan(0);
      const runs = [];
      for (const engine of ['reference', 'fast'] as const) {
        const { check, steps, fabric } = await simulateTimes(of, { engine, memo: true, ...host });
        expect(check).toMatchObject({ choice: true, passed: true });
        expect(check!.logitsMaxRelativeError).toBeLessThan(dtype === 'f32' ? 1e-4 : 3e-2);
        expect(fabric.routeHazards).toBe(0);
        runs.push({ check, steps });
      }
      expect(runs[1]).toEqual(runs[0]);
    },
  );

  it('from an empty cache, and over more steps than rows', async () => {
    const sets = [
      'workload.context=0',
      `workload.tokens=${count(6, 9)}`,
      'placement.rows=4',
      'placement.layerColumns=5',
    ];
    expect((await checkOf(sets)).logitsMaxRelativeError).toBeLessThan(1e-4);
  });

  it.each(cases([1], [4]))('with %i KV heads for 4 query heads', async (kvHeads) => {
    const config = loadConfig(TINY, [
      'placement.rows=5',
      'placement.layerColumns=9',
      'workload.tokens=2',
    ]);
    const model = { ...config.model, kvHeads };
    const run = await simulateTimes(
      { ...config, model },
      { engine: 'reference', memo: true, ...host },
    );
    expect(run.check!.logitsMaxRelativeError).toBeLessThan(1e-4);
  });

  it('on two wafers, with the link between them in every token', async () => {
    const sizes = ['hardware.height=12', 'placement.rows=12', 'placement.layerColumns=16'];
    const small = [...sizes, `workload.tokens=${count(1, 2)}`, 'hardware.clock=1 GHz'];
    const load = (wafers: number) => loadConfig(TINY, [...small, `hardware.wafers=${wafers}`]);
    const run = await simulateTimes(load(2), { engine: 'reference', memo: true, ...host });
    expect(new Set(run.placement.regions.map((r) => r.wafer))).toEqual(new Set([0, 1]));
    expect(run.check!.logitsMaxRelativeError).toBeLessThan(1e-4);
    // 5 us at 1 GHz there and back, and a little for the bits.
    const between = run.decode.breakdown['between wafers'].cycles;
    expect(between).toBeGreaterThan(9_900);
    expect(between).toBeLessThan(10_100);
    expect(() => placementOf(load(1))).toThrow(CapacityError);
  });

  it.each(cases<[string, number]>([['f32', 1e-4]], [['f16', 3e-2]]))(
    'in the waferllm mapping, exact, in %s',
    async (dtype, limit) => {
      const sets = ['mapping=waferllm', 'exact=true', 'placement.rows=7', `model.dtype=${dtype}`];
      expect((await checkOf(sets)).logitsMaxRelativeError).toBeLessThan(limit);
    },
  );
});

/** Runs the first decode step with an engine whose programs of layers are spoilt first. */
async function checkSpoilt(spoil: (program: Program) => void) {
  const config = loadConfig(TINY, [
    'workload.tokens=1',
    'placement.rows=6',
    'placement.layerColumns=5',
  ]);
  const options = { engine: 'reference' as const, memo: true, ...host };
  const runner = runnerOf((input) => {
    const program = structuredClone(input.program);
    if (program.name === 'layer 0') spoil(program);
    return reference({ ...input, program });
  });
  const run = await simulateSteps(config, placementOf(config), { ...options, runner });
  return run.check!.logitsMaxRelativeError;
}

/** The first operation of any role that fits. */
function find(program: Program, fits: (op: Operation) => boolean): Operation {
  return program.roles.flatMap((role) => role.operations).find(fits)!;
}

describe('the check of the logits notices', () => {
  it('nothing when nothing is broken', async () => {
    expect(await checkSpoilt(() => {})).toBeLessThan(1e-4);
  });

  it('an addition that is left out on the path of a reduction', async () => {
    const error = await checkSpoilt((program) => {
      const relay = find(program, (op) => {
        const adds = op.kind === 'vector' && op.fn === 'add' && isFabric(op.a);
        return adds && op.type === 'f32' && op.length > 1;
      });
      Object.assign(relay, { fn: 'move', b: undefined });
    });
    expect(error).toBeGreaterThan(1e-4);
  });

  it('a product with the wrong operand', async () => {
    const error = await checkSpoilt((program) => {
      const product = find(program, (op) => op.kind === 'matvec' && op.form === 'axpy');
      if (product.kind === 'matvec') product.matrix += 1;
    });
    expect(error).toBeGreaterThan(1e-4);
  });

  it('a route that leaves a core out', async () => {
    const broken = checkSpoilt((program) => {
      // The multicast of sums over a column, at its last core: no core receives it any more.
      const last = program.roles[program.roleOf.at(-1)!];
      last.routes.find((route) => route.color === 4)!.outputs = 0;
    });
    await expect(broken).rejects.toMatchObject({ code: 'deadlock' });
  });
});

describe('a decode step', () => {
  const run = (sets: string[], memo = true) =>
    simulateTimes(loadConfig(TINY, ['workload.data=false', ...UNEVEN, ...sets]), {
      engine: 'fast',
      memo,
      ...host,
    });

  it('has a breakdown and per-cause core-cycles that add up exactly', async () => {
    const { decode, placement } = await run([]);
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    const operators = Object.values(decode.breakdown);
    expect(sum(operators.map((o) => o.cycles))).toBe(decode.cyclesPerToken);
    for (const o of operators) expect(o.compute + o.communication).toBe(o.cycles);
    const causes = sum(Object.values(decode.coreCycles));
    expect(causes).toBe(placement.coresUsed * decode.cyclesPerToken);
    expect(Math.min(...Object.values(decode.coreCycles))).toBeGreaterThanOrEqual(0);
  });

  it('takes as long with data as without, on either engine', async () => {
    const few = [`workload.tokens=${count(2, 3)}`];
    const timed = await run(few);
    for (const engine of Object.keys(ENGINES) as (keyof typeof ENGINES)[]) {
      const computed = await simulateTimes(loadConfig(TINY, [...UNEVEN, ...few]), {
        engine,
        memo: true,
        ...host,
      });
      expect(computed.steps.map((s) => s.cycles)).toEqual(timed.steps.map((s) => s.cycles));
      expect(computed.decode).toEqual(timed.decode);
    }
  });

  it('is the same to the byte when repeated, and without reuse of equal regions', async () => {
    const { reuse, ...first } = await run([]);
    const { reuse: _again, ...second } = await run([]);
    const { reuse: none, ...whole } = await run([], false);
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
    expect(JSON.stringify(whole)).toBe(JSON.stringify(first));
    expect(reuse.simulated.length + reuse.reused.length).toBe(4);
    expect(none.reused).toEqual([]);
  });

  it.each([['hardware.fabric.hopCycles=3'], ['workload.context=200']])(
    'is slower with %s',
    async (set) => {
      const base = (await run([])).decode.cyclesPerToken;
      expect((await run([set])).decode.cyclesPerToken).toBeGreaterThan(base);
    },
  );

  it('simulates equal layers once and says so', async () => {
    // Layers side by side on one shelf: the second one's input arrives as the first one's did not,
    // every later one's as the second one's.
    const config = loadConfig(TINY, ['workload.data=false', 'workload.tokens=1']);
    const model = resized(config.model, { layers: 5 });
    const placement = { ...config.placement, rows: 6, layerColumns: 4 };
    const wide = { ...config, model, placement };
    const { reuse, decode } = await simulateTimes(wide, { engine: 'fast', memo: true, ...host });
    expect(reuse.reused.length).toBeGreaterThan(0);
    for (const { region, as } of reuse.reused) expect(region).not.toBe(as);
    const whole = await simulateTimes(wide, { engine: 'fast', memo: false, ...host });
    expect(whole.decode).toEqual(decode);
    expect(whole.fabric).toEqual(
      (await simulateTimes(wide, { engine: 'reference', memo: true, ...host })).fabric,
    );
  });
});
