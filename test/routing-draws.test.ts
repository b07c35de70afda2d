/** Drawn choices of experts: who is drawn how often, which experts lie where, and what steps take with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { loweredOf } from '../src/decode/lowered.js';
import { placementOf } from '../src/decode/place.js';
import { createRunner } from '../src/decode/runner.js';
import { timePipeline } from '../src/decode/pipeline.js';
import { stepTimer, wholeStep } from '../src/decode/routing-spread.js';
import { beginStep, createStageRunner, runOn, runStage } from '../src/decode/stages.js';
import { timedStages, type StageRunner } from '../src/decode/stages.js';
import { timeDecodeStep } from '../src/decode/time-step.js';
import {
  balancedLoads,
  expertsShape,
  meanLargestLoad,
  slotsFor,
  stripOf,
} from '../src/mapping/experts.js';
import type { RunResult, Starts } from '../src/engine/engine.js';
import type { ModelSpec } from '../src/model/model.js';
import { drawExperts, drawRouting, popularity } from '../src/model/routing-draws.js';
import { seededRandom } from '../src/numeric/random.js';
import { expertOrder } from '../src/placement/expert-order.js';
import { simulate } from '../src/studies/run/run.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { expertLayer, expertsWith } from './helpers/expert-models.js';
import { OPTIONS } from './helpers/options.js';
import { simulateTimes } from './helpers/times.js';

const shares = (choices: readonly (readonly number[])[], count: number) => {
  const found = Array.from({ length: count }, () => 0);
  for (const choice of choices) for (const expert of choice) found[expert]++;
  return found.map((times) => (times * count) / choices.flat().length);
};

describe('drawn experts', () => {
  it('are different, of those that there are, and in the groups that are kept', () => {
    fc.assert(
      fc.property(
        ...[fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }), fc.nat(), fc.nat()],
        (groups, size, pick, seed) => {
          const keep = 1 + (pick % groups);
          const topK = 1 + (pick % (keep * size));
          const router = { ...expertsWith().router, groups: { count: groups, keep } };
          const weights = popularity(groups * size, 3);
          const chosen = drawExperts({ topK, router }, weights, seededRandom(seed));
          expect(new Set(chosen).size).toBe(topK);
          for (const expert of chosen) expect(weights[expert]).toBeDefined();
          const open = new Set(chosen.map((expert) => Math.floor(expert / size)));
          expect(open.size).toBeLessThanOrEqual(keep);
        },
      ),
    );
  });

  it('are as many of each where all are alike, and more of the popular by their weight', () => {
    const random = seededRandom('shares');
    const spec = { topK: 1, router: expertsWith().router };
    const of = (weights: number[]) =>
      shares(
        Array.from({ length: 20_000 }, () => drawExperts(spec, weights, random)),
        8,
      );
    for (const share of of(popularity(8, 1))) expect(Math.abs(share - 1)).toBeLessThan(0.07);
    const skewed = of(popularity(8, 3));
    expect(skewed[0]).toBeGreaterThan(2.8);
    expect(skewed[0]).toBeLessThan(3.2);
    expect(skewed).toEqual(skewed.toSorted((a, b) => b - a));
  });

  it('have the popularity that is asked for', () => {
    for (const [count, ratio] of [
      [8, 4],
      [128, 4],
      [384, 16],
      [4, 2],
    ]) {
      const weights = popularity(count, ratio);
      const mean = weights.reduce((sum, weight) => sum + weight, 0) / count;
      expect(weights[0] / mean).toBeCloseTo(ratio, 6);
      expect(weights).toEqual(weights.toSorted((a, b) => b - a));
    }
    expect(popularity(3, 1)).toEqual([1, 1, 1]);
  });

  const model = modelOf([expertLayer({ count: 16, topK: 4 }), layerWith(), expertLayer()]);
  const draw = (seed: number, kind: 'uniform' | 'skewed' = 'uniform', ratio = 4) =>
    drawRouting(model, { kind, ratio }, { seed, count: 40, learns: true });

  it('differ from token to token, layer to layer and seed to seed, and come again with a seed', () => {
    const { tokens, history } = draw(1);
    expect(draw(1).tokens).toEqual(tokens);
    expect(draw(2).tokens).not.toEqual(tokens);
    expect(new Set(tokens.map(String)).size).toBe(40);
    expect(tokens[0][0]).not.toEqual(tokens[0][2]);
    expect(tokens[0][1]).toBeUndefined();
    const known = new Set(tokens.map((token) => String(token[0])));
    const again = history().filter((token) => known.has(String(token[0]))).length;
    // Of 43,680 choices, 40 are known.
    expect(again).toBeLessThan(12);
  });

  it('are popular in history and in a run alike, and others in another layer', () => {
    const { tokens, history } = drawRouting(
      modelOf([expertLayer({ count: 16, topK: 2 }), expertLayer({ count: 16, topK: 2, inner: 7 })]),
      { kind: 'skewed', ratio: 8 },
      { seed: 3, count: 600, learns: true },
    );
    const most = (of: typeof tokens, layer: number) => {
      const found = shares(
        of.map((token) => token[layer]!),
        16,
      );
      return found.indexOf(Math.max(...found));
    };
    expect(most(tokens, 0)).toBe(most(history(), 0));
    expect(most(tokens, 0)).not.toBe(most(tokens, 1));
  });

  it('of a trace are its tokens, none twice and none that orders were learned from', () => {
    const all = Array.from({ length: 9 }, (_, i) => [[i], undefined, [i]]);
    const of = (count: number, learns: boolean) =>
      drawRouting(model, { kind: 'trace', tokens: all }, { seed: 1, count, learns });
    expect(new Set(of(9, false).tokens)).toEqual(new Set(all));
    expect(of(9, false).tokens).not.toEqual(all);
    expect(of(4, false).tokens).toHaveLength(4);
    expect(of(9, true).history()).toEqual(all.slice(0, 4));
    expect(new Set(of(9, true).tokens)).toEqual(new Set(all.slice(4)));
  });
});

describe('strips', () => {
  it('have the columns side by side, and those that are left over have none', () => {
    const shape = expertsShape(expertsWith({ count: 12 }), 3, 11, 4);
    expect(shape).toMatchObject({ strips: 4, stripColumns: 2, held: 3 });
    const strips = Array.from({ length: 11 }, (_, x) => stripOf(shape, x));
    expect(strips.map(({ strip }) => strip)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, -1, -1, -1]);
    expect(strips.map(({ column }) => column).slice(0, 4)).toEqual([0, 1, 0, 1]);
  });

  it('share slots out in turn, and as evenly as can be', () => {
    expect(slotsFor([2, 0, 3])).toEqual([[0, 1], [], [2, 3, 4]]);
    expect(balancedLoads(expertsWith({ topK: 8 }), 4)).toEqual([2, 2, 2, 2]);
    for (const [topK, strips] of [
      [3, 4],
      [8, 3],
      [1, 8],
    ]) {
      const loads = balancedLoads(expertsWith({ count: 24, topK }), strips);
      expect(loads.reduce((a, b) => a + b)).toBe(topK);
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
    }
  });

  it('have a largest load that is estimated as the mean of all choices', () => {
    const loadOf = (count: number, topK: number, strips: number) =>
      meanLargestLoad(expertsWith({ count, topK }), strips);
    expect(loadOf(12, 4, 1)).toBe(4);
    expect(loadOf(12, 12, 3)).toBeCloseTo(4, 12);
    // Of 6 pairs of 4 experts 2 lie in one strip.
    expect(loadOf(4, 2, 2)).toBeCloseTo(4 / 3, 12);
    const random = seededRandom('loads');
    const spec = { topK: 8, router: expertsWith().router };
    const drawn = Array.from({ length: 4000 }, () => {
      const loads = [0, 0, 0, 0];
      for (const expert of drawExperts(spec, popularity(128, 1), random)) loads[expert % 4]++;
      return Math.max(...loads);
    });
    const mean = drawn.reduce((a, b) => a + b) / drawn.length;
    expect(Math.abs(loadOf(128, 8, 4) - mean)).toBeLessThan(0.05);
  });
});

describe('the order of experts', () => {
  const orders = ['contiguous', 'in-turn', 'popular', 'apart'] as const;
  const history = [
    [0, 1],
    [0, 1],
    [0, 2],
    [5, 2],
  ];

  it('holds each of them once, as many in every strip', () => {
    for (const order of orders)
      for (const strips of [1, 2, 3, 6]) {
        const found = expertOrder(order, 6, strips, history);
        expect(found.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
      }
  });

  it('is by number, dealt in turn, or dealt by popularity forth and back', () => {
    expect(expertOrder('contiguous', 6, 3)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(expertOrder('in-turn', 6, 3)).toEqual([0, 3, 1, 4, 2, 5]);
    expect(expertOrder('in-turn', 6, 2)).toEqual([0, 2, 4, 1, 3, 5]);
    // 0 three times, 1 and 2 twice, 5 once.
    expect(expertOrder('popular', 6, 3, history)).toEqual([0, 4, 1, 3, 2, 5]);
  });

  it('keeps those apart that are chosen together', () => {
    const [first, second] = [0, 3].map(
      (from) => new Set(expertOrder('apart', 6, 2, history).slice(from, from + 3)),
    );
    expect(first.has(0)).not.toBe(first.has(1));
    expect(second.has(0)).toBe(first.has(2));
    expect(first.has(2)).not.toBe(first.has(5));
  });
});

const SETS = ['workload.data=false', 'placement.rows=5', 'placement.layerColumns=10'];
function configOf(model: ModelSpec, sets: string[] = []): ResolvedConfig {
  const all = ['hardware.width=200', ...SETS, 'placement.experts=strips', ...sets];
  return { ...loadConfig('configs/tiny.yaml', all), model };
}
const six = modelOf([
  expertLayer({ count: 12, topK: 6, inner: 29 }),
  layerWith(),
  expertLayer({ count: 12, topK: 6, inner: 29, shared: { inner: 6, gate: false } }),
]);
/** Layers of one kind, of which one token's loads may be those of another token in another layer. */
const alike = modelOf([0, 1, 2].map(() => expertLayer({ count: 12, topK: 6, inner: 29 })));
const skewable = modelOf([
  expertLayer({ count: 12, topK: 4, inner: 29 }),
  layerWith(),
  expertLayer({ count: 12, topK: 4, inner: 29, shared: { inner: 6, gate: false } }),
]);

/** A configuration lowered, its steps, and what they take if each stage is simulated, its results spoilt if that is asked for. */
async function loweredFrom(config: ResolvedConfig, spoilt = (result: RunResult) => result) {
  const programs = createRunner({ engine: 'fast', shards: 1, now: () => 0 });
  const { wafer } = config;
  const lowered = await loweredOf(config, placementOf(config), 9, programs);
  const plain = runOn(programs, wafer);
  const run: StageRunner['run'] = async (...of) => spoilt(await plain(...of));
  const runner = createStageRunner({ wafer, memo: true, shared: undefined, run });
  const plan = (slots: ReturnType<NonNullable<typeof lowered.routing>['balanced']>) =>
    lowered.plan({ context: 8, maxPositions: 9, users: 1, slots });
  const whole = (slots: Parameters<typeof plan>[0]) => wholeStep(plan(slots), runner, programs);
  return { lowered, plan, whole, runner, programs };
}

describe('a run that is only timed', () => {
  it('takes for each drawn token what its own stages take', async () => {
    for (const [layers, model] of [
      ['whole', six],
      ['split', alike],
    ] as const) {
      const sets = ['placement.strips=3', `placement.layers=${layers}`, 'workload.tokens=1'];
      const config = configOf(model, [
        ...sets,
        'workload.routingDraws=6',
        'workload.seed=2',
        'hardware.width=30',
      ]);
      const { decode } = await simulateTimes(config, OPTIONS);
      const { routing } = decode;
      const { whole, lowered } = await loweredFrom(config);
      const cycles: number[] = [];
      for (let token = 0; token < 6; token++)
        cycles.push(await whole(lowered.routing!.slotsOfStep(token)));
      expect(new Set(cycles).size).toBeGreaterThan(1);
      expect(decode.cyclesPerToken).toBe(cycles[0]);
      expect(routing!.cyclesPerToken).toEqual({
        mean: cycles.reduce((a, b) => a + b) / 6,
        least: Math.min(...cycles),
        most: Math.max(...cycles),
      });
      const balanced = await whole(lowered.routing!.balanced());
      expect(routing!.balancedCycles).toBe(balanced);
      expect(routing!.imbalanceCycles).toBe(routing!.cyclesPerToken!.mean - balanced);
      expect(balanced).toBeLessThanOrEqual(Math.min(...cycles));
    }
  }, 60_000);

  it('takes what its stages take also where these delay what the next ones receive unevenly', async () => {
    const config = configOf(alike, ['placement.strips=3', 'placement.layers=split']);
    // In place of a program that does so: one of its rows sends later, by what depends on the choice.
    const spoilt = ({ end, ...rest }: RunResult): RunResult => {
      const late = rest.cycles % 7;
      return { ...rest, end: end.map((cycle, core) => (core % 3 === 1 ? cycle + late : cycle)) };
    };
    const { lowered, plan, whole, runner, programs } = await loweredFrom(config, spoilt);
    const routing = lowered.routing!;
    const begun = plan(routing.slotsOfStep(0));
    beginStep(runner, begun);
    const stages = await timedStages(runner, begun, programs);
    const runOfBase = (i: number, startAt: Starts) => runStage(runner, begun.stages[i], startAt);
    const { turns } = await timePipeline(stages, begun.places.length, runOfBase, 1);
    const { cyclesOf, simulated } = stepTimer({ plan: begun, stages, turns }, runner, programs);
    for (const token of [1, 2, 3]) {
      const slots = routing.slotsOfStep(token);
      expect(await cyclesOf(plan(slots))).toBe(await whole(slots));
    }
    // More than the three MLPs of three tokens, and fewer than all stages.
    expect(simulated()).toBeGreaterThan(9);
    expect(simulated()).toBeLessThan(3 * stages.length);
  });

  it('has the same numbers with and without reuse, and another token in each step', async () => {
    const config = configOf(skewable, ['placement.strips=3', 'workload.tokens=3']);
    const [one, other] = [
      await simulate(config, OPTIONS),
      await simulate(config, { ...OPTIONS, memo: false }),
    ];
    expect(other.decode).toEqual(one.decode);
    expect(other.steps).toEqual(one.steps);
    expect(new Set(one.steps.map(({ cycles }) => cycles)).size).toBeGreaterThan(1);
    const { tokensPerSecondPerUser: rates, cyclesPerToken: cycles } = one.decode.routing!;
    const { clockHz } = config.wafer;
    expect(rates).toEqual({
      mean: clockHz / cycles!.mean,
      least: clockHz / cycles!.most,
      most: clockHz / cycles!.least,
    });
  });

  it('is what serving takes a step for: the first drawn token', async () => {
    const sets = ['placement.strips=3', 'workload.tokens=1', 'workload.routingDraws=2'];
    const config = configOf(skewable, sets);
    const { decode } = await simulateTimes(config, OPTIONS);
    const runner = createRunner({ engine: 'fast', shards: 1, now: () => 0 });
    const how = { runner, memo: true };
    const placement = placementOf(config);
    const { alone } = await timeDecodeStep(config, placement, 8, new Map(), how);
    expect(alone).toBe(decode.cyclesPerToken);
  });

  it('is slower with more experts in a strip, and no choice changes a sliced one', async () => {
    const trace = (experts: number[]) => [experts, undefined, experts];
    const cyclesOf = async (experts: number[], sets: string[] = []) => {
      const config = configOf(skewable, ['placement.strips=3', ...sets]);
      const { decode } = await simulateTimes(
        { ...config, routingTrace: [trace(experts)] },
        OPTIONS,
      );
      return decode;
    };
    // In turn experts 0, 3, 6, 9 share a strip.
    const [even, two, all] = [
      await cyclesOf([0, 1, 2, 3]),
      await cyclesOf([0, 3, 1, 4]),
      await cyclesOf([0, 3, 6, 9]),
    ];
    const loads = [even, two, all].map(({ routing }) => routing!.largestLoad.mean);
    expect(loads).toEqual([2, 2, 4]);
    expect(two.cyclesPerToken).toBeLessThanOrEqual(all.cyclesPerToken - 50);
    expect(all.routing).toMatchObject({ source: 'trace', tokens: 1 });
    const contiguous = await cyclesOf([0, 3, 6, 9], ['placement.expertOrder=contiguous']);
    expect(contiguous.routing!.largestLoad.mean).toBe(2);
    expect(contiguous.cyclesPerToken).toBeLessThan(all.cyclesPerToken);
    const sliced = async (experts: number[]) => cyclesOf(experts, ['placement.experts=sliced']);
    expect(await sliced([0, 1, 2, 3])).toEqual(await sliced([0, 3, 6, 9]));
    expect((await sliced([0, 1, 2, 3])).routing).toBeUndefined();
  });

  it('loses less to skew where popular experts are dealt out, and those chosen together apart', async () => {
    // Experts 0 to 3 go together, and so do the three other fours.
    const together = [0, 4, 8].map((first) => [0, 1, 2, 3].map((i) => first + i));
    const tokens = Array.from({ length: 24 }, (_, i) => {
      const experts = together[i % 3];
      return [experts, undefined, experts];
    });
    const lossOf = async (order: string) => {
      const sets = ['placement.strips=3', `placement.expertOrder=${order}`];
      const { decode } = await simulateTimes(
        { ...configOf(skewable, sets), routingTrace: tokens },
        OPTIONS,
      );
      return decode.routing!;
    };
    const contiguous = await lossOf('contiguous');
    expect(contiguous.largestLoad.mean).toBe(4);
    const apart = await lossOf('apart');
    expect(apart.largestLoad.mean).toBe(2);
    // Which strip has the fourth expert matters a little too.
    const [loss, less] = [contiguous, apart].map((of) => of.imbalanceCycles!);
    expect(loss).toBeGreaterThan(300);
    expect(Math.abs(less)).toBeLessThan(loss / 10);
  });
});

describe('a file of choices', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wafersim-routing-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let files = 0;
  const written = (lines: string[]) => {
    const path = join(folder, `${files++}.jsonl`);
    writeFileSync(path, lines.join('\n'));
    return path;
  };
  const load = (path: string) =>
    loadConfig('configs/gpt-oss-120b.yaml', [
      ...['model=models/qwen3-30b-a3b.json', `workload.routing=${path}`],
    ]);
  const line = (layer: number, experts: number[]) => JSON.stringify({ layer, experts });
  const eight = (first: number) => Array.from({ length: 8 }, (_, i) => first + i);
  const all = (token: number) =>
    Array.from({ length: 48 }, (_, layer) => line(layer, eight(token)));

  it('is read layer by layer, token by token, and is part of what the configuration says', () => {
    const [one, other] = [written([...all(1), ...all(2)]), written([...all(3), '', ...all(2)])];
    const config = load(one);
    expect(config.routingTrace).toHaveLength(2);
    expect(config.routingTrace![1][47]).toEqual(eight(2));
    expect(config.files.map(({ path }) => path)).toContain(one);
    expect(load(other).canonical).not.toEqual(config.canonical);
  });

  it.each([
    ['nonsense', 'a JSON object'],
    [line(48, eight(0)), 'layer from 0 to 47'],
    [line(0, eight(121)), '8 different ones from 0 to 127'],
    [line(0, [1, 2, 3]), '8 different ones'],
    [line(0, [0, 0, 1, 2, 3, 4, 5, 6]), '8 different ones'],
  ])('says in which line what is wrong: %s', (wrong, what) => {
    const path = written([...all(0), wrong]);
    expect(() => load(path)).toThrow(what);
    expect(() => load(path)).toThrow(`${path}:49:1`);
  });

  it('has a choice of every layer', () => {
    const path = written(all(0).slice(0, 47));
    expect(() => load(path)).toThrow('found none of layer 47');
  });
});

describe('what cannot be asked for', () => {
  const refused = (sets: string[], model: ModelSpec = skewable) => {
    const config = { ...configOf(model, sets) };
    return () => placementOf(config);
  };
  it.each([
    [['placement.strips=5'], 'placement.strips: expected auto or a divisor of 12'],
    [['placement.strips=12'], 'placement.strips: expected at most 10'],
    [['workload.routing=reference'], 'workload.routing: expected uniform, skewed or a file'],
    [
      ['workload.data=true', 'workload.routing=uniform'],
      'workload.routing: expected reference where a run computes',
    ],
    [
      ['workload.data=true', 'placement.expertOrder=apart'],
      'placement.expertOrder: expected contiguous or in-turn',
    ],
  ])('%s', (sets, message) => {
    expect(refused(sets)).toThrow(message);
  });

  it('strips of a model without experts', () => {
    expect(refused([], modelOf([layerWith()]))).toThrow('placement.experts: expected sliced');
    expect(() => loadConfig('configs/wse2-waferllm.yaml', ['placement.experts=strips'])).toThrow(
      'expected sliced with mapping: waferllm',
    );
  });
});
